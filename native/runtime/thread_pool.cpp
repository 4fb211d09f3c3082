#include "runtime/thread_pool.h"

#include "runtime/processor.h"
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
  finished_.store(0, std::memory_order_relaxed);
  region_++;
  for (int32_t i = threads() - 1; i >= 0; i--) {
    Share& share = shares_[i];
    const int64_t begin = tasks * i / threads();
    share.body = body;
    share.state = state;
    share.end = tasks * (i + 1) / threads();
    share.left.store(region_ << kTaskBits | static_cast<uint64_t>(share.end - begin));  // ordered before sleeping_
  }
  if (sleeping_.load() > 0) {
    std::lock_guard lock(mutex_);
    waker_ = current_processor();
    wake_.notify_all();
  }
  claim(0);
  while (finished_.load(std::memory_order_acquire) < tasks) pause();
}

void ThreadPool::claim(int32_t thread) {
  for (int32_t i = 0; i < threads(); i++) claim_from(shares_[(thread + i) % threads()], thread);
}

void ThreadPool::claim_from(Share& share, int32_t thread) {
  int64_t done = 0;
  uint64_t left = share.left.load(std::memory_order_acquire);
  while (const uint64_t tasks = left & kTaskMask) {
    if (!share.left.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    share.body(share.state, share.end - static_cast<int64_t>(tasks), thread);
    done++;
    left = share.left.load(std::memory_order_acquire);
  }
  if (done > 0) finished_.fetch_add(done, std::memory_order_release);
}

uint64_t ThreadPool::region_of(int32_t thread) const {
  return shares_[thread].left.load() >> kTaskBits;
}

bool ThreadPool::wait_for_region(int32_t thread, uint64_t seen) {
  for (int i = 0; i < kSpins; i++) {
    if (region_of(thread) != seen) return true;
    if (stop_.load(std::memory_order_relaxed)) return false;
    pause();
  }
  std::unique_lock lock(mutex_);
  sleeping_.fetch_add(1);
  wake_.wait(lock, [&] { return stop_.load() || region_of(thread) != seen; });
  sleeping_.fetch_sub(1);
  const int waker = waker_;
  lock.unlock();
  leave_processor(waker);
  return !stop_.load();
}

void ThreadPool::work(int32_t thread) {
  for (uint64_t seen = 0; wait_for_region(thread, seen);) {
    seen = region_of(thread);
    claim(thread);
  }
}

}  // namespace neurite
