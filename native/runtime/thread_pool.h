// A pool that runs the tasks of one parallel region at a time. The caller takes part. Each thread begins with its own
// share of the tasks, the same part of the range in every region, so that what it wrote in one region is near it in the
// next; whoever is done helps the others, so a slow thread never holds them up.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace neurite {

class ThreadPool {
 public:
  using Body = void (*)(void* state, int64_t task, int32_t thread);

  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Called by one thread at a time. Returns when every task has run.
  void run(int64_t tasks, Body body, void* state);

 private:
  // What one thread starts with, in one cache line: a thread that polls its own gets all it needs with the news. `left`
  // counts the tasks that nobody claimed yet, in its low 40 bits, under the number of the region: a thread that comes
  // late to a region finds nothing to claim, and nobody waits for it. The rest is written before `left`, and read only
  // by a thread that holds a task of the current region.
  struct alignas(64) Share {
    std::atomic<uint64_t> left{0};
    Body body = nullptr;
    void* state = nullptr;
    int64_t end = 0;
  };

  void work(int32_t thread);
  void claim(int32_t thread);
  void claim_from(Share& share, int32_t thread);
  bool wait_for_region(int32_t thread, uint64_t seen);
  uint64_t region_of(int32_t thread) const;

  std::unique_ptr<Share[]> shares_;
  uint64_t region_ = 0;
  alignas(64) std::atomic<int64_t> finished_{0};
  alignas(64) std::atomic<int32_t> sleeping_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  int waker_ = -1;  // the processor that the sleeping were last woken from
  std::vector<std::thread> workers_;
};

}  // namespace neurite
