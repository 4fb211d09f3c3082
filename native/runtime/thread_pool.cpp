#include "runtime/thread_pool.h"

#include "runtime/spin.h"

namespace neurite {

static constexpr int kTaskBits = 40;
static constexpr uint64_t kTaskMask = (uint64_t{1} << kTaskBits) - 1;

ThreadPool::ThreadPool(int threads) {
  for (int t = 1; t < threads; t++) workers_.emplace_back([this, t] { work(t); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(int64_t tasks, Body body, void* state) {
  if (workers_.empty() || tasks <= 1) {
    for (int64_t task = 0; task < tasks; task++) body(state, task, 0);
    return;
  }
  body_ = body;
  state_ = state;
  tasks_ = tasks;
  finished_.store(0, std::memory_order_relaxed);
  const uint64_t region = (left_.load(std::memory_order_relaxed) >> kTaskBits) + 1;
  left_.store(region << kTaskBits | static_cast<uint64_t>(tasks));  // ordered before the load of sleeping_
  if (sleeping_.load() > 0) {
    std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  claim(0);
  while (finished_.load(std::memory_order_acquire) < tasks) pause();
}

void ThreadPool::claim(int32_t thread) {
  uint64_t left = left_.load(std::memory_order_acquire);
  while (const uint64_t tasks = left & kTaskMask) {
    if (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    body_(state_, tasks_ - static_cast<int64_t>(tasks), thread);
    finished_.fetch_add(1, std::memory_order_release);
    left = left_.load(std::memory_order_acquire);
  }
}

bool ThreadPool::wait_for_region(uint64_t seen) {
  const auto changed = [&] { return left_.load(std::memory_order_acquire) >> kTaskBits != seen; };
  for (int i = 0; i < kSpins; i++) {
    if (changed()) return true;
    if (stop_.load(std::memory_order_relaxed)) return false;
    pause();
  }
  std::unique_lock lock(mutex_);
  sleeping_.fetch_add(1);
  wake_.wait(lock, [&] { return stop_.load() || left_.load() >> kTaskBits != seen; });
  sleeping_.fetch_sub(1);
  return !stop_.load();
}

void ThreadPool::work(int32_t thread) {
  for (uint64_t seen = 0; wait_for_region(seen);) {
    seen = left_.load(std::memory_order_acquire) >> kTaskBits;
    claim(thread);
  }
}

}  // namespace neurite
