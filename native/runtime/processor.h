// Where a thread runs. In a virtual machine the kernel may take a halted processor for one that the host holds back,
// and then wakes a thread on its waker's processor although another is idle; there the two share one processor until
// the kernel's next balancing, which comes after milliseconds.
#pragma once
#if defined(__linux__)
#include <sched.h>
#endif

namespace neurite {

/** The processor that the calling thread runs on; -1 where the system does not tell. */
inline int current_processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

/** Moves the calling thread to another of the processors it may run on, if it runs on `processor`. */
inline void leave_processor(int processor) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (processor < 0 || current_processor() != processor || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
    sched_setaffinity(0, sizeof allowed, &allowed);
#endif
}

}  // namespace neurite
