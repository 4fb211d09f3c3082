// Loops over one contiguous row: whole vectors, then one partial vector. A body takes (i, lanes), where `lanes` is
// whole{} or the count of lanes left, and hands it on to load, store and fill_tail: one body serves both.
// Sums run in several float accumulators over blocks of 1024 elements and in double across blocks, so the rounding
// error does not grow with the row.
#pragma once
#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

struct whole {};

template <class V, class T>
inline V load(const T* p, whole) {
  return load<V>(p);
}
template <class T, class V>
inline void store(T* p, V v, whole) {
  store(p, v);
}

// v with the lanes beyond `lanes` replaced.
template <class V>
inline V fill_tail(V v, V, whole) {
  return v;
}
template <class V>
inline V fill_tail(V v, V other, int64_t lanes) {
  static constexpr typename V::lane iota[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return select(load<V>(iota) < V(static_cast<typename V::lane>(lanes)), v, other);
}

template <class V, class Body>
inline void each_vector(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + V::width <= n; i += V::width) body(i, whole{});
  if (i < n) body(i, n - i);
}

// total[k] += the sum of t[k] over [0, n), where term(i, lanes, t) sets t and leaves 0 beyond its lanes.
template <class V, int sums, class Term>
inline void sum_row(int64_t n, double (&total)[sums], const Term& term) {
  constexpr int ways = 4;
  constexpr int64_t block = 1024, stride = ways * V::width;
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t end = begin + block < n ? begin + block : n;
    V partial[ways][sums];
    for (auto& way : partial)
      for (V& p : way) p = V(0);
    int64_t i = begin;
    for (; i + stride <= end; i += stride) {
      for (int w = 0; w < ways; w++) {
        V t[sums];
        term(i + w * V::width, whole{}, t);
        for (int k = 0; k < sums; k++) partial[w][k] = partial[w][k] + t[k];
      }
    }
    for (; i + V::width <= end; i += V::width) {
      V t[sums];
      term(i, whole{}, t);
      for (int k = 0; k < sums; k++) partial[0][k] = partial[0][k] + t[k];
    }
    if (i < end) {
      V t[sums];
      term(i, end - i, t);
      for (int k = 0; k < sums; k++) partial[1][k] = partial[1][k] + t[k];
    }
    for (int k = 0; k < sums; k++)
      total[k] += hsum((partial[0][k] + partial[1][k]) + (partial[2][k] + partial[3][k]));
  }
}

template <class V, class Term>
inline double sum_row(int64_t n, const Term& term) {
  double total[1] = {0};
  sum_row<V>(n, total, [&](int64_t i, auto lanes, V(&t)[1]) { t[0] = term(i, lanes); });
  return total[0];
}

// The largest element, −inf for none. A NaN may or may not win: what follows from it must be NaN by other means.
template <class V, class T>
inline typename V::lane max_row(int64_t n, const T* x) {
  const V lowest(-__builtin_inff());
  V best[4] = {lowest, lowest, lowest, lowest};
  int64_t i = 0;
  for (; i + 4 * V::width <= n; i += 4 * V::width)
    for (int w = 0; w < 4; w++) best[w] = max(best[w], load<V>(x + i + w * V::width));
  for (; i + V::width <= n; i += V::width) best[0] = max(best[0], load<V>(x + i));
  if (i < n) best[1] = max(best[1], fill_tail(load<V>(x + i, n - i), lowest, n - i));
  return hmax(max(max(best[0], best[1]), max(best[2], best[3])));
}

}  // namespace
}  // namespace neurite::NR_ISA
