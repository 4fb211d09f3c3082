// Loads of any run of lanes, for rows that are read across their ends: lanes left out are zero and touch no memory.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

// Lanes [first, past) of a vector; either may lie outside of it.
#if defined(NR_ISA_avx512)
inline uint32_t lane_bits(int64_t first, int64_t past) {
  const int64_t low = first < 0 ? 0 : first > 16 ? 16 : first, high = past < 0 ? 0 : past > 16 ? 16 : past;
  return ((1u << high) - 1) & ~((1u << low) - 1);
}
template <class V>
inline typename V::mask lane_run(int64_t first, int64_t past) {
  return {static_cast<decltype(V::mask::bits)>(lane_bits(first, past))};
}
inline vf load_lanes(const float* p, mf lanes) {
  return _mm512_maskz_loadu_ps(lanes.bits, p);
}
inline vd load_lanes(const double* p, md lanes) {
  return _mm512_maskz_loadu_pd(lanes.bits, p);
}
#elif defined(NR_ISA_avx2)
inline int lane_number(int64_t lane) {
  return static_cast<int>(lane < -1 ? -1 : lane > 9 ? 9 : lane);
}
template <class V>
inline typename V::mask lane_run(int64_t first, int64_t past);
template <>
inline mf lane_run<vf>(int64_t first, int64_t past) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i before = _mm256_cmpgt_epi32(_mm256_set1_epi32(lane_number(first)), lane);
  return {
      _mm256_castsi256_ps(_mm256_andnot_si256(before, _mm256_cmpgt_epi32(_mm256_set1_epi32(lane_number(past)), lane)))};
}
template <>
inline md lane_run<vd>(int64_t first, int64_t past) {
  const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
  const __m256i before = _mm256_cmpgt_epi64(_mm256_set1_epi64x(lane_number(first)), lane);
  return {_mm256_castsi256_pd(
      _mm256_andnot_si256(before, _mm256_cmpgt_epi64(_mm256_set1_epi64x(lane_number(past)), lane)))};
}
inline vf load_lanes(const float* p, mf lanes) {
  return _mm256_maskload_ps(p, _mm256_castps_si256(lanes.bits));
}
inline vd load_lanes(const double* p, md lanes) {
  return _mm256_maskload_pd(p, _mm256_castpd_si256(lanes.bits));
}
#else
template <class V>
inline typename V::mask lane_run(int64_t first, int64_t past) {
  return {first <= 0 && past > 0};
}
inline vf load_lanes(const float* p, mf lanes) {
  return vf(lanes.bits ? *p : 0.0f);
}
inline vd load_lanes(const double* p, md lanes) {
  return vd(lanes.bits ? *p : 0.0);
}
#endif

}  // namespace
}  // namespace neurite::NR_ISA
