// A device's stream: one executor thread takes commands in order and runs each kernel on a thread pool in which it
// takes part. Enqueueing returns at once.
#pragma once
#include <atomic>
#include <cstdarg>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/arena.h"
#include "runtime/profiler.h"
#include "runtime/queue.h"
#include "runtime/thread_pool.h"

namespace neurite {

class Stream {
 public:
  explicit Stream(int threads);
  ~Stream();  // drops what is queued, waits for the command that runs

  CommandQueue& queue() { return queue_; }
  Profiler& profiler() { return profiler_; }
  int threads() const { return threads_.load(); }
  // Takes effect for commands enqueued from now on.
  void set_threads(int threads);

 private:
  struct Context : nr_context {
    Stream* stream;
    static void on_fail(nr_context* ctx, const char* code, const char* format, ...);
  };

  void work();
  void execute(Command& command);
  void mark(Command& command, const FaultPtr& fault, bool in_place);
  void fail(const char* code, const char* format, va_list args);

  CommandQueue queue_;
  Profiler profiler_;
  std::atomic<int> threads_;
  std::unique_ptr<ThreadPool> pool_;
  Arena arena_;
  Context context_;
  std::mutex fail_mutex_;
  const Command* running_ = nullptr;
  FaultPtr failure_;
  std::thread executor_;
};

}  // namespace neurite
