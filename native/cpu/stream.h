// Stores past the caches, for results larger than those would keep: a line that is written whole need not be read
// first, and what is in the caches stays.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

// Whether a result of this many bytes is streamed.
inline bool is_streamed(int64_t bytes) {
  return bytes >= int64_t{8} << 20;
}

inline constexpr int64_t stream_alignment = 64;

inline bool is_aligned(const void* p) {
  return reinterpret_cast<uintptr_t>(p) % stream_alignment == 0;
}

// p is a multiple of the vector's size. stream_end() before other threads read what was streamed.
#if defined(NR_ISA_avx512)
inline void stream(float* p, vf v) {
  _mm512_stream_ps(p, v.v);
}
inline void stream_end() {
  _mm_sfence();
}
#elif defined(NR_ISA_avx2)
inline void stream(float* p, vf v) {
  _mm256_stream_ps(p, v.v);
}
inline void stream_end() {
  _mm_sfence();
}
#else
inline void stream(float* p, vf v) {
  store(p, v);
}
inline void stream_end() {}
#endif

}  // namespace
}  // namespace neurite::NR_ISA
