#include "runtime/profiler.h"

#include <chrono>
#include <utility>

#include "runtime/command.h"

namespace neurite {

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool Profiler::start(const Session* session) {
  const Session* none = nullptr;
  return session_.compare_exchange_strong(none, session);
}

std::vector<Profiler::Event> Profiler::stop(const Session* session) {
  if (!records(session)) return {};
  session_.store(nullptr);
  std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

void Profiler::record(Command& command, int64_t started_ns, int64_t finished_ns) {
  std::lock_guard lock(mutex_);
  events_.push_back({command.name, command.describe ? command.describe(&command) : std::string(), command.enqueued_ns,
                     started_ns, finished_ns});
}

}  // namespace neurite
