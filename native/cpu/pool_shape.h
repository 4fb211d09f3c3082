// A pooling's sizes over three spatial axes (missing leading axes have size 1), its planes, and tables of which inputs
// and windows meet: a line is short against the divisions that would tell.
#pragma once
#include "cpu/dtype.h"
#include "cpu/parallel.h"
#include "cpu/sizes.h"

namespace neurite::NR_ISA {
namespace {

struct pool_axis {
  int64_t in, out, size, stride, padding, dilation;
};

struct pool_shape {
  int64_t channels, planes;
  pool_axis axis[3];

  int64_t inputs() const { return axis[0].in * axis[1].in * axis[2].in; }
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

  pool_plane(const nr_tensor& t, int64_t plane)
      : data(static_cast<T*>(t.data) + plane / t.shape[1] * t.stride[0] + plane % t.shape[1] * t.stride[1]), stride{} {
    for (int i = 0; i < 3; i++)
      if (const int own = i - (3 - (t.ndim - 2)); own >= 0) stride[i] = t.stride[2 + own];
  }
  T* line(int64_t d, int64_t h) const { return data + d * stride[0] + h * stride[1]; }
};

// The taps [first, past) that read inside the input for at least one output in [begin, end).
struct pool_taps {
  int64_t first, past;

  pool_taps(const pool_axis& a, int64_t begin, int64_t end) {
    const int64_t before = a.padding - (end - 1) * a.stride, after = a.in + a.padding - begin * a.stride;
    first = before > 0 ? ceil_div(before, a.dilation) : 0;
    past = larger(first, smaller(after > 0 ? ceil_div(after, a.dilation) : 0, a.size));
  }
  int64_t count() const { return past - first; }
};

// For each output: the coordinates inside the input that its window meets, `step` apart. For each input: the outputs
// whose windows meet it.
struct pool_meeting {
  int64_t first, count, step;
};

// NULL: memory is out.
inline pool_meeting* inputs_of_windows(nr_context* ctx, const pool_axis& a) {
  auto* meeting = scratch<pool_meeting>(ctx, a.out);
  for (int64_t o = 0; meeting && o < a.out; o++) {
    const pool_taps taps(a, o, o + 1);
    meeting[o] = {o * a.stride - a.padding + taps.first * a.dilation, taps.count(), a.dilation};
  }
  return meeting;
}
inline pool_meeting* windows_of_inputs(nr_context* ctx, const pool_axis& a) {
  auto* meeting = scratch<pool_meeting>(ctx, a.in);
  for (int64_t i = 0; meeting && i < a.in; i++) {
    pool_meeting m = {0, 0, 1};
    const int64_t reach = i + a.padding - (a.size - 1) * a.dilation;
    const int64_t last = smaller(a.out - 1, (i + a.padding) / a.stride);
    for (int64_t o = reach > 0 ? ceil_div(reach, a.stride) : 0; o <= last; o++) {
      if ((i + a.padding - o * a.stride) % a.dilation != 0) continue;
      if (m.count == 0) m.first = o;
      if (m.count == 1) m.step = o - m.first;
      m.count++;
    }
    meeting[i] = m;
  }
  return meeting;
}

// Work on the lines [depth, height] of all planes, by a worker per task that make(thread) gives: enter(plane), then
// compute(d, h) for lines of that plane.
template <class Make>
inline void each_line(nr_context* ctx, int64_t planes, int64_t depth, int64_t height, int64_t elements,
                      const Make& make) {
  const int64_t lines = depth * height, grain = 1 + 16384 / elements;
  parallel_tasks(ctx, ceil_div(planes * lines, grain), [&](int64_t task, int32_t thread) {
    auto worker = make(thread);
    const int64_t begin = task * grain, end = smaller(planes * lines, begin + grain);
    int64_t plane = begin / lines, d = begin % lines / height, h = begin % height;
    worker.enter(plane);
    for (int64_t line = begin; line < end; line++) {
      if (d == depth) d = 0, worker.enter(++plane);
      worker.compute(d, h);
      if (++h == height) h = 0, d++;
    }
  });
}

// n <= V::width values at p, p + step, …
template <class V, class T>
[[gnu::always_inline]] inline V load_strided(const T* p, int64_t step, int64_t n) {
  if (step == 1) return n >= V::width ? load<V>(p) : load<V>(p, n);
  alignas(64) typename V::lane lanes[V::width] = {};
  for (int64_t i = 0; i < n && i < V::width; i++) lanes[i] = convert<typename V::lane>(p[i * step]);
  return load<V>(lanes);
}

// The first n lanes, or all.
template <class V, class T>
[[gnu::always_inline]] inline void store_some(T* p, V v, int64_t n) {
  if (n >= V::width) {
    store(p, v);
  } else {
    store(p, v, n);
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
