// Splits work among the context's threads. Whatever is added up is cut by its size alone, never by the thread count, so
// results are bit-equal for any number of threads; outputs may be shared out as suits the threads there are.
#pragma once
#include "cpu/table.h"

namespace neurite::NR_ISA {
namespace {

// body(task, thread) for every task in [0, tasks).
template <class Body>
inline void parallel_tasks(nr_context* ctx, int64_t tasks, const Body& body) {
  if (tasks == 1) {
    body(int64_t{0}, int32_t{0});
    return;
  }
  if (tasks <= 0) return;
  ctx->parallel(
      ctx, tasks, [](void* state, int64_t task, int32_t thread) { (*static_cast<const Body*>(state))(task, thread); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// body(begin, end) over [0, n) in pieces of `grain`.
template <class Body>
inline void parallel_range(nr_context* ctx, int64_t n, int64_t grain, const Body& body) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  parallel_tasks(ctx, (n + grain - 1) / grain, [&](int64_t task, int32_t) {
    const int64_t begin = task * grain;
    const int64_t end = begin + grain;
    body(begin, end < n ? end : n);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
