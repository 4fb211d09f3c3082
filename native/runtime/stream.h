// A device's stream: one executor thread takes commands in order and runs each kernel, on the CPU on a thread pool in
// which it takes part. Enqueueing returns at once.
#pragma once
#include <atomic>
#include <cstdarg>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/accelerator.h"
#include "runtime/arena.h"
#include "runtime/profiler.h"
#include "runtime/queue.h"
#include "runtime/thread_pool.h"

namespace neurite {

class Stream {
 public:
  explicit Stream(int threads);  // of the CPU
  explicit Stream(Accelerator& accelerator);
  ~Stream();  // drops what is queued, waits for the command that runs

  CommandQueue& queue() { return queue_; }
  Profiler& profiler() { return profiler_; }
  int threads() const { return threads_.load(); }
  // Takes effect for commands enqueued from now on. The CPU's only.
  void set_threads(int threads);

  // Enqueues work that is no kernel's; it runs even when its session has ended. Returns the position behind it.
  template <class State>
  uint64_t enqueue(const char* name, Session* session, const State& state, void (*run)(Command*, nr_context*),
                   Storage* read = nullptr) {
    static_assert(std::is_trivially_copyable_v<State>, "commands are plain data");
    alignas(16) std::byte arguments[(sizeof state + 15) / 16 * 16] = {};
    std::memcpy(arguments, &state, sizeof state);
    Command command{};
    command.name = name;
    command.session = session;
    command.run = run;
    command.always = true;
    command.reads = read ? 1 : 0;
    command.arguments_bytes = sizeof arguments;
    command.bytes = (sizeof command + sizeof arguments + sizeof read + 63) / 64 * 64;
    return queue_.push(command, arguments, nullptr, &read);
  }

  // What commands call, from the executor. Bytes in and out; `op` is named in the fault. copy_out and synchronize
  // return when all that was enqueued before has happened, and when its faults are known.
  FaultPtr copy_in(const char* op, void* to, const void* from, size_t bytes);
  FaultPtr copy_out(const char* op, void* to, const void* from, size_t bytes);
  FaultPtr synchronize(const char* op);
  Accelerator* accelerator() { return accelerator_; }  // nullptr: the CPU
  // The stream that runs the command which was given this context.
  static Stream& of(nr_context* ctx) { return *static_cast<Context*>(ctx)->stream; }

 private:
  struct Context : nr_device_context {
    Stream* stream;
    static void on_fail(nr_context* ctx, const char* code, const char* format, ...);
  };

  void prepare_context();
  void work();
  void execute(Command& command);
  void mark(Command& command, const FaultPtr& fault, bool in_place);
  void fail(const char* code, const char* format, va_list args);

  CommandQueue queue_;
  Profiler profiler_;
  Accelerator* accelerator_ = nullptr;
  std::atomic<int> threads_;
  std::unique_ptr<ThreadPool> pool_;
  Arena arena_;
  Context context_{};
  std::mutex fail_mutex_;
  const Command* running_ = nullptr;
  FaultPtr failure_;
  std::thread executor_;
};

}  // namespace neurite
