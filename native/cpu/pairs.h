// Vectors seen as 64-bit lanes, each two 32-bit numbers: what Philox needs beside simd.h. AVX2 and AVX-512 only.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

#if defined(NR_ISA_avx512)

// first, first + 1, …
inline vi count_pairs(uint64_t first) {
  const __m512i iota = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_add_epi64(_mm512_set1_epi64(static_cast<int64_t>(first)), iota);
}
// Products of the lower halves.
inline vi mul_lower(vi a, vi b) {
  return _mm512_mul_epu32(a.v, b.v);
}
inline vi upper_half(vi a) {
  return _mm512_srli_epi64(a.v, 32);
}
// The lower halves of both in one lane.
inline vi join_lower(vi lower, vi upper) {
  return _mm512_mask_shuffle_epi32(lower.v, 0xaaaa, upper.v, _MM_PERM_CCAA);
}
// a[0], b[0], a[1], b[1], …
inline void store_alternating(uint32_t* p, vi a, vi b) {
  const __m512i low = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0), high = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
  _mm512_storeu_si512(p, _mm512_permutex2var_epi64(a.v, low, b.v));
  _mm512_storeu_si512(p + 16, _mm512_permutex2var_epi64(a.v, high, b.v));
}

#elif defined(NR_ISA_avx2)

inline vi count_pairs(uint64_t first) {
  return _mm256_add_epi64(_mm256_set1_epi64x(static_cast<int64_t>(first)), _mm256_set_epi64x(3, 2, 1, 0));
}
inline vi mul_lower(vi a, vi b) {
  return _mm256_mul_epu32(a.v, b.v);
}
inline vi upper_half(vi a) {
  return _mm256_srli_epi64(a.v, 32);
}
inline vi join_lower(vi lower, vi upper) {
  return _mm256_blend_epi32(lower.v, _mm256_slli_epi64(upper.v, 32), 0xaa);
}
inline void store_alternating(uint32_t* p, vi a, vi b) {
  const __m256i even = _mm256_unpacklo_epi64(a.v, b.v), odd = _mm256_unpackhi_epi64(a.v, b.v);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute2x128_si256(even, odd, 0x20));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), _mm256_permute2x128_si256(even, odd, 0x31));
}

#endif

}  // namespace
}  // namespace neurite::NR_ISA
