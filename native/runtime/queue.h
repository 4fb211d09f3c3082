// The bounded queue of a stream: a ring of variable-sized commands with many producers and one consumer. Positions are
// byte counts that only grow, so they also order events: work up to position p is done once completed() >= p.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "runtime/command.h"

namespace neurite {

class CommandQueue {
 public:
  static constexpr size_t kCapacity = size_t{8} << 20;
  static constexpr size_t kLargestCommand = kCapacity / 4;

  CommandQueue();

  // Copies the pieces of a command into the ring; blocks while the ring is full (counted in stalls). Returns the
  // position behind it. Commands larger than kLargestCommand must be refused before.
  uint64_t push(const Command& header, const void* arguments, const nr_tensor* lists, Storage* const* storages);

  uint64_t pushed() const { return tail_.load(std::memory_order_acquire); }
  uint64_t completed() const { return head_.load(std::memory_order_acquire); }
  uint64_t stalls() const { return stalls_.load(std::memory_order_relaxed); }
  void wait_completed(uint64_t position);

  // Consumer: the next command, or nullptr once stop() was called (what is left is dropped). Commands stay in place
  // until pop().
  Command* front();
  void pop(const Command* command);
  void stop();

 private:
  static constexpr uint64_t kNever = UINT64_MAX;

  Command* at(uint64_t position) { return reinterpret_cast<Command*>(ring_.get() + position % kCapacity); }
  bool wait_for_command(uint64_t position);
  void release(uint64_t position);

  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> ring_;
  std::mutex producers_;
  uint64_t known_head_ = 0;  // a producer's last look at head_
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) std::atomic<uint64_t> head_{0};
  uint64_t known_tail_ = 0;  // the consumer's last look at tail_
  alignas(64) std::atomic<bool> consumer_sleeps_{false};
  // The least position that a thread sleeps for: a wake-up costs the consumer microseconds, too many to give one after
  // every command. Written under mutex_.
  std::atomic<uint64_t> awaited_{kNever};
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> stalls_{0};
  std::mutex mutex_;
  std::condition_variable pushed_, popped_;
};

}  // namespace neurite
