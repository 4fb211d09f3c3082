#include "runtime/thread_pool.h"

#include "runtime/spin.h"

namespace neurite {

static constexpr int kTaskBits = 40;
static constexpr uint64_t kTaskMask = (uint64_t{1} << kTaskBits) - 1;

ThreadPool::ThreadPool(int threads) : shares_(std::make_unique<Share[]>(static_cast<size_t>(threads))) {
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
  const uint64_t region = region_.load(std::memory_order_relaxed) + 1;
  for (int32_t i = 0; i < threads(); i++) {
    const int64_t count = share_end(i) - (i == 0 ? 0 : share_end(i - 1));
    shares_[i].left.store(region << kTaskBits | static_cast<uint64_t>(count), std::memory_order_release);
  }
  region_.store(region);  // ordered before the load of sleeping_
  if (sleeping_.load() > 0) {
    std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  claim(0);
  while (finished_.load(std::memory_order_acquire) < tasks) pause();
}

void ThreadPool::claim(int32_t thread) {
  for (int32_t i = 0; i < threads(); i++) claim_from((thread + i) % threads(), thread);
}

void ThreadPool::claim_from(int32_t share, int32_t thread) {
  std::atomic<uint64_t>& shared = shares_[share].left;
  uint64_t left = shared.load(std::memory_order_acquire);
  while (const uint64_t tasks = left & kTaskMask) {
    if (!shared.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    body_(state_, share_end(share) - static_cast<int64_t>(tasks), thread);
    finished_.fetch_add(1, std::memory_order_release);
    left = shared.load(std::memory_order_acquire);
  }
}

bool ThreadPool::wait_for_region(uint64_t seen) {
  const auto changed = [&] { return region_.load(std::memory_order_acquire) != seen; };
  for (int i = 0; i < kSpins; i++) {
    if (changed()) return true;
    if (stop_.load(std::memory_order_relaxed)) return false;
    pause();
  }
  std::unique_lock lock(mutex_);
  sleeping_.fetch_add(1);
  wake_.wait(lock, [&] { return stop_.load() || region_.load() != seen; });
  sleeping_.fetch_sub(1);
  return !stop_.load();
}

void ThreadPool::work(int32_t thread) {
  for (uint64_t seen = 0; wait_for_region(seen);) {
    seen = region_.load(std::memory_order_acquire);
    claim(thread);
  }
}

}  // namespace neurite
