// AVX2 with FMA and F16C: 8 float or 4 double lanes. A mask is a vector of all-ones and all-zero lanes; partial 16-bit
// loads and stores, which AVX2 lacks, go through a small copy.
#pragma once
#include <immintrin.h>

namespace neurite::NR_ISA {
namespace {

struct mf {
  __m256 bits;
};
struct md {
  __m256d bits;
};

inline __m256i first_lanes8(int64_t n) {
  alignas(64) static constexpr int32_t sliding[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sliding + 8 - (n < 8 ? n : 8)));
}
inline __m256i first_lanes4(int64_t n) {
  alignas(64) static constexpr int64_t sliding[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sliding + 4 - (n < 4 ? n : 4)));
}

struct vi {
  static constexpr int width = 8;
  using lane = int32_t;
  __m256i v;
  vi() = default;
  vi(__m256i a) : v(a) {}
  explicit vi(int32_t s) : v(_mm256_set1_epi32(s)) {}
  static vi load(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static vi load(const int32_t* p, int64_t n) { return _mm256_maskload_epi32(p, first_lanes8(n)); }
};

struct vf {
  static constexpr int width = 8;
  using lane = float;
  using mask = mf;
  __m256 v;
  vf() = default;
  vf(__m256 a) : v(a) {}
  explicit vf(float s) : v(_mm256_set1_ps(s)) {}
  static vf load(const float* p) { return _mm256_loadu_ps(p); }
  static vf load(const float* p, int64_t n) { return _mm256_maskload_ps(p, first_lanes8(n)); }
  static vf load(const nr_f16* p) { return from_f16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static vf load(const nr_f16* p, int64_t n) { return from_f16(first_halves(p, n)); }
  static vf load(const nr_bf16* p) { return from_bf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static vf load(const nr_bf16* p, int64_t n) { return from_bf16(first_halves(p, n)); }

 private:
  static vf from_f16(__m128i a) { return _mm256_cvtph_ps(a); }
  static vf from_bf16(__m128i a) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16)); }
  static __m128i first_halves(const void* p, int64_t n) {
    alignas(16) uint16_t lanes[8] = {};
    __builtin_memcpy(lanes, p, static_cast<size_t>(n < 8 ? n : 8) * 2);
    return _mm_load_si128(reinterpret_cast<const __m128i*>(lanes));
  }
};

struct vd {
  static constexpr int width = 4;
  using lane = double;
  using mask = md;
  __m256d v;
  vd() = default;
  vd(__m256d a) : v(a) {}
  explicit vd(double s) : v(_mm256_set1_pd(s)) {}
  static vd load(const double* p) { return _mm256_loadu_pd(p); }
  static vd load(const double* p, int64_t n) { return _mm256_maskload_pd(p, first_lanes4(n)); }
};

inline __m128i f16_bits(vf a) {
  return _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline __m128i bf16_bits(vf a) {
  const __m256i x = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(x, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
  const __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
}
inline void store_halves(void* p, __m128i a, int64_t n) {
  alignas(16) uint16_t lanes[8];
  _mm_store_si128(reinterpret_cast<__m128i*>(lanes), a);
  __builtin_memcpy(p, lanes, static_cast<size_t>(n < 8 ? n : 8) * 2);
}
inline uint64_t bool_bytes(mf m) {  // lane i -> byte i, 0 or 1
  const __m256i ones = _mm256_srli_epi32(_mm256_castps_si256(m.bits), 31);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(ones), _mm256_extracti128_si256(ones, 1));
  return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_packs_epi16(words, words)));
}
inline uint32_t bool_bytes(md m) {
  const unsigned bits = static_cast<unsigned>(_mm256_movemask_pd(m.bits));
  return (bits & 1) | (bits & 2) << 7 | (bits & 4) << 14 | (bits & 8) << 21;
}

inline void store(int32_t* p, vi a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v);
}
inline void store(int32_t* p, vi a, int64_t n) {
  _mm256_maskstore_epi32(p, first_lanes8(n), a.v);
}
inline void store(float* p, vf a) {
  _mm256_storeu_ps(p, a.v);
}
inline void store(float* p, vf a, int64_t n) {
  _mm256_maskstore_ps(p, first_lanes8(n), a.v);
}
inline void store(double* p, vd a) {
  _mm256_storeu_pd(p, a.v);
}
inline void store(double* p, vd a, int64_t n) {
  _mm256_maskstore_pd(p, first_lanes4(n), a.v);
}
inline void store(nr_f16* p, vf a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), f16_bits(a));
}
inline void store(nr_f16* p, vf a, int64_t n) {
  store_halves(p, f16_bits(a), n);
}
inline void store(nr_bf16* p, vf a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bf16_bits(a));
}
inline void store(nr_bf16* p, vf a, int64_t n) {
  store_halves(p, bf16_bits(a), n);
}
inline void store(bool* p, mf m, int64_t n) {
  const uint64_t bytes = bool_bytes(m);
  __builtin_memcpy(p, &bytes, static_cast<size_t>(n < 8 ? n : 8));
}
inline void store(bool* p, mf m) {
  store(p, m, 8);
}
inline void store(bool* p, md m, int64_t n) {
  const uint32_t bytes = bool_bytes(m);
  __builtin_memcpy(p, &bytes, static_cast<size_t>(n < 4 ? n : 4));
}
inline void store(bool* p, md m) {
  store(p, m, 4);
}

inline mf operator&(mf a, mf b) {
  return {_mm256_and_ps(a.bits, b.bits)};
}
inline mf operator|(mf a, mf b) {
  return {_mm256_or_ps(a.bits, b.bits)};
}
inline mf operator^(mf a, mf b) {
  return {_mm256_xor_ps(a.bits, b.bits)};
}
inline mf operator~(mf a) {
  return {_mm256_xor_ps(a.bits, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
inline bool any(mf a) {
  return _mm256_movemask_ps(a.bits) != 0;
}
inline bool all(mf a) {
  return _mm256_movemask_ps(a.bits) == 0xff;
}
inline md operator&(md a, md b) {
  return {_mm256_and_pd(a.bits, b.bits)};
}
inline md operator|(md a, md b) {
  return {_mm256_or_pd(a.bits, b.bits)};
}
inline md operator^(md a, md b) {
  return {_mm256_xor_pd(a.bits, b.bits)};
}
inline md operator~(md a) {
  return {_mm256_xor_pd(a.bits, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}
inline bool any(md a) {
  return _mm256_movemask_pd(a.bits) != 0;
}
inline bool all(md a) {
  return _mm256_movemask_pd(a.bits) == 0xf;
}

inline vf operator+(vf a, vf b) {
  return _mm256_add_ps(a.v, b.v);
}
inline vf operator-(vf a, vf b) {
  return _mm256_sub_ps(a.v, b.v);
}
inline vf operator*(vf a, vf b) {
  return _mm256_mul_ps(a.v, b.v);
}
inline vf operator/(vf a, vf b) {
  return _mm256_div_ps(a.v, b.v);
}
inline vf operator-(vf a) {
  return _mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f));
}
inline vf fma(vf a, vf b, vf c) {
  return _mm256_fmadd_ps(a.v, b.v, c.v);
}
inline vf min(vf a, vf b) {
  return _mm256_min_ps(a.v, b.v);
}
inline vf max(vf a, vf b) {
  return _mm256_max_ps(a.v, b.v);
}
inline vf abs(vf a) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v);
}
inline vf copysign(vf a, vf sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return _mm256_or_ps(_mm256_andnot_ps(bit, a.v), _mm256_and_ps(bit, sign.v));
}
inline vf sqrt(vf a) {
  return _mm256_sqrt_ps(a.v);
}
inline vf floor(vf a) {
  return _mm256_round_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
inline vf ceil(vf a) {
  return _mm256_round_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
inline vf round(vf a) {
  return _mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline vf trunc(vf a) {
  return _mm256_round_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
inline mf operator<(vf a, vf b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)};
}
inline mf operator<=(vf a, vf b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)};
}
inline mf operator>(vf a, vf b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)};
}
inline mf operator>=(vf a, vf b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)};
}
inline mf operator==(vf a, vf b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)};
}
inline mf operator!=(vf a, vf b) {
  return {_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ)};
}
inline vf select(mf m, vf a, vf b) {
  return _mm256_blendv_ps(b.v, a.v, m.bits);
}

inline vd operator+(vd a, vd b) {
  return _mm256_add_pd(a.v, b.v);
}
inline vd operator-(vd a, vd b) {
  return _mm256_sub_pd(a.v, b.v);
}
inline vd operator*(vd a, vd b) {
  return _mm256_mul_pd(a.v, b.v);
}
inline vd operator/(vd a, vd b) {
  return _mm256_div_pd(a.v, b.v);
}
inline vd operator-(vd a) {
  return _mm256_xor_pd(a.v, _mm256_set1_pd(-0.0));
}
inline vd fma(vd a, vd b, vd c) {
  return _mm256_fmadd_pd(a.v, b.v, c.v);
}
inline vd min(vd a, vd b) {
  return _mm256_min_pd(a.v, b.v);
}
inline vd max(vd a, vd b) {
  return _mm256_max_pd(a.v, b.v);
}
inline vd abs(vd a) {
  return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v);
}
inline vd copysign(vd a, vd sign) {
  const __m256d bit = _mm256_set1_pd(-0.0);
  return _mm256_or_pd(_mm256_andnot_pd(bit, a.v), _mm256_and_pd(bit, sign.v));
}
inline vd sqrt(vd a) {
  return _mm256_sqrt_pd(a.v);
}
inline vd floor(vd a) {
  return _mm256_round_pd(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
inline vd ceil(vd a) {
  return _mm256_round_pd(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
inline vd round(vd a) {
  return _mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline vd trunc(vd a) {
  return _mm256_round_pd(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
inline md operator<(vd a, vd b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)};
}
inline md operator<=(vd a, vd b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)};
}
inline md operator>(vd a, vd b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ)};
}
inline md operator>=(vd a, vd b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ)};
}
inline md operator==(vd a, vd b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)};
}
inline md operator!=(vd a, vd b) {
  return {_mm256_cmp_pd(a.v, b.v, _CMP_NEQ_UQ)};
}
inline vd select(md m, vd a, vd b) {
  return _mm256_blendv_pd(b.v, a.v, m.bits);
}

// Horizontal folds: halves, then pairs.
#define NR_FOLD_F(name, op)                                                                \
  inline float name(vf a) {                                                                \
    const __m128 h = op##_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));  \
    const __m128 q = op##_ps(h, _mm_movehl_ps(h, h));                                      \
    return _mm_cvtss_f32(op##_ss(q, _mm_movehdup_ps(q)));                                  \
  }                                                                                        \
  inline double name(vd a) {                                                               \
    const __m128d h = op##_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1)); \
    return _mm_cvtsd_f64(op##_sd(h, _mm_unpackhi_pd(h, h)));                               \
  }
NR_FOLD_F(hsum, _mm_add)
NR_FOLD_F(hmax, _mm_max)
NR_FOLD_F(hmin, _mm_min)
#undef NR_FOLD_F

inline vi operator+(vi a, vi b) {
  return _mm256_add_epi32(a.v, b.v);
}
inline vi operator-(vi a, vi b) {
  return _mm256_sub_epi32(a.v, b.v);
}
inline vi operator&(vi a, vi b) {
  return _mm256_and_si256(a.v, b.v);
}
inline vi operator|(vi a, vi b) {
  return _mm256_or_si256(a.v, b.v);
}
inline vi operator^(vi a, vi b) {
  return _mm256_xor_si256(a.v, b.v);
}
inline vi operator<<(vi a, int bits) {
  return _mm256_slli_epi32(a.v, bits);
}
inline vi operator>>(vi a, int bits) {
  return _mm256_srai_epi32(a.v, bits);
}
inline mf operator==(vi a, vi b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))};
}
inline mf operator<(vi a, vi b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.v, a.v))};
}
inline mf operator>(vi a, vi b) {
  return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(a.v, b.v))};
}
inline vi select(mf m, vi a, vi b) {
  return _mm256_blendv_epi8(b.v, a.v, _mm256_castps_si256(m.bits));
}

inline vf lookup(const float (&table)[16], vi index) {
  const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index.v);
  const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index.v);
  return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index.v, 28)));
}
inline vi to_int(vf a) {
  return _mm256_cvttps_epi32(a.v);
}
inline vi round_to_int(vf a) {
  return _mm256_cvtps_epi32(a.v);
}
inline vf from_int(vi a) {
  return _mm256_cvtepi32_ps(a.v);
}
inline vi as_int(vf a) {
  return _mm256_castps_si256(a.v);
}
inline vf as_float(vi a) {
  return _mm256_castsi256_ps(a.v);
}

}  // namespace
}  // namespace neurite::NR_ISA
