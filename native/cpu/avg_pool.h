// Average pooling and its gradient over one plane. A window is clipped to the input plus its padding; its divisor
// counts the clipped window (count_include_pad) or only the part inside the input, as PyTorch defines it. The divisor
// is the product of one count per axis.
#pragma once
#include "cpu/pool_shape.h"

namespace neurite::NR_ISA {
namespace {

inline int64_t window_count(const pool_axis& a, int64_t out, bool count_include_pad) {
  const int64_t begin = out * a.stride - a.padding, end = begin + a.size;
  const int64_t last = count_include_pad ? a.in + a.padding : a.in;
  return (end < last ? end : last) - (count_include_pad || begin > 0 ? begin : 0);
}

template <class T, class Sum>
inline void add_line(const T* from, int64_t step, Sum* to, int64_t to_step, int64_t n) {
  using V = vector_t<Sum>;
  int64_t i = 0;
  if (to_step == 1) {
    for (; i + V::width <= n; i += V::width)
      store(to + i, load<V>(to + i) + load_strided<V>(from + i * step, step, V::width));
  }
  for (; i < n; i++) to[i * to_step] += convert<Sum>(from[i * step]);
}

template <class T>
void avg_pool_plane(const pool_shape& s, const pool_plane<const T>& x, const pool_plane<T>& y, bool count_include_pad) {
  using Sum = compute_t<T>;
  const auto& [a, b, c] = s.axis;
  each_strip(s, [&](int64_t d, int64_t h, int64_t w, int64_t n) {
    const pool_range in_a = taps_inside(a, d, d + 1), in_b = taps_inside(b, h, h + 1), in_c = taps_inside(c, w, w + n);
    alignas(64) Sum sum[pool_strip];
    for (int64_t i = 0; i < n; i++) sum[i] = 0;
    for (int64_t i = in_a.begin; i < in_a.end; i++) {
      for (int64_t j = in_b.begin; j < in_b.end; j++) {
        const int64_t z = input_of(a, d, i), r = input_of(b, h, j);
        for (int64_t k = in_c.begin; k < in_c.end; k++) {
          const pool_range o = served_by(c, k, w, w + n);
          const int64_t column = input_of(c, o.begin, k);
          add_line(x.line(z, r) + column * x.stride[2], c.stride * x.stride[2], sum + (o.begin - w), 1,
                   o.end - o.begin);
        }
      }
    }
    const int64_t count = window_count(a, d, count_include_pad) * window_count(b, h, count_include_pad);
    T* to = y.line(d, h) + w;
    for (int64_t i = 0; i < n; i++)
      to[i] = convert<T>(sum[i] / static_cast<Sum>(count * window_count(c, w + i, count_include_pad)));
  });
}

// Adds the gradient of one plane into `sums` (contiguous).
template <class T, class Sum>
void avg_pool_backward_plane(const pool_shape& s, const pool_plane<const T>& dy, Sum* sums, bool count_include_pad) {
  const auto& [a, b, c] = s.axis;
  each_strip(s, [&](int64_t d, int64_t h, int64_t w, int64_t n) {
    const pool_range in_a = taps_inside(a, d, d + 1), in_b = taps_inside(b, h, h + 1), in_c = taps_inside(c, w, w + n);
    alignas(64) Sum share[pool_strip];
    const int64_t count = window_count(a, d, count_include_pad) * window_count(b, h, count_include_pad);
    const T* from = dy.line(d, h) + w * dy.stride[2];
    for (int64_t i = 0; i < n; i++)
      share[i] =
          convert<Sum>(from[i * dy.stride[2]]) / static_cast<Sum>(count * window_count(c, w + i, count_include_pad));
    for (int64_t i = in_a.begin; i < in_a.end; i++) {
      for (int64_t j = in_b.begin; j < in_b.end; j++) {
        const int64_t z = input_of(a, d, i), r = input_of(b, h, j);
        for (int64_t k = in_c.begin; k < in_c.end; k++) {
          const pool_range o = served_by(c, k, w, w + n);
          const int64_t column = input_of(c, o.begin, k);
          add_line(share + (o.begin - w), 1, sums + (z * b.in + r) * c.in + column, c.stride, o.end - o.begin);
        }
      }
    }
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
