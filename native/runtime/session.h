// One JavaScript environment (the main thread or a Worker) as the stream sees it: where results are delivered and
// faults are collected. It outlives the environment until its last command has left the queue.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/fault.h"

namespace neurite {

class Session : public std::enable_shared_from_this<Session> {
 public:
  // Something JavaScript waits for has happened: the token it was given, and the fault if it failed.
  struct Settled {
    uint64_t token;
    FaultPtr fault;
  };

  // `wake` is called by the executor whenever settled() goes from empty to non-empty.
  explicit Session(std::function<void()> wake) : wake_(std::move(wake)) {}

  void settle(uint64_t token, FaultPtr fault);
  std::vector<Settled> take_settled();

  void add_fault(FaultPtr fault);
  // The oldest fault that was never reported, now reported; nullptr when there is none.
  FaultPtr take_first_unreported();

  // Runs `work` unless the environment has ended; while it runs, the environment cannot end. Work that touches the
  // environment's memory goes through here.
  template <class Work>
  bool while_alive(const Work& work) {
    std::lock_guard lock(alive_mutex_);
    if (!alive_) return false;
    work();
    return true;
  }
  bool alive() const { return alive_; }
  // The environment ends: nothing is delivered from now on.
  void end();

 private:
  std::function<void()> wake_;
  std::mutex alive_mutex_;
  std::atomic<bool> alive_{true};
  std::mutex mutex_;
  std::vector<Settled> settled_;
  std::vector<FaultPtr> faults_;
};

}  // namespace neurite
