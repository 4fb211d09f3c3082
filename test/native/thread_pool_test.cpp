// The thread pool: every task runs once, thread numbers stay in range, regions follow each other closely; and threads
// leave a processor without giving up the right to return.
#include "runtime/thread_pool.h"

#include "harness.h"
#include "runtime/processor.h"

using namespace neurite;

namespace {

struct Counts {
  std::vector<std::atomic<int>> runs;
  int threads;
  std::atomic<bool> in_range{true};
};

void every_task_once(ThreadPool& pool, int64_t tasks) {
  Counts counts{std::vector<std::atomic<int>>(static_cast<size_t>(tasks)), pool.threads()};
  pool.run(
      tasks,
      [](void* state, int64_t task, int32_t thread) {
        auto* c = static_cast<Counts*>(state);
        c->runs[static_cast<size_t>(task)]++;
        if (thread < 0 || thread >= c->threads) c->in_range = false;
      },
      &counts);
  bool once = true;
  for (auto& run : counts.runs) once &= run == 1;
  CHECK(once, "%lld tasks on %d threads", (long long)tasks, pool.threads());
  CHECK(counts.in_range);
}

#if defined(__linux__)
void leave_for_another() {
  cpu_set_t before, after;
  sched_getaffinity(0, sizeof before, &before);
  const int from = current_processor();
  leave_processor(from);
  sched_getaffinity(0, sizeof after, &after);
  CHECK(CPU_EQUAL(&before, &after));
  // One that may run on one processor only stays there.
  cpu_set_t one;
  CPU_ZERO(&one);
  const int here = current_processor();
  CPU_SET(here, &one);
  sched_setaffinity(0, sizeof one, &one);
  leave_processor(here);
  CHECK(current_processor() == here);
  sched_setaffinity(0, sizeof before, &before);
  int moved = 0;  // the kernel may bring it back at once, but not every time
  for (int i = 0; i < 100; i++) {
    const int start = current_processor();
    leave_processor(start);
    moved += current_processor() != start;
  }
  CHECK(CPU_COUNT(&before) == 1 || moved > 0);
  leave_processor(-1);
}
#endif

}  // namespace

int main() {
#if defined(__linux__)
  leave_for_another();
#endif
  for (int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (int64_t tasks : {0, 1, 2, 3, 7, 64, 1000}) every_task_once(pool, tasks);
    for (int i = 0; i < 3000; i++) every_task_once(pool, 1 + i % 5);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the workers fall asleep
    every_task_once(pool, 100);
  }
  return harness::report();
}
