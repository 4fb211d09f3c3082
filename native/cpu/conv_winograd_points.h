// Winograd's minimal filtering F(4, 3) along one axis (Lavin and Gray 2016): four outputs of a filter of three taps
// from six inputs by six products, y = Aᵀ(G g ∘ Bᵀ x), the polynomials of degree 5 being multiplied at the points 0,
// ±a, ±b and infinity. a = 11/16 and b = 3/2 lose fewer digits than the usual 1 and 2 (Barabasz et al. 2020;
// docs/accuracy.md), and their powers are exact. Applied along both axes, 36 products do the work of 144.
#pragma once
#include "cpu/simd.h"
#include "cpu/unroll.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int winograd_step = 4, winograd_span = 6, winograd_points = winograd_span * winograd_span;

inline constexpr double point_a = 11.0 / 16, point_b = 3.0 / 2, a2 = point_a * point_a, b2 = point_b * point_b;
inline constexpr double share_a = 1 / (2 * a2 * (a2 - b2)), share_b = 1 / (2 * b2 * (b2 - a2)), share_0 = 1 / (a2 * b2);

template <class V>
inline V constant(double x) {
  return V(static_cast<typename V::lane>(x));
}

// Bᵀ x.
template <class V>
[[gnu::always_inline]] inline void input_points(const V (&x)[6], V (&v)[6]) {
  const V even_a = fma(constant<V>(-b2), x[2], x[4]), odd_a = fma(constant<V>(-b2), x[1], x[3]);
  const V even_b = fma(constant<V>(-a2), x[2], x[4]), odd_b = fma(constant<V>(-a2), x[1], x[3]);
  v[0] = fma(constant<V>(a2 * b2), x[0], fma(constant<V>(-a2), x[2], even_a));
  v[1] = fma(constant<V>(point_a), odd_a, even_a);
  v[2] = fma(constant<V>(-point_a), odd_a, even_a);
  v[3] = fma(constant<V>(point_b), odd_b, even_b);
  v[4] = fma(constant<V>(-point_b), odd_b, even_b);
  v[5] = fma(constant<V>(a2 * b2), x[1], fma(constant<V>(-(a2 + b2)), x[3], x[5]));
}

// G g.
template <class V>
[[gnu::always_inline]] inline void filter_points(const V (&g)[3], V (&u)[6]) {
  const V even_a = fma(constant<V>(share_a * a2), g[2], constant<V>(share_a) * g[0]);
  const V even_b = fma(constant<V>(share_b * b2), g[2], constant<V>(share_b) * g[0]);
  u[0] = constant<V>(share_0) * g[0];
  u[1] = fma(constant<V>(share_a * point_a), g[1], even_a);
  u[2] = fma(constant<V>(-share_a * point_a), g[1], even_a);
  u[3] = fma(constant<V>(share_b * point_b), g[1], even_b);
  u[4] = fma(constant<V>(-share_b * point_b), g[1], even_b);
  u[5] = g[2];
}

// Aᵀ m.
template <class V>
[[gnu::always_inline]] inline void output_points(const V (&m)[6], V (&y)[4]) {
  const V even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
  y[0] = (m[0] + even_a) + even_b;
  y[1] = fma(constant<V>(point_a), odd_a, constant<V>(point_b) * odd_b);
  y[2] = fma(constant<V>(a2), even_a, constant<V>(b2) * even_b);
  y[3] = fma(constant<V>(a2 * point_a), odd_a, fma(constant<V>(b2 * point_b), odd_b, m[5]));
}

// A dy: the transpose of output_points.
template <class V>
[[gnu::always_inline]] inline void output_gradient_points(const V (&dy)[4], V (&d)[6]) {
  const V even_a = fma(constant<V>(a2), dy[2], dy[0]), odd_a = fma(constant<V>(a2), dy[3], dy[1]);
  const V even_b = fma(constant<V>(b2), dy[2], dy[0]), odd_b = fma(constant<V>(b2), dy[3], dy[1]);
  d[0] = dy[0];
  d[1] = fma(constant<V>(point_a), odd_a, even_a);
  d[2] = fma(constant<V>(-point_a), odd_a, even_a);
  d[3] = fma(constant<V>(point_b), odd_b, even_b);
  d[4] = fma(constant<V>(-point_b), odd_b, even_b);
  d[5] = dy[3];
}

// Gᵀ p: the transpose of filter_points.
template <class V>
[[gnu::always_inline]] inline void filter_gradient_points(const V (&p)[6], V (&dg)[3]) {
  const V even_a = p[1] + p[2], even_b = p[3] + p[4];
  dg[0] = fma(constant<V>(share_0), p[0], fma(constant<V>(share_a), even_a, constant<V>(share_b) * even_b));
  dg[1] = fma(constant<V>(share_a * point_a), p[1] - p[2], constant<V>(share_b * point_b) * (p[3] - p[4]));
  dg[2] = fma(constant<V>(share_a * a2), even_a, fma(constant<V>(share_b * b2), even_b, p[5]));
}

}  // namespace
}  // namespace neurite::NR_ISA
