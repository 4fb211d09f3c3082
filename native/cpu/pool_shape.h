// A pooling's sizes over three spatial axes (missing leading axes have size 1), its planes, and which outputs of a line
// a tap serves. Kernels walk an output line in strips that stay in cache and visit it once per tap.
#pragma once
#include "cpu/dtype.h"
#include "cpu/every_second.h"
#include "cpu/parallel.h"

namespace neurite::NR_ISA {
namespace {

struct pool_axis {
  int64_t in, out, size, stride, padding, dilation;
};

struct pool_shape {
  int64_t channels, planes;
  pool_axis axis[3];

  int64_t inputs() const { return axis[0].in * axis[1].in * axis[2].in; }
  int64_t outputs() const { return axis[0].out * axis[1].out * axis[2].out; }
};

inline pool_shape make_pool_shape(const nr_tensor& x, const nr_tensor& y, const nr_ints& size, const nr_ints& stride,
                                  const nr_ints& padding, const nr_ints* dilation) {
  pool_shape s = {x.shape[1], x.shape[0] * x.shape[1], {}};
  for (int i = 0; i < 3; i++) {
    const int64_t own = i - (3 - size.count);
    s.axis[i] = own < 0 ? pool_axis{1, 1, 1, 1, 0, 1}
                        : pool_axis{x.shape[2 + own], y.shape[2 + own], size.at[own],
                                    stride.at[own],   padding.at[own],  dilation ? dilation->at[own] : 1};
  }
  return s;
}

// One [axis 0, axis 1, axis 2] plane of a [B, C, ...] tensor.
template <class T>
struct pool_plane {
  T* data;
  int64_t stride[3];

  T* line(int64_t d, int64_t h) const { return data + d * stride[0] + h * stride[1]; }
};

template <class T>
inline pool_plane<T> plane_of(const nr_tensor& t, int64_t channels, int64_t index) {
  pool_plane<T> p = {static_cast<T*>(t.data) + index / channels * t.stride[0] + index % channels * t.stride[1], {}};
  for (int i = 0; i < 3; i++) {
    const int own = i - (3 - (t.ndim - 2));
    p.stride[i] = own < 0 ? 0 : t.stride[2 + own];
  }
  return p;
}

// The outputs in [begin, end) for which tap t reads inside the input.
struct pool_range {
  int64_t begin, end;
};
inline pool_range served_by(const pool_axis& a, int64_t t, int64_t begin, int64_t end) {
  const int64_t before = a.padding - t * a.dilation;  // input coordinate of output o: o * stride - before
  const int64_t first = before > 0 ? (before + a.stride - 1) / a.stride : 0;
  const int64_t past = a.in + before > 0 ? (a.in + before + a.stride - 1) / a.stride : 0;
  if (first > begin) begin = first;
  if (past < end) end = past;
  return {begin, end > begin ? end : begin};
}

// The taps that read inside the input for at least one output in [begin, end).
inline pool_range taps_inside(const pool_axis& a, int64_t begin, int64_t end) {
  const int64_t before = a.padding - (end - 1) * a.stride, past = a.in + a.padding - begin * a.stride;
  const int64_t first = before > 0 ? (before + a.dilation - 1) / a.dilation : 0;
  const int64_t last = past > 0 ? (past + a.dilation - 1) / a.dilation : 0;
  return {first, last < a.size ? last : a.size};
}
inline int64_t input_of(const pool_axis& a, int64_t out, int64_t tap) {
  return out * a.stride - a.padding + tap * a.dilation;
}

inline constexpr int64_t pool_strip = 512;

// strip(d, h, w, n) for every run of n <= pool_strip outputs of one line of a plane.
template <class Strip>
inline void each_strip(const pool_shape& s, const Strip& strip) {
  for (int64_t d = 0; d < s.axis[0].out; d++)
    for (int64_t h = 0; h < s.axis[1].out; h++)
      for (int64_t w = 0; w < s.axis[2].out; w += pool_strip)
        strip(d, h, w, s.axis[2].out - w < pool_strip ? s.axis[2].out - w : pool_strip);
}

// Planes per task: about as many elements as make a task worth its start.
inline int64_t planes_per_task(const pool_shape& s) {
  return 1 + 16384 / (1 + (s.inputs() > s.outputs() ? s.inputs() : s.outputs()));
}

// n <= V::width values at p, p + step, …
template <class V, class T>
[[gnu::always_inline]] inline V load_strided(const T* p, int64_t step, int64_t n) {
  if (step == 1) return n >= V::width ? load<V>(p) : load<V>(p, n);
  if (step == 2 && n > 0) return load_every_second<V>(p, n);
  alignas(64) typename V::lane lanes[V::width];
  for (int64_t i = 0; i < V::width; i++) lanes[i] = i < n ? convert<typename V::lane>(p[i * step]) : 0;
  return load<V>(lanes);
}

}  // namespace
}  // namespace neurite::NR_ISA
