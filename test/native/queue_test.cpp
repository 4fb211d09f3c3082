// The command queue: order, wrap-around, backpressure, several producers, stop.
#include "runtime/queue.h"

#include <thread>

#include "harness.h"

using namespace neurite;

namespace {

struct Payload {
  int64_t producer, number;
};

Command command_of(size_t extra_tensors) {
  Command command{};
  command.run = [](Command*, nr_context*) {};
  command.arguments_bytes = sizeof(Payload);
  command.list_tensors = static_cast<uint32_t>(extra_tensors);
  command.bytes =
      static_cast<uint32_t>((sizeof(Command) + sizeof(Payload) + extra_tensors * sizeof(nr_tensor) + 63) / 64 * 64);
  return command;
}

// Every producer's commands arrive in its order, across many wrap-arounds and with commands of many sizes.
void keeps_order(int producers, int64_t count) {
  CommandQueue queue;
  std::vector<nr_tensor> lists(2000);
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; p++) {
    threads.emplace_back([&, p] {
      for (int64_t i = 0; i < count; i++) {
        const Payload payload{p, i};
        const Command command = command_of(static_cast<size_t>((i * 37 + p) % (i % 50 == 0 ? 2000 : 5)));
        queue.push(command, &payload, lists.data(), nullptr);
      }
    });
  }
  std::vector<int64_t> expected(producers, 0);
  for (int64_t i = 0; i < producers * count; i++) {
    Command* command = queue.front();
    const auto* payload = command->arguments<Payload>();
    CHECK(payload->number == expected[payload->producer], "producer %lld", (long long)payload->producer);
    expected[payload->producer] = payload->number + 1;
    queue.pop(command);
  }
  for (auto& thread : threads) thread.join();
  CHECK(queue.completed() == queue.pushed());
}

void blocks_when_full() {
  CommandQueue queue;
  std::atomic<int> pushed{0};
  std::vector<nr_tensor> lists(5000);
  std::thread producer([&] {
    for (int i = 0; i < 40; i++) {
      const Payload payload{0, i};
      queue.push(command_of(5000), &payload, lists.data(), nullptr);
      pushed++;
    }
  });
  while (queue.stalls() == 0) std::this_thread::yield();
  CHECK(pushed < 40, "the ring holds less than all of them");
  for (int i = 0; i < 40; i++) queue.pop(queue.front());
  producer.join();
  CHECK(pushed == 40);
}

// Whoever waits for a position sleeps until it is reached, whatever the others wait for.
void waits_end_in_their_turn() {
  constexpr int count = 6;
  CommandQueue queue;
  uint64_t position[count];
  for (int i = 0; i < count; i++) {
    const Payload payload{0, i};
    position[i] = queue.push(command_of(0), &payload, nullptr, nullptr);
  }
  std::atomic<bool> over[count] = {};
  std::vector<std::thread> waiters;
  for (int i : {3, 5, 1, 3}) {
    waiters.emplace_back([&, i] {
      queue.wait_completed(position[i]);
      CHECK(queue.completed() >= position[i], "waiter %d", i);
      over[i] = true;
    });
  }
  for (int i = 0; i < count; i++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // they sleep by now
    for (int later = i; later < count; later++) CHECK(!over[later], "waiter %d before %d", later, i);
    queue.pop(queue.front());
  }
  for (auto& waiter : waiters) waiter.join();
}

void stop_ends_waits() {
  CommandQueue queue;
  std::thread consumer([&] { CHECK(queue.front() == nullptr); });
  std::thread waiter([&] { queue.wait_completed(1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  queue.stop();
  consumer.join();
  waiter.join();
}

}  // namespace

int main() {
  keeps_order(1, 20000);
  keeps_order(3, 10000);
  blocks_when_full();
  waits_end_in_their_turn();
  stop_ends_waits();
  return harness::report();
}
