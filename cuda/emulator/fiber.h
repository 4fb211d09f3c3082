// Fibers: a stack each, switched by hand in a few nanoseconds. One set of stacks per thread of the operating system.
#pragma once
#include <cstddef>

namespace simt {

constexpr int kMaxThreads = 1024;             // of a block
constexpr size_t kStack = size_t{256} << 10;  // touched pages alone cost memory
constexpr size_t kAllStacks = kStack * kMaxThreads;

// Where a fiber goes on: its stack pointer, and what AddressSanitizer must know of the stack.
struct Fiber {
  void* sp = nullptr;
  void* fake_stack = nullptr;
  const void* bottom = nullptr;
  size_t size = 0;
};

// Prepares fiber `number` of this thread to begin with entry(). It must never return.
void prepare_fiber(Fiber& fiber, int number, void (*entry)());
// To be called first in entry().
void fiber_entered(Fiber& caller);
// Goes on with `to`; returns when somebody switches back to `from`. A fiber that `ends` is not come back to.
void switch_fiber(Fiber& from, Fiber& to, bool ends = false);
// Where the stacks of this thread begin; they take kAllStacks bytes.
const void* fiber_stacks();

}  // namespace simt
