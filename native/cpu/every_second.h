// Every second element of a row, by vectors: what windows that move by two read, and their gradients write.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

// even_lanes, odd_lanes: lanes 0, 2, 4, … or 1, 3, 5, … of a, then of b.
// lower_pairs, upper_pairs: a[0], b[0], a[1], b[1], … of the lower or upper halves, which even and odd lanes undo.
#if defined(NR_ISA_avx512)
inline vf even_lanes(vf a, vf b) {
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  return _mm512_permutex2var_ps(a.v, even, b.v);
}
inline vf odd_lanes(vf a, vf b) {
  const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_permutex2var_ps(a.v, odd, b.v);
}
inline vf lower_pairs(vf a, vf b) {
  const __m512i lower = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutex2var_ps(a.v, lower, b.v);
}
inline vf upper_pairs(vf a, vf b) {
  const __m512i upper = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
  return _mm512_permutex2var_ps(a.v, upper, b.v);
}
inline vd even_lanes(vd a, vd b) {
  return _mm512_permutex2var_pd(a.v, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), b.v);
}
inline vd odd_lanes(vd a, vd b) {
  return _mm512_permutex2var_pd(a.v, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), b.v);
}
inline vd lower_pairs(vd a, vd b) {
  return _mm512_permutex2var_pd(a.v, _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), b.v);
}
inline vd upper_pairs(vd a, vd b) {
  return _mm512_permutex2var_pd(a.v, _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4), b.v);
}
#elif defined(NR_ISA_avx2)
inline vf even_lanes(vf a, vf b) {
  const __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0x88));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8));
}
inline vf odd_lanes(vf a, vf b) {
  const __m256d pairs = _mm256_castps_pd(_mm256_shuffle_ps(a.v, b.v, 0xdd));
  return _mm256_castpd_ps(_mm256_permute4x64_pd(pairs, 0xd8));
}
inline vf lower_pairs(vf a, vf b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a.v, b.v), _mm256_unpackhi_ps(a.v, b.v), 0x20);
}
inline vf upper_pairs(vf a, vf b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a.v, b.v), _mm256_unpackhi_ps(a.v, b.v), 0x31);
}
inline vd even_lanes(vd a, vd b) {
  return _mm256_permute4x64_pd(_mm256_unpacklo_pd(a.v, b.v), 0xd8);
}
inline vd odd_lanes(vd a, vd b) {
  return _mm256_permute4x64_pd(_mm256_unpackhi_pd(a.v, b.v), 0xd8);
}
inline vd lower_pairs(vd a, vd b) {
  return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a.v, b.v), _mm256_unpackhi_pd(a.v, b.v), 0x20);
}
inline vd upper_pairs(vd a, vd b) {
  return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a.v, b.v), _mm256_unpackhi_pd(a.v, b.v), 0x31);
}
#else
template <class V>
inline V even_lanes(V a, V) {
  return a;
}
template <class V>
inline V odd_lanes(V, V b) {
  return b;
}
template <class V>
inline V lower_pairs(V a, V) {
  return a;
}
template <class V>
inline V upper_pairs(V, V b) {
  return b;
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
