// Loops over one contiguous row: whole vectors, then one partial vector. A body takes (i, lanes), where `lanes` is
// whole{} or the count of lanes left, and hands it on to load, store and fill_tail: one body serves both.
// Sums run in several float accumulators over blocks of 1024 elements and in double across blocks, so the rounding
// error does not grow with the row.
#pragma once
#include <type_traits>

#include "cpu/stream.h"
#include "cpu/unroll.h"

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

// As store; `streamed` (std::true_type or not) says that p is aligned and its array worth streaming.
template <class Streamed, class T, class V, class Lanes>
inline void put(Streamed, T* p, V v, Lanes lanes) {
  if constexpr (Streamed::value && std::is_same_v<Lanes, whole>) {
    stream(p, v);
  } else {
    store(p, v, lanes);
  }
}

// body(std::true_type) where y [rows, n] is worth streaming and its rows are aligned, else body(std::false_type).
template <class T, class Body>
inline void with_streaming(const T* y, int64_t rows, int64_t n, const Body& body) {
  if constexpr (std::is_same_v<T, float>) {
    const int64_t row_bytes = n * static_cast<int64_t>(sizeof(T));
    if (is_streamed(rows * row_bytes) && is_aligned(y) && row_bytes % stream_alignment == 0)
      return body(std::true_type{});
  }
  body(std::false_type{});
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

// Sums of t[k] over rows that follow each other, where term(i, lanes, t) sets t and leaves 0 beyond its lanes.
template <class V, int sums>
class RowSum {
 public:
  RowSum() { clear(); }

  template <class Term>
  void add(int64_t n, const Term& term) {
    for (int64_t begin = 0; begin < n; begin += block) {
      const int64_t end = begin + block < n ? begin + block : n;
      if (pending_ + (end - begin) > block) flush();
      pending_ += end - begin;
      add_piece(begin, end, term);
    }
  }

  double total(int k) {
    flush();
    return total_[k];
  }

 private:
  static constexpr int ways = 4;
  static constexpr int64_t block = 1024, stride = ways * V::width;

  template <class Term>
  void add_piece(int64_t i, int64_t end, const Term& term) {
    if (i + stride <= end) {
      V partial[ways][sums];
      unroll<ways * sums>([&](auto j) NR_INLINE { partial[j / sums][j % sums] = partial_[j / sums][j % sums]; });
      for (; i + stride <= end; i += stride)
        unroll<ways>([&](auto w) NR_INLINE { add_vector(partial[w], i + w * V::width, whole{}, term); });
      unroll<ways * sums>([&](auto j) NR_INLINE { partial_[j / sums][j % sums] = partial[j / sums][j % sums]; });
    }
    for (int w = 0; i + V::width <= end; i += V::width) add_vector(partial_[w++], i, whole{}, term);
    if (i < end) add_vector(partial_[ways - 1], i, end - i, term);
  }

  template <class Lanes, class Term>
  NR_INLINE static void add_vector(V (&partial)[sums], int64_t i, Lanes lanes, const Term& term) {
    V t[sums];
    term(i, lanes, t);
    unroll<sums>([&](auto k) NR_INLINE { partial[k] = partial[k] + t[k]; });
  }

  void clear() {
    for (auto& way : partial_)
      for (V& p : way) p = V(0);
  }

  void flush() {
    for (int k = 0; k < sums; k++)
      total_[k] += hsum((partial_[0][k] + partial_[1][k]) + (partial_[2][k] + partial_[3][k]));
    clear();
    pending_ = 0;
  }

  V partial_[ways][sums];
  double total_[sums] = {};
  int64_t pending_ = 0;
};

// The sum over [0, n) of term(i, lanes), which leaves 0 beyond its lanes.
template <class V, class Term>
inline double sum_row(int64_t n, const Term& term) {
  RowSum<V, 1> sum;
  sum.add(n, [&](int64_t i, auto lanes, V(&t)[1]) { t[0] = term(i, lanes); });
  return sum.total(0);
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
