#include "runtime/stream.h"

#include <cstdio>

#include "runtime/session.h"

namespace neurite {

Stream::Stream(int threads) : threads_(threads), pool_(std::make_unique<ThreadPool>(threads)) {
  prepare_context();
  context_.threads = threads;
  context_.parallel = [](nr_context* c, int64_t tasks, void (*body)(void*, int64_t, int32_t), void* state) {
    of(c).pool_->run(tasks, body, state);
  };
  executor_ = std::thread([this] { work(); });
}

Stream::Stream(Accelerator& accelerator) : accelerator_(&accelerator), threads_(1) {
  prepare_context();
  context_.threads = 1;
  executor_ = std::thread([this] {
    accelerator_->prepare(context_);
    work();
  });
}

void Stream::prepare_context() {
  context_.stream = this;
  context_.scratch = [](nr_context* c, size_t bytes) {
    Stream& stream = of(c);
    void* memory = stream.accelerator_ ? stream.accelerator_->scratch(bytes) : stream.arena_.take(bytes);
    if (!memory) c->fail(c, "OUT_OF_MEMORY", "no memory for %zu bytes of working space", bytes);
    return memory;
  };
  context_.fail = &Context::on_fail;
}

void Stream::Context::on_fail(nr_context* ctx, const char* code, const char* format, ...) {
  va_list args;
  va_start(args, format);
  of(ctx).fail(code, format, args);
  va_end(args);
}

Stream::~Stream() {
  queue_.stop();
  executor_.join();
}

void Stream::set_threads(int threads) {
  struct Resize {
    Stream* stream;
    int threads;
  } resize{this, threads};
  threads_.store(threads);
  enqueue("set_threads", nullptr, resize, [](Command* self, nr_context*) {
    auto* r = self->arguments<Resize>();
    r->stream->pool_ = std::make_unique<ThreadPool>(r->threads);
    r->stream->context_.threads = r->threads;
  });
}

void Stream::work() {
  while (Command* command = queue_.front()) {
    if (profiler_.active() && profiler_.records(command->session) && !command->always) {
      const int64_t started = now_ns();
      execute(*command);
      profiler_.record(*command, started, now_ns());
    } else {
      execute(*command);
    }
    queue_.pop(command);
  }
}

void Stream::execute(Command& command) {
  if (command.always) {
    command.run(&command, &context_);
    return;
  }
  if (!command.session->alive()) {
    static const FaultPtr ended =
        std::make_shared<Fault>("WORKER_TERMINATED", "the Worker that enqueued this computation ended before it ran");
    return mark(command, ended, true);
  }
  if (accelerator_) accelerator_->begin_command(command, context_);
  Storage** storages = command.storages();
  for (int i = 0; i < command.reads; i++)
    if (storages[i]->fault) return mark(command, storages[i]->fault, false);
  Storage** targets = storages + command.reads + command.fresh;
  for (int i = 0; i < command.in_place; i++)
    if (targets[i]->fault) return mark(command, targets[i]->fault, false);
  running_ = &command;
  command.run(&command, &context_);
  arena_.reset();
  if (accelerator_) accelerator_->end_command(command, context_);
  if (!failure_) return;
  mark(command, failure_, true);
  command.session->add_fault(std::move(failure_));
  failure_.reset();
}

// A skipped command leaves its in-place targets at their last good value; a failed one may have spoilt them.
void Stream::mark(Command& command, const FaultPtr& fault, bool in_place) {
  Storage** written = command.storages() + command.reads;
  const int count = command.fresh + (in_place ? command.in_place : 0);
  for (int i = 0; i < count; i++) written[i]->fault = fault;
}

void Stream::fail(const char* code, const char* format, va_list args) {
  std::lock_guard lock(fail_mutex_);
  if (failure_) return;
  char text[512];
  std::vsnprintf(text, sizeof text, format, args);
  failure_ = std::make_shared<Fault>(code, std::string(running_->name) + ": " + text);
}

FaultPtr Stream::copy_in(const char* op, void* to, const void* from, size_t bytes) {
  if (accelerator_) return accelerator_->copy_in(op, to, from, bytes);
  if (bytes > 0) std::memcpy(to, from, bytes);  // an empty array has no address
  return nullptr;
}

FaultPtr Stream::copy_out(const char* op, void* to, const void* from, size_t bytes) {
  if (accelerator_) return accelerator_->copy_out(op, to, from, bytes);
  if (bytes > 0) std::memcpy(to, from, bytes);
  return nullptr;
}

FaultPtr Stream::synchronize(const char* op) {
  return accelerator_ ? accelerator_->synchronize(op) : nullptr;
}

}  // namespace neurite
