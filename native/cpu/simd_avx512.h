// AVX-512 (F, DQ, BW, VL): 16 float or 8 double lanes. Masks are mask registers; partial loads and stores touch no
// memory beyond their n lanes.
#pragma once
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 warns inside its own header (bug 105593)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

namespace neurite::NR_ISA {
namespace {

struct mf {
  __mmask16 bits;
};
struct md {
  __mmask8 bits;
};

inline __mmask16 first_lanes16(int64_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xffffu : (1u << n) - 1);
}
inline __mmask8 first_lanes8(int64_t n) {
  return static_cast<__mmask8>(n >= 8 ? 0xffu : (1u << n) - 1);
}

struct vi {
  static constexpr int width = 16;
  using lane = int32_t;
  __m512i v;
  vi() = default;
  vi(__m512i a) : v(a) {}
  explicit vi(int32_t s) : v(_mm512_set1_epi32(s)) {}
  static vi load(const int32_t* p) { return _mm512_loadu_si512(p); }
  static vi load(const int32_t* p, int64_t n) { return _mm512_maskz_loadu_epi32(first_lanes16(n), p); }
};

struct vf {
  static constexpr int width = 16;
  using lane = float;
  using mask = mf;
  __m512 v;
  vf() = default;
  vf(__m512 a) : v(a) {}
  explicit vf(float s) : v(_mm512_set1_ps(s)) {}
  static vf load(const float* p) { return _mm512_loadu_ps(p); }
  static vf load(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first_lanes16(n), p); }
  static vf load(const nr_f16* p) { return from_f16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static vf load(const nr_f16* p, int64_t n) { return from_f16(_mm256_maskz_loadu_epi16(first_lanes16(n), p)); }
  static vf load(const nr_bf16* p) { return from_bf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static vf load(const nr_bf16* p, int64_t n) { return from_bf16(_mm256_maskz_loadu_epi16(first_lanes16(n), p)); }

 private:
  static vf from_f16(__m256i a) { return _mm512_cvtph_ps(a); }
  static vf from_bf16(__m256i a) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16)); }
};

struct vd {
  static constexpr int width = 8;
  using lane = double;
  using mask = md;
  __m512d v;
  vd() = default;
  vd(__m512d a) : v(a) {}
  explicit vd(double s) : v(_mm512_set1_pd(s)) {}
  static vd load(const double* p) { return _mm512_loadu_pd(p); }
  static vd load(const double* p, int64_t n) { return _mm512_maskz_loadu_pd(first_lanes8(n), p); }
};

inline __m256i f16_bits(vf a) {
  return _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline __m256i bf16_bits(vf a) {
  const __m512i x = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(x, _mm512_set1_epi32(0x400000));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16));
}

inline void store(int32_t* p, vi a) {
  _mm512_storeu_si512(p, a.v);
}
inline void store(int32_t* p, vi a, int64_t n) {
  _mm512_mask_storeu_epi32(p, first_lanes16(n), a.v);
}
inline void store(float* p, vf a) {
  _mm512_storeu_ps(p, a.v);
}
inline void store(float* p, vf a, int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes16(n), a.v);
}
inline void store(double* p, vd a) {
  _mm512_storeu_pd(p, a.v);
}
inline void store(double* p, vd a, int64_t n) {
  _mm512_mask_storeu_pd(p, first_lanes8(n), a.v);
}
inline void store(nr_f16* p, vf a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), f16_bits(a));
}
inline void store(nr_f16* p, vf a, int64_t n) {
  _mm256_mask_storeu_epi16(p, first_lanes16(n), f16_bits(a));
}
inline void store(nr_bf16* p, vf a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), bf16_bits(a));
}
inline void store(nr_bf16* p, vf a, int64_t n) {
  _mm256_mask_storeu_epi16(p, first_lanes16(n), bf16_bits(a));
}
inline void store(bool* p, mf m) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(m.bits, 1));
}
inline void store(bool* p, mf m, int64_t n) {
  _mm_mask_storeu_epi8(p, first_lanes16(n), _mm_maskz_set1_epi8(m.bits, 1));
}
inline void store(bool* p, md m) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(m.bits, 1));
}
inline void store(bool* p, md m, int64_t n) {
  _mm_mask_storeu_epi8(p, first_lanes8(n), _mm_maskz_set1_epi8(m.bits, 1));
}

inline mf operator&(mf a, mf b) {
  return {static_cast<__mmask16>(a.bits & b.bits)};
}
inline mf operator|(mf a, mf b) {
  return {static_cast<__mmask16>(a.bits | b.bits)};
}
inline mf operator^(mf a, mf b) {
  return {static_cast<__mmask16>(a.bits ^ b.bits)};
}
inline mf operator~(mf a) {
  return {static_cast<__mmask16>(~a.bits)};
}
inline bool any(mf a) {
  return a.bits != 0;
}
inline bool all(mf a) {
  return a.bits == 0xffff;
}
inline md operator&(md a, md b) {
  return {static_cast<__mmask8>(a.bits & b.bits)};
}
inline md operator|(md a, md b) {
  return {static_cast<__mmask8>(a.bits | b.bits)};
}
inline md operator^(md a, md b) {
  return {static_cast<__mmask8>(a.bits ^ b.bits)};
}
inline md operator~(md a) {
  return {static_cast<__mmask8>(~a.bits)};
}
inline bool any(md a) {
  return a.bits != 0;
}
inline bool all(md a) {
  return a.bits == 0xff;
}

inline vf operator+(vf a, vf b) {
  return _mm512_add_ps(a.v, b.v);
}
inline vf operator-(vf a, vf b) {
  return _mm512_sub_ps(a.v, b.v);
}
inline vf operator*(vf a, vf b) {
  return _mm512_mul_ps(a.v, b.v);
}
inline vf operator/(vf a, vf b) {
  return _mm512_div_ps(a.v, b.v);
}
inline vf operator-(vf a) {
  return _mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f));
}
inline vf fma(vf a, vf b, vf c) {
  return _mm512_fmadd_ps(a.v, b.v, c.v);
}
inline vf min(vf a, vf b) {
  return _mm512_min_ps(a.v, b.v);
}
inline vf max(vf a, vf b) {
  return _mm512_max_ps(a.v, b.v);
}
inline vf abs(vf a) {
  return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v);
}
inline vf copysign(vf a, vf sign) {
  const __m512 bit = _mm512_set1_ps(-0.0f);
  return _mm512_or_ps(_mm512_andnot_ps(bit, a.v), _mm512_and_ps(bit, sign.v));
}
inline vf sqrt(vf a) {
  return _mm512_sqrt_ps(a.v);
}
inline vf floor(vf a) {
  return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
inline vf ceil(vf a) {
  return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
inline vf round(vf a) {
  return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline vf trunc(vf a) {
  return _mm512_roundscale_ps(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
inline mf operator<(vf a, vf b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
inline mf operator<=(vf a, vf b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
inline mf operator>(vf a, vf b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)};
}
inline mf operator>=(vf a, vf b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)};
}
inline mf operator==(vf a, vf b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
inline mf operator!=(vf a, vf b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)};
}
inline vf select(mf m, vf a, vf b) {
  return _mm512_mask_blend_ps(m.bits, b.v, a.v);
}
inline float hsum(vf a) {
  return _mm512_reduce_add_ps(a.v);
}
inline float hmax(vf a) {
  return _mm512_reduce_max_ps(a.v);
}
inline float hmin(vf a) {
  return _mm512_reduce_min_ps(a.v);
}

inline vd operator+(vd a, vd b) {
  return _mm512_add_pd(a.v, b.v);
}
inline vd operator-(vd a, vd b) {
  return _mm512_sub_pd(a.v, b.v);
}
inline vd operator*(vd a, vd b) {
  return _mm512_mul_pd(a.v, b.v);
}
inline vd operator/(vd a, vd b) {
  return _mm512_div_pd(a.v, b.v);
}
inline vd operator-(vd a) {
  return _mm512_xor_pd(a.v, _mm512_set1_pd(-0.0));
}
inline vd fma(vd a, vd b, vd c) {
  return _mm512_fmadd_pd(a.v, b.v, c.v);
}
inline vd min(vd a, vd b) {
  return _mm512_min_pd(a.v, b.v);
}
inline vd max(vd a, vd b) {
  return _mm512_max_pd(a.v, b.v);
}
inline vd abs(vd a) {
  return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a.v);
}
inline vd copysign(vd a, vd sign) {
  const __m512d bit = _mm512_set1_pd(-0.0);
  return _mm512_or_pd(_mm512_andnot_pd(bit, a.v), _mm512_and_pd(bit, sign.v));
}
inline vd sqrt(vd a) {
  return _mm512_sqrt_pd(a.v);
}
inline vd floor(vd a) {
  return _mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
inline vd ceil(vd a) {
  return _mm512_roundscale_pd(a.v, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}
inline vd round(vd a) {
  return _mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline vd trunc(vd a) {
  return _mm512_roundscale_pd(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
inline md operator<(vd a, vd b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)};
}
inline md operator<=(vd a, vd b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)};
}
inline md operator>(vd a, vd b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ)};
}
inline md operator>=(vd a, vd b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GE_OQ)};
}
inline md operator==(vd a, vd b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)};
}
inline md operator!=(vd a, vd b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_NEQ_UQ)};
}
inline vd select(md m, vd a, vd b) {
  return _mm512_mask_blend_pd(m.bits, b.v, a.v);
}
inline double hsum(vd a) {
  return _mm512_reduce_add_pd(a.v);
}
inline double hmax(vd a) {
  return _mm512_reduce_max_pd(a.v);
}
inline double hmin(vd a) {
  return _mm512_reduce_min_pd(a.v);
}

inline vi operator+(vi a, vi b) {
  return _mm512_add_epi32(a.v, b.v);
}
inline vi operator-(vi a, vi b) {
  return _mm512_sub_epi32(a.v, b.v);
}
inline vi operator&(vi a, vi b) {
  return _mm512_and_si512(a.v, b.v);
}
inline vi operator|(vi a, vi b) {
  return _mm512_or_si512(a.v, b.v);
}
inline vi operator^(vi a, vi b) {
  return _mm512_xor_si512(a.v, b.v);
}
inline vi operator<<(vi a, int bits) {
  return _mm512_slli_epi32(a.v, static_cast<unsigned>(bits));
}
inline vi operator>>(vi a, int bits) {
  return _mm512_srai_epi32(a.v, static_cast<unsigned>(bits));
}
inline mf operator==(vi a, vi b) {
  return {_mm512_cmpeq_epi32_mask(a.v, b.v)};
}
inline mf operator<(vi a, vi b) {
  return {_mm512_cmplt_epi32_mask(a.v, b.v)};
}
inline mf operator>(vi a, vi b) {
  return {_mm512_cmpgt_epi32_mask(a.v, b.v)};
}
inline vi select(mf m, vi a, vi b) {
  return _mm512_mask_blend_epi32(m.bits, b.v, a.v);
}

// table[index] of each lane, index in [0, 16).
inline vf lookup(const float (&table)[16], vi index) {
  return _mm512_permutexvar_ps(index.v, _mm512_loadu_ps(table));
}
inline vi to_int(vf a) {
  return _mm512_cvttps_epi32(a.v);
}
inline vi round_to_int(vf a) {
  return _mm512_cvtps_epi32(a.v);
}
inline vf from_int(vi a) {
  return _mm512_cvtepi32_ps(a.v);
}
inline vi as_int(vf a) {
  return _mm512_castps_si512(a.v);
}
inline vf as_float(vi a) {
  return _mm512_castsi512_ps(a.v);
}
inline vf ldexp(vf a, vf k) {
  return _mm512_scalef_ps(a.v, k.v);
}

}  // namespace
}  // namespace neurite::NR_ISA
