// Square blocks turned in registers: W vectors of W lanes, vector r holding row r before and column r after. Lanes are
// only moved: load_bits and store_bits bring elements of 16, 32 and 64 bits into them and back unchanged.
#pragma once
#include <type_traits>

#include "cpu/simd.h"
#include "cpu/unroll.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
using bits_vector = std::conditional_t<sizeof(T) == 8, vd, vf>;

template <class T>
requires(sizeof(T) >= 4) inline bits_vector<T> load_bits(const T* p, int64_t n) {
  using V = bits_vector<T>;
  const auto* lanes = reinterpret_cast<const typename V::lane*>(p);
  return n >= V::width ? load<V>(lanes) : load<V>(lanes, n);
}
template <class T>
requires(sizeof(T) >= 4) inline void store_bits(T* p, bits_vector<T> v, int64_t n) {
  using V = bits_vector<T>;
  auto* lanes = reinterpret_cast<typename V::lane*>(p);
  n >= V::width ? store(lanes, v) : store(lanes, v, n);
}

#if defined(NR_ISA_avx512)

inline vf load_bits(const uint16_t* p, int64_t n) {
  return _mm512_castsi512_ps(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first_lanes16(n), p)));
}
inline void store_bits(uint16_t* p, vf v, int64_t n) {
  _mm256_mask_storeu_epi16(p, first_lanes16(n), _mm512_cvtepi32_epi16(_mm512_castps_si512(v.v)));
}

// Pairs of rows, then of pairs: 4 × 4 blocks turned within each 128-bit quarter; then the quarters themselves.
[[gnu::always_inline]] inline void turn(vf (&r)[16]) {
  __m512 t[16];
  unroll<4>([&](auto group) NR_INLINE {
    constexpr int i = 4 * group;
    const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(r[i].v, r[i + 1].v));
    const __m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(r[i].v, r[i + 1].v));
    const __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(r[i + 2].v, r[i + 3].v));
    const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(r[i + 2].v, r[i + 3].v));
    t[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    t[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    t[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    t[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  });
  unroll<4>([&](auto i) NR_INLINE {
    const __m512 a = _mm512_shuffle_f32x4(t[i], t[4 + i], 0x88), b = _mm512_shuffle_f32x4(t[i], t[4 + i], 0xdd);
    const __m512 c = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0x88),
                 d = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0xdd);
    r[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    r[8 + i] = _mm512_shuffle_f32x4(a, c, 0xdd);
    r[4 + i] = _mm512_shuffle_f32x4(b, d, 0x88);
    r[12 + i] = _mm512_shuffle_f32x4(b, d, 0xdd);
  });
}

[[gnu::always_inline]] inline void turn(vd (&r)[8]) {
  __m512d t[8];
  unroll<4>([&](auto group) NR_INLINE {
    constexpr int i = 2 * group;
    t[i] = _mm512_unpacklo_pd(r[i].v, r[i + 1].v);
    t[i + 1] = _mm512_unpackhi_pd(r[i].v, r[i + 1].v);
  });
  unroll<2>([&](auto i) NR_INLINE {
    const __m512d a = _mm512_shuffle_f64x2(t[i], t[2 + i], 0x88), b = _mm512_shuffle_f64x2(t[i], t[2 + i], 0xdd);
    const __m512d c = _mm512_shuffle_f64x2(t[4 + i], t[6 + i], 0x88),
                  d = _mm512_shuffle_f64x2(t[4 + i], t[6 + i], 0xdd);
    r[i] = _mm512_shuffle_f64x2(a, c, 0x88);
    r[4 + i] = _mm512_shuffle_f64x2(a, c, 0xdd);
    r[2 + i] = _mm512_shuffle_f64x2(b, d, 0x88);
    r[6 + i] = _mm512_shuffle_f64x2(b, d, 0xdd);
  });
}

#elif defined(NR_ISA_avx2)

inline vf load_bits(const uint16_t* p, int64_t n) {
  alignas(16) uint16_t lanes[8] = {};
  __builtin_memcpy(lanes, p, static_cast<size_t>(n < 8 ? n : 8) * 2);
  return _mm256_castsi256_ps(_mm256_cvtepu16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(lanes))));
}
inline void store_bits(uint16_t* p, vf v, int64_t n) {
  const __m256i lanes = _mm256_castps_si256(v.v);
  store_halves(p, _mm_packus_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1)), n);
}

[[gnu::always_inline]] inline void turn(vf (&r)[8]) {
  __m256 t[8];
  unroll<2>([&](auto group) NR_INLINE {
    constexpr int i = 4 * group;
    const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(r[i].v, r[i + 1].v));
    const __m256d b = _mm256_castps_pd(_mm256_unpackhi_ps(r[i].v, r[i + 1].v));
    const __m256d c = _mm256_castps_pd(_mm256_unpacklo_ps(r[i + 2].v, r[i + 3].v));
    const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(r[i + 2].v, r[i + 3].v));
    t[i] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, c));
    t[i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, c));
    t[i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(b, d));
    t[i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(b, d));
  });
  unroll<4>([&](auto i) NR_INLINE {
    r[i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x20);
    r[4 + i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x31);
  });
}

[[gnu::always_inline]] inline void turn(vd (&r)[4]) {
  __m256d t[4];
  unroll<2>([&](auto group) NR_INLINE {
    constexpr int i = 2 * group;
    t[i] = _mm256_unpacklo_pd(r[i].v, r[i + 1].v);
    t[i + 1] = _mm256_unpackhi_pd(r[i].v, r[i + 1].v);
  });
  unroll<2>([&](auto i) NR_INLINE {
    r[i] = _mm256_permute2f128_pd(t[i], t[2 + i], 0x20);
    r[2 + i] = _mm256_permute2f128_pd(t[i], t[2 + i], 0x31);
  });
}

#else

inline vf load_bits(const uint16_t* p, int64_t n) {
  vf v(0);
  if (n > 0) __builtin_memcpy(&v.v, p, sizeof *p);
  return v;
}
inline void store_bits(uint16_t* p, vf v, int64_t n) {
  if (n > 0) __builtin_memcpy(p, &v.v, sizeof *p);
}

template <class V>
inline void turn(V (&)[1]) {}

#endif

}  // namespace
}  // namespace neurite::NR_ISA
