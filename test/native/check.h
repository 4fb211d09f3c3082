// CHECK and its counters: a failed check prints where and why, and the test goes on.
#pragma once
#include <atomic>
#include <cstdio>

namespace harness {

inline std::atomic<int> failures = 0, checks = 0;  // tests of the runtime check from several threads

#define CHECK(condition, ...)                                    \
  do {                                                           \
    harness::checks++;                                           \
    if (!(condition)) {                                          \
      harness::failures++;                                       \
      std::printf("%s:%d: %s ", __FILE__, __LINE__, #condition); \
      std::printf(" " __VA_ARGS__);                              \
      std::printf("\n");                                         \
    }                                                            \
  } while (0)

}  // namespace harness
