// From one device to another, without waiting: a command on the source's stream copies the bytes to the host, one on
// the target's stream waits for it and copies them on. A fault travels along.
//
// No deadlock: a command waits only for one that was pushed before it, and streams run in the order of pushes. Of all
// commands that have not run, the one pushed first waits for nobody; so some stream always goes on.
#include <cstdlib>

#include "addon/bytes.h"
#include "addon/call.h"
#include "addon/exports.h"
#include "addon/guarded.h"

namespace neurite {

namespace {

// What travels. The command that arrives frees it; if the process ends in between, nobody does.
struct Passage {
  void* data;
  size_t bytes;
  FaultPtr fault;
  std::atomic<bool> has_left{false};

  Passage(void* data_, size_t bytes_) : data(data_), bytes(bytes_) {}
  ~Passage() { std::free(data); }
};

struct Departure {
  Passage* passage;
  const void* from;
};

struct Arrival {
  Passage* passage;
  void* to;
  CommandQueue* source;
  uint64_t position;  // of the departure, in the source's queue
};

void run_departure(Command* self, nr_context* ctx) {
  const auto [passage, from] = *self->arguments<Departure>();
  Storage& source = *self->storages()[0];
  settle_checks(source);
  passage->fault = source.fault;
  if (!passage->fault) {
    passage->fault = Stream::of(ctx).copy_out(self->name, passage->data, from, passage->bytes);
    if (passage->fault) self->session->add_fault(passage->fault);
    settle_checks(source);
    if (source.fault) passage->fault = source.fault;
  }
  passage->has_left.store(true);
}

void run_arrival(Command* self, nr_context* ctx) {
  auto* arrival = self->arguments<Arrival>();
  arrival->source->wait_completed(arrival->position);
  if (!arrival->passage->has_left.load()) return;  // the process ends, and the source's queue was dropped
  const std::unique_ptr<Passage> passage(arrival->passage);
  Storage& target = *self->storages()[0];
  target.fault = passage->fault;
  if (target.fault) return;
  target.fault = Stream::of(ctx).copy_in(self->name, arrival->to, passage->data, passage->bytes);
  if (target.fault) self->session->add_fault(target.fault);
}

// move(owner, source); block: the new tensor, then the id of the source, which the second argument keeps alive.
napi_value move(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2] = {};
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  return guarded(env, [&](Environment& environment) -> std::string {
    Call call(environment, "to");
    nr_tensor target, source;
    call.read_target(target);
    Storage* storage = call.read_elsewhere(source);
    if (call.ok() && environment.buffers.outputs.empty()) call.refuse("INVALID_ARGUMENT", "expected a new tensor");
    const size_t bytes = call.ok() ? bytes_of(source) : 0;
    if (call.ok() && (!is_contiguous(source) || source.dtype != target.dtype || bytes != bytes_of(target)))
      call.refuse("INVALID_ARGUMENT",
                  "expected a contiguous tensor like " + describe(target) + ", got " + describe(source));
    if (!call.ok() || !call.fits(sizeof(Arrival))) return call.problem();
    if (!call.allocate_outputs(arguments, 1)) return call.problem();
    void* data = std::malloc(bytes + 1);
    if (!data) throw std::bad_alloc();
    auto* passage = new Passage(data, bytes);
    Stream& from = storage->device->stream();
    const uint64_t position =
        from.enqueue("to", environment.session.get(), Departure{passage, source.data}, run_departure, storage);
    const Arrival arrival{passage, target.data, &from.queue(), position};
    Command header{};
    header.run = run_arrival;
    header.always = true;
    call.enqueue(header, &arrival, sizeof arrival);
    return {};
  });
}

}  // namespace

void export_moves(Exports& exports) {
  exports.add("move", move);
}

}  // namespace neurite
