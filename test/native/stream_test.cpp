// The stream: commands run in order, faults travel along reads, skipped in-place commands keep their target, an ended
// session's commands are dropped, and destruction does not wait for the queue to drain.
#include "runtime/stream.h"

#include "harness.h"
#include "runtime/session.h"

using namespace neurite;

namespace {

struct Step {
  int* counter;
  int value;
  bool fails;
};

struct Pushed {
  std::vector<Storage*> reads, fresh, in_place;
};

void push(Stream& stream, Session& session, const Step& step, const Pushed& storages) {
  std::vector<Storage*> all = storages.reads;
  all.insert(all.end(), storages.fresh.begin(), storages.fresh.end());
  all.insert(all.end(), storages.in_place.begin(), storages.in_place.end());
  alignas(16) Step arguments[2] = {step};
  Command command{};
  command.name = "step";
  command.session = &session;
  command.arguments_bytes = 32;
  command.reads = static_cast<uint16_t>(storages.reads.size());
  command.fresh = static_cast<uint16_t>(storages.fresh.size());
  command.in_place = static_cast<uint16_t>(storages.in_place.size());
  command.bytes = static_cast<uint32_t>((sizeof(Command) + 32 + all.size() * sizeof(Storage*) + 63) / 64 * 64);
  command.run = [](Command* self, nr_context* ctx) {
    auto* s = self->arguments<Step>();
    if (s->fails) return ctx->fail(ctx, "BROKEN", "expected a good step, got number %d", s->value);
    *s->counter = *s->counter * 10 + s->value;
  };
  stream.queue().push(command, arguments, nullptr, all.data());
}

void wait(Stream& stream) {
  stream.queue().wait_completed(stream.queue().pushed());
}

void faults_travel() {
  Stream stream(2);
  int woken = 0, counter = 0;
  Session session([&] { woken++; });
  Storage a, b, c, target, good;
  push(stream, session, {&counter, 1, false}, {{}, {&good}, {}});
  push(stream, session, {&counter, 2, true}, {{}, {&a}, {}});
  push(stream, session, {&counter, 3, false}, {{&a}, {&b}, {}});            // reads a marked storage
  push(stream, session, {&counter, 4, false}, {{&b}, {}, {&target}});       // skipped in place
  push(stream, session, {&counter, 5, false}, {{&good}, {&c}, {&target}});  // still good
  wait(stream);
  CHECK(counter == 15, "%d", counter);
  CHECK(a.fault && b.fault && a.fault == b.fault);
  CHECK(!target.fault && !c.fault && !good.fault);
  CHECK(a.fault->code == "BROKEN" && a.fault->message == "step: expected a good step, got number 2");
  const FaultPtr first = session.take_first_unreported();
  CHECK(first == a.fault);
  CHECK(session.take_first_unreported() == nullptr, "reported once");

  push(stream, session, {&counter, 6, true}, {{}, {}, {&target}});
  wait(stream);
  CHECK(target.fault != nullptr, "a failed in-place command marks its target");

  session.settle(9, nullptr);
  session.settle(10, a.fault);
  CHECK(woken == 1, "one wake-up for what is delivered together");
  CHECK(session.take_settled().size() == 2);
}

void ended_sessions_are_dropped() {
  Stream stream(1);
  int counter = 0;
  Session session([] {});
  session.end();
  Storage made;
  push(stream, session, {&counter, 1, false}, {{}, {&made}, {}});
  wait(stream);
  CHECK(counter == 0);
  CHECK(made.fault && made.fault->code == "WORKER_TERMINATED");
}

void destruction_drops_the_queue() {
  std::atomic<int> ran{0};
  {
    Stream stream(1);
    for (int i = 0; i < 1000; i++) {
      struct Slow {
        std::atomic<int>* ran;
        int64_t unused;
      } slow{&ran, 0};
      Command command{};
      command.always = true;
      command.arguments_bytes = 16;
      command.bytes = (sizeof(Command) + 16 + 63) / 64 * 64;
      command.run = [](Command* self, nr_context*) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        self->arguments<Slow>()->ran->fetch_add(1);
      };
      stream.queue().push(command, &slow, nullptr, nullptr);
    }
  }
  CHECK(ran < 100, "%d commands ran", ran.load());
}

void threads_can_change() {
  Stream stream(1);
  stream.set_threads(3);
  CHECK(stream.threads() == 3);
  wait(stream);
  stream.set_threads(2);
  wait(stream);
  CHECK(stream.threads() == 2);
}

}  // namespace

int main() {
  faults_travel();
  ended_sessions_are_dropped();
  destruction_drops_the_queue();
  threads_can_change();
  return harness::report();
}
