// One lane: the baseline every machine runs and the model the vector headers follow. min and max return their second
// operand when either is NaN, as x86 does; fma rounds twice here.
#pragma once

namespace neurite::NR_ISA {
namespace {

struct mf {
  bool bits;
};
struct md {
  bool bits;
};

struct vi {
  static constexpr int width = 1;
  using lane = int32_t;
  int32_t v;
  vi() = default;
  explicit vi(int32_t s) : v(s) {}
  static vi load(const int32_t* p) { return vi(*p); }
  static vi load(const int32_t* p, int64_t n) { return vi(n > 0 ? *p : 0); }
};

struct vf {
  static constexpr int width = 1;
  using lane = float;
  using mask = mf;
  float v;
  vf() = default;
  explicit vf(float s) : v(s) {}
  static vf load(const float* p) { return vf(*p); }
  static vf load(const float* p, int64_t n) { return vf(n > 0 ? *p : 0.0f); }
  static vf load(const nr_f16* p) { return vf(to_float(*p)); }
  static vf load(const nr_f16* p, int64_t n) { return vf(n > 0 ? to_float(*p) : 0.0f); }
  static vf load(const nr_bf16* p) { return vf(to_float(*p)); }
  static vf load(const nr_bf16* p, int64_t n) { return vf(n > 0 ? to_float(*p) : 0.0f); }
};

struct vd {
  static constexpr int width = 1;
  using lane = double;
  using mask = md;
  double v;
  vd() = default;
  explicit vd(double s) : v(s) {}
  static vd load(const double* p) { return vd(*p); }
  static vd load(const double* p, int64_t n) { return vd(n > 0 ? *p : 0.0); }
};

inline void store(int32_t* p, vi a) {
  *p = a.v;
}
inline void store(float* p, vf a) {
  *p = a.v;
}
inline void store(double* p, vd a) {
  *p = a.v;
}
inline void store(nr_f16* p, vf a) {
  *p = to_f16(a.v);
}
inline void store(nr_bf16* p, vf a) {
  *p = to_bf16(a.v);
}
inline void store(bool* p, mf m) {
  *p = m.bits;
}
inline void store(bool* p, md m) {
  *p = m.bits;
}
template <class T, class V>
inline void store(T* p, V a, int64_t n) {
  if (n > 0) store(p, a);
}

inline mf operator&(mf a, mf b) {
  return {a.bits && b.bits};
}
inline mf operator|(mf a, mf b) {
  return {a.bits || b.bits};
}
inline mf operator^(mf a, mf b) {
  return {a.bits != b.bits};
}
inline mf operator~(mf a) {
  return {!a.bits};
}
inline bool any(mf a) {
  return a.bits;
}
inline bool all(mf a) {
  return a.bits;
}
inline md operator&(md a, md b) {
  return {a.bits && b.bits};
}
inline md operator|(md a, md b) {
  return {a.bits || b.bits};
}
inline md operator^(md a, md b) {
  return {a.bits != b.bits};
}
inline md operator~(md a) {
  return {!a.bits};
}
inline bool any(md a) {
  return a.bits;
}
inline bool all(md a) {
  return a.bits;
}

inline vf operator+(vf a, vf b) {
  return vf(a.v + b.v);
}
inline vf operator-(vf a, vf b) {
  return vf(a.v - b.v);
}
inline vf operator*(vf a, vf b) {
  return vf(a.v * b.v);
}
inline vf operator/(vf a, vf b) {
  return vf(a.v / b.v);
}
inline vf operator-(vf a) {
  return vf(-a.v);
}
inline vf fma(vf a, vf b, vf c) {
  return vf(a.v * b.v + c.v);
}
inline vf min(vf a, vf b) {
  return vf(a.v < b.v ? a.v : b.v);
}
inline vf max(vf a, vf b) {
  return vf(a.v > b.v ? a.v : b.v);
}
inline vf abs(vf a) {
  return vf(__builtin_fabsf(a.v));
}
inline vf copysign(vf a, vf sign) {
  return vf(__builtin_copysignf(a.v, sign.v));
}
inline vf sqrt(vf a) {
  return vf(__builtin_sqrtf(a.v));
}
inline vf floor(vf a) {
  return vf(__builtin_floorf(a.v));
}
inline vf ceil(vf a) {
  return vf(__builtin_ceilf(a.v));
}
inline vf round(vf a) {
  return vf(__builtin_rintf(a.v));
}
inline vf trunc(vf a) {
  return vf(__builtin_truncf(a.v));
}
inline mf operator<(vf a, vf b) {
  return {a.v < b.v};
}
inline mf operator<=(vf a, vf b) {
  return {a.v <= b.v};
}
inline mf operator>(vf a, vf b) {
  return {a.v > b.v};
}
inline mf operator>=(vf a, vf b) {
  return {a.v >= b.v};
}
inline mf operator==(vf a, vf b) {
  return {a.v == b.v};
}
inline mf operator!=(vf a, vf b) {
  return {a.v != b.v};
}
inline vf select(mf m, vf a, vf b) {
  return m.bits ? a : b;
}
inline float hsum(vf a) {
  return a.v;
}
inline float hmax(vf a) {
  return a.v;
}
inline float hmin(vf a) {
  return a.v;
}

inline vd operator+(vd a, vd b) {
  return vd(a.v + b.v);
}
inline vd operator-(vd a, vd b) {
  return vd(a.v - b.v);
}
inline vd operator*(vd a, vd b) {
  return vd(a.v * b.v);
}
inline vd operator/(vd a, vd b) {
  return vd(a.v / b.v);
}
inline vd operator-(vd a) {
  return vd(-a.v);
}
inline vd fma(vd a, vd b, vd c) {
  return vd(a.v * b.v + c.v);
}
inline vd min(vd a, vd b) {
  return vd(a.v < b.v ? a.v : b.v);
}
inline vd max(vd a, vd b) {
  return vd(a.v > b.v ? a.v : b.v);
}
inline vd abs(vd a) {
  return vd(__builtin_fabs(a.v));
}
inline vd copysign(vd a, vd sign) {
  return vd(__builtin_copysign(a.v, sign.v));
}
inline vd sqrt(vd a) {
  return vd(__builtin_sqrt(a.v));
}
inline vd floor(vd a) {
  return vd(__builtin_floor(a.v));
}
inline vd ceil(vd a) {
  return vd(__builtin_ceil(a.v));
}
inline vd round(vd a) {
  return vd(__builtin_rint(a.v));
}
inline vd trunc(vd a) {
  return vd(__builtin_trunc(a.v));
}
inline md operator<(vd a, vd b) {
  return {a.v < b.v};
}
inline md operator<=(vd a, vd b) {
  return {a.v <= b.v};
}
inline md operator>(vd a, vd b) {
  return {a.v > b.v};
}
inline md operator>=(vd a, vd b) {
  return {a.v >= b.v};
}
inline md operator==(vd a, vd b) {
  return {a.v == b.v};
}
inline md operator!=(vd a, vd b) {
  return {a.v != b.v};
}
inline vd select(md m, vd a, vd b) {
  return m.bits ? a : b;
}
inline double hsum(vd a) {
  return a.v;
}
inline double hmax(vd a) {
  return a.v;
}
inline double hmin(vd a) {
  return a.v;
}

inline vi operator+(vi a, vi b) {
  return vi(static_cast<int32_t>(static_cast<uint32_t>(a.v) + static_cast<uint32_t>(b.v)));
}
inline vi operator-(vi a, vi b) {
  return vi(static_cast<int32_t>(static_cast<uint32_t>(a.v) - static_cast<uint32_t>(b.v)));
}
inline vi operator&(vi a, vi b) {
  return vi(a.v & b.v);
}
inline vi operator|(vi a, vi b) {
  return vi(a.v | b.v);
}
inline vi operator^(vi a, vi b) {
  return vi(a.v ^ b.v);
}
inline vi operator<<(vi a, int bits) {
  return vi(static_cast<int32_t>(static_cast<uint32_t>(a.v) << bits));
}
inline vi operator>>(vi a, int bits) {
  return vi(a.v >> bits);
}
inline mf operator==(vi a, vi b) {
  return {a.v == b.v};
}
inline mf operator<(vi a, vi b) {
  return {a.v < b.v};
}
inline mf operator>(vi a, vi b) {
  return {a.v > b.v};
}
inline vi select(mf m, vi a, vi b) {
  return m.bits ? a : b;
}

// Out-of-range and NaN lanes give INT32_MIN, as x86 conversions do.
inline vf lookup(const float (&table)[16], vi index) {
  return vf(table[index.v & 15]);
}
inline vi to_int(vf a) {
  return vi(a.v >= -2147483648.0f && a.v < 2147483648.0f ? static_cast<int32_t>(a.v) : INT32_MIN);
}
inline vi round_to_int(vf a) {
  return to_int(round(a));
}
inline vf from_int(vi a) {
  return vf(static_cast<float>(a.v));
}
inline vi as_int(vf a) {
  return vi(__builtin_bit_cast(int32_t, a.v));
}
inline vf as_float(vi a) {
  return vf(__builtin_bit_cast(float, a.v));
}

}  // namespace
}  // namespace neurite::NR_ISA
