// Vectors of the ISA this file is compiled for: vf (float lanes), vd (double lanes), vi (int32 lanes, as wide as vf)
// and their masks mf and md. Kernels are written once against these names and V::width. 16-bit floats are loaded into
// and stored from vf (round to nearest even). load(p, n) and store(p, v, n) touch the first n lanes only, n < width or
// not; lanes not loaded are zero. min and max return their second operand when either is NaN.
#pragma once
#include "cpu/half.h"

#if defined(NR_ISA_avx512)
#include "cpu/simd_avx512.h"
#elif defined(NR_ISA_avx2)
#include "cpu/simd_avx2.h"
#else
#include "cpu/simd_scalar.h"
#endif

namespace neurite::NR_ISA {
namespace {

template <class V, class T>
inline V load(const T* p) {
  return V::load(p);
}
template <class V, class T>
inline V load(const T* p, int64_t n) {
  return V::load(p, n);
}
template <class V>
inline V set1(typename V::lane s) {
  return V(s);
}

#if !defined(NR_ISA_avx512)
// x · 2^k for integral k in [-252, 252]: two factors, so that subnormal and infinite results come out right.
inline vf ldexp(vf x, vf k) {
  const vi whole = round_to_int(k), half = whole >> 1;
  return x * as_float((half + vi(127)) << 23) * as_float((whole - half + vi(127)) << 23);
}
#endif

// f applied to every lane: for functions too rare to deserve a polynomial. Out of line, they are long.
template <class V, class F>
[[gnu::noinline]] V map_lanes(V x, F f) {
  alignas(64) typename V::lane lanes[V::width];
  store(lanes, x);
  for (int i = 0; i < V::width; i++) lanes[i] = f(lanes[i]);
  return V::load(lanes);
}
template <class V, class F>
[[gnu::noinline]] V map_lanes(V x, V y, F f) {
  alignas(64) typename V::lane a[V::width], b[V::width];
  store(a, x);
  store(b, y);
  for (int i = 0; i < V::width; i++) a[i] = f(a[i], b[i]);
  return V::load(a);
}

}  // namespace
}  // namespace neurite::NR_ISA
