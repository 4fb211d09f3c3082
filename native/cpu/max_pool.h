// Max pooling and its gradient over one plane. The forward pass keeps, per output of a strip, the best value and where
// in the window it was found (as lanes: int32 beside float, double beside double), and compares a whole strip with each
// tap in turn. NaN wins, ties go to the first tap, padding never wins.
#pragma once
#include "cpu/pool_shape.h"

namespace neurite::NR_ISA {
namespace {

template <class V>
using place_lanes = std::conditional_t<std::is_same_v<V, vf>, vi, vd>;

template <class V>
struct max_strip {
  using value = typename V::lane;
  using place = typename place_lanes<V>::lane;
  alignas(64) value best[pool_strip];
  alignas(64) place at[pool_strip];  // plane index of the best, less that of the window's first column; -1: none yet

  void clear(int64_t n) {
    for (int64_t i = 0; i < n; i++) best[i] = -__builtin_huge_val(), at[i] = -1;
  }

  // Compares outputs [begin, end) with the inputs at x, x + step, …
  template <class T>
  void compare(const T* x, int64_t step, int64_t begin, int64_t end, place where) {
    using P = place_lanes<V>;
    const P here(where), none(place(-1));
    for (int64_t i = begin; i < end; i += V::width, x += V::width * step) {
      const int64_t n = end - i;
      const V v = load_strided<V>(x, step, n), old = n >= V::width ? load<V>(best + i) : load<V>(best + i, n);
      const P old_at = n >= V::width ? P::load(at + i) : P::load(at + i, n);
      const auto better = (v > old) | (v != v) | (old_at == none);  // a first tap of -inf is taken too
      if (n >= V::width) {
        store(best + i, select(better, v, old));
        store(at + i, select(better, here, old_at));
      } else {
        store(best + i, select(better, v, old), n);
        store(at + i, select(better, here, old_at), n);
      }
    }
  }
};

template <class T>
void max_pool_plane(const pool_shape& s, const pool_plane<const T>& x, const pool_plane<T>& y,
                    const pool_plane<int64_t>& index) {
  using V = vector_t<T>;
  const auto& [a, b, c] = s.axis;
  each_strip(s, [&](int64_t d, int64_t h, int64_t w, int64_t n) {
    const pool_range in_a = taps_inside(a, d, d + 1), in_b = taps_inside(b, h, h + 1), in_c = taps_inside(c, w, w + n);
    max_strip<V> strip;
    strip.clear(n);
    for (int64_t i = in_a.begin; i < in_a.end; i++) {
      for (int64_t j = in_b.begin; j < in_b.end; j++) {
        const int64_t z = input_of(a, d, i), r = input_of(b, h, j);
        for (int64_t k = in_c.begin; k < in_c.end; k++) {
          const pool_range o = served_by(c, k, w, w + n);
          const int64_t column = input_of(c, o.begin, k);
          const auto where = static_cast<typename max_strip<V>::place>((z * b.in + r) * c.in + k * c.dilation);
          strip.compare(x.line(z, r) + column * x.stride[2], c.stride * x.stride[2], o.begin - w, o.end - w, where);
        }
      }
    }
    T* to = y.line(d, h) + w;
    int64_t* index_to = index.line(d, h) + w;
    for (int64_t i = 0; i < n; i++) {
      to[i] = convert<T>(strip.best[i]);
      // A dilated window can miss the input altogether; 0 keeps the index valid.
      index_to[i] = strip.at[i] < 0 ? 0 : static_cast<int64_t>(strip.at[i]) + (w + i) * c.stride - c.padding;
    }
  });
}

// Adds dy into `sums` (one plane, contiguous). False when an index lies outside the plane; `*bad` is the first such.
template <class T, class Sum>
bool max_pool_backward_plane(const pool_shape& s, const pool_plane<const T>& dy, const pool_plane<const int64_t>& index,
                             Sum* sums, int64_t* bad) {
  const int64_t plane = s.inputs();
  for (int64_t d = 0; d < s.axis[0].out; d++) {
    for (int64_t h = 0; h < s.axis[1].out; h++) {
      const T* from = dy.line(d, h);
      const int64_t* at = index.line(d, h);
      for (int64_t w = 0; w < s.axis[2].out; w++) {
        const int64_t i = at[w * index.stride[2]];
        if (i < 0 || i >= plane) {
          *bad = i;
          return false;
        }
        sums[i] += convert<Sum>(from[w * dy.stride[2]]);
      }
    }
  }
  return true;
}

}  // namespace
}  // namespace neurite::NR_ISA
