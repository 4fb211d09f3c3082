// How long a thread polls before it sleeps: about 10 to 20 µs, the cost of a wake-up through the kernel.
#pragma once
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace neurite {

inline constexpr int kSpins = 400;

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace neurite
