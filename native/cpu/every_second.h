// Every second element of a row, by vectors: the inputs of windows that move by two.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

// Lanes 0, 2, 4, … of a, then of b.
#if defined(NR_ISA_avx512)
inline vf even_lanes(vf a, vf b) {
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  return _mm512_permutex2var_ps(a.v, even, b.v);
}
inline vd even_lanes(vd a, vd b) {
  return _mm512_permutex2var_pd(a.v, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), b.v);
}
#elif defined(NR_ISA_avx2)
inline vf even_lanes(vf a, vf b) {
  const __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0x88));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8));
}
inline vd even_lanes(vd a, vd b) {
  return _mm256_permute4x64_pd(_mm256_unpacklo_pd(a.v, b.v), 0xd8);
}
#else
template <class V>
inline V even_lanes(V a, V) {
  return a;
}
#endif

// n values at p, p + 2, …; at most a vector of them. Nothing beyond the last one is read.
template <class V, class T>
inline V load_every_second(const T* p, int64_t n) {
  const int64_t span = 2 * (n < V::width ? n : V::width) - 1;
  if (span <= V::width) return even_lanes(load<V>(p, span), V(0));
  return even_lanes(load<V>(p), load<V>(p + V::width, span - V::width));
}

}  // namespace
}  // namespace neurite::NR_ISA
