// The thread pool: every task runs once, thread numbers stay in range, regions follow each other closely.
#include "runtime/thread_pool.h"

#include "harness.h"

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

}  // namespace

int main() {
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
