// Records when each command was enqueued, started and finished, for `profile()`.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace neurite {

struct Command;
class Session;

int64_t now_ns();

class Profiler {
 public:
  struct Event {
    const char* name;
    std::string shapes;  // "[2, 3] float32, [3] float32"
    int64_t enqueued_ns, started_ns, finished_ns;
  };

  bool active() const { return session_.load(std::memory_order_relaxed) != nullptr; }
  bool records(const Session* session) const { return session_.load(std::memory_order_acquire) == session; }
  // One session records at a time; false when another one does.
  bool start(const Session* session);
  std::vector<Event> stop(const Session* session);
  void record(Command& command, int64_t started_ns, int64_t finished_ns);

 private:
  std::atomic<const Session*> session_{nullptr};
  std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace neurite
