// Convolution with one input and one output channel per group. There is nothing to share between channels, so each
// plane is copied once with its border of zeros, and every output vector adds up its taps straight from there, in
// registers. The gradient of the input is the same correlation, of dy with the taps of each phase; the gradient of a
// weight is a dot product of dy with the shifted plane, summed pairwise over the batch.
#pragma once
#include "cpu/conv_shape.h"

namespace neurite::NR_ISA {
namespace {

// The part of the source that the patches of one channel touch, zeros included, as a contiguous block.
struct bordered_plane {
  patches source;
  int64_t low[3], size[3];  // first source coordinate and extent

  explicit bordered_plane(const patches& p) : source(p) {
    for (int i = 0; i < 3; i++) {
      const patch_axis& a = p.axis[i];
      const int64_t reach = (a.taps - 1) * a.slope;
      low[i] = a.base + smaller(0, reach);
      size[i] = (a.positions - 1) * a.step + larger(0, reach) - smaller(0, reach) + 1;
    }
  }
  int64_t volume() const { return size[0] * size[1] * size[2]; }
  int64_t at(int64_t d, int64_t h, int64_t w) const { return (d * size[1] + h) * size[2] + w; }

  // Where tap `index` (counted row-major) reads for the first position.
  int64_t tap(int64_t index) const {
    const patch_row r = source.row(index);
    int64_t c[3];
    for (int i = 0; i < 3; i++) c[i] = source.axis[i].base + r.tap[i] * source.axis[i].slope - low[i];
    return at(c[0], c[1], c[2]);
  }

  template <class T, class In>
  void fill(const In* image, T* out) const {
    const patch_axis &a = source.axis[0], &b = source.axis[1];
    patch_axis line = source.axis[2];
    line.step = 1;
    for (int64_t d = 0; d < size[0]; d++) {
      for (int64_t h = 0; h < size[1]; h++, out += size[2]) {
        const int64_t z = d + low[0], y = h + low[1];
        if (z < 0 || z >= a.size || y < 0 || y >= b.size) {
          write_zeros(out, size[2]);
        } else {
          read_line(image + z * a.stride + y * b.stride, line, low[2], size[2], out);
        }
      }
    }
  }

  // visit(offset in the block, d, h, w, n) for every vector of n <= width positions along the last axis.
  template <int width, class Visit>
  [[gnu::always_inline]] void each_vector(const Visit& visit) const {
    const patch_axis &a = source.axis[0], &b = source.axis[1], &c = source.axis[2];
    for (int64_t d = 0; d < a.positions; d++)
      for (int64_t h = 0; h < b.positions; h++)
        for (int64_t w = 0; w < c.positions; w += width)
          visit(at(d * a.step, h * b.step, w * c.step), d, h, w, smaller(width, c.positions - w));
  }
};

// n <= V::width elements, `step` apart.
template <class V, class T>
[[gnu::always_inline]] inline V load_apart(const T* p, int64_t step, int64_t n) {
  if (step == 1) return n == V::width ? load<V>(p) : load<V>(p, n);
  alignas(64) typename V::lane lanes[V::width] = {};
  for (int64_t i = 0; i < n; i++) lanes[i] = convert<typename V::lane>(p[i * step]);
  return load<V>(lanes);
}

// An absurd padding or dilation makes blocks that are nearly all zeros: those convolutions stay with the matrix
// product.
inline bool is_depthwise(const conv_shape& s) {
  double volume = 1;
  for (const conv_axis& a : s.axis)
    volume *= static_cast<double>((a.out - 1) * a.stride + (a.kernel - 1) * a.dilation + 1);
  const double given = static_cast<double>(s.inputs()) + static_cast<double>(s.outputs());
  return s.channels == 1 && s.filters == 1 && volume <= 8 * given + 4096 && s.taps() <= 4096;
}

// Every tap of the kernel, as the forward pass uses them.
inline conv_phase every_tap(const conv_axis& a) {
  return {0, a.out, a.kernel, 0, 1, -a.padding, a.dilation};
}

// w[group][tap] of one phase, widened; NULL when memory is out.
template <class T, class In>
const T* depthwise_taps(nr_context* ctx, const conv_shape& s, const nr_tensor& w, const conv_phase (&phase)[3]) {
  const int64_t taps = phase[0].taps * phase[1].taps * phase[2].taps;
  T* out = scratch<T>(ctx, s.groups * taps);
  if (!out) return nullptr;
  for (int64_t i = 0; i < s.groups * taps; i++) {
    int64_t rest = i, offset = 0;
    for (int axis = 2; axis >= 0; axis--) {
      offset += (phase[axis].first + rest % phase[axis].taps * phase[axis].step) * spatial_stride(w, axis);
      rest /= phase[axis].taps;
    }
    out[i] = convert<T>(static_cast<const In*>(w.data)[rest * w.stride[0] + offset]);
  }
  return out;
}

// body(plane, buffer) for every image × group, with a buffer of `size` elements per thread. False: memory is out.
template <class T, class Body>
inline bool each_buffered_plane(workspace& memory, const conv_shape& s, int64_t size, const Body& body) {
  const int64_t planes = s.batch * s.groups, stride = round_up(size, 16), grain = 1 + 8192 / (1 + size);
  T* buffers = memory.take<T>(memory.ctx->threads * stride);
  if (!buffers) return false;
  parallel_tasks(memory.ctx, ceil_div(planes, grain), [&](int64_t task, int32_t thread) {
    for (int64_t plane = task * grain; plane < smaller(planes, (task + 1) * grain); plane++)
      body(plane, buffers + thread * stride);
  });
  return true;
}

// The planes written: all images × groups, `size` elements from one to the next, neighbours stride[axis] apart.
template <class Out>
struct depthwise_planes {
  Out* data;
  int64_t size, stride[3];

  template <class V>
  void write(V v, int64_t plane, int64_t d, int64_t h, int64_t w, int64_t n) const {
    Out* to = data + plane * size + d * stride[0] + h * stride[1] + w * stride[2];
    if (stride[2] == 1) return store(to, v, n);
    alignas(64) typename V::lane lanes[V::width];
    store(lanes, v);
    for (int64_t i = 0; i < n; i++) to[i * stride[2]] = convert<Out>(lanes[i]);
  }
};

// planes = bias[group] + Σ taps w[group][tap] · source plane.
template <class T, class Out>
void correlate_planes(workspace& memory, const conv_shape& s, const patches& p, const nr_tensor& source, const T* w,
                      const T* bias, const depthwise_planes<Out>& planes) {
  using V = vector_t<T>;
  if (s.batch * s.groups == 0 || p.positions() == 0) return;
  const int64_t taps = p.taps();
  const bordered_plane block(p);
  int64_t* offsets = scratch<int64_t>(memory.ctx, taps);
  if (!offsets) return;
  for (int64_t t = 0; t < taps; t++) offsets[t] = block.tap(t);
  each_buffered_plane<T>(memory, s, block.volume(), [&](int64_t plane, T* buffer) {
    const int64_t group = plane % s.groups, step = p.axis[2].step;
    const T* weights = w + group * taps;
    const T start = bias ? bias[group] : T(0);
    block.fill(static_cast<const Out*>(source.data) + plane / s.groups * source.stride[0] + group * source.stride[1],
               buffer);
    block.template each_vector<V::width>([&](int64_t at, int64_t d, int64_t h, int64_t i, int64_t n) NR_INLINE {
      V sum(start);
      for (int64_t t = 0; t < taps; t++)
        sum = fma(V(weights[t]), load_apart<V>(buffer + at + offsets[t], step, n), sum);
      planes.write(sum, plane, d, h, i, n);
    });
  });
}

// sums[plane][tap] = dy plane · shifted source plane. False: memory is out.
template <class T, class In>
bool correlate_gradients(workspace& memory, const conv_shape& s, const patches& p, const nr_tensor& source,
                         const nr_tensor& dy, T* sums) {
  using V = vector_t<T>;
  const int64_t taps = p.taps();
  const bordered_plane block(p);
  const int64_t dy_stride[3] = {spatial_stride(dy, 0), spatial_stride(dy, 1), spatial_stride(dy, 2)};
  return each_buffered_plane<T>(memory, s, block.volume(), [&](int64_t plane, T* buffer) {
    const int64_t image = plane / s.groups, group = plane % s.groups, step = p.axis[2].step;
    const In* dy_plane = static_cast<const In*>(dy.data) + image * dy.stride[0] + group * dy.stride[1];
    block.fill(static_cast<const In*>(source.data) + image * source.stride[0] + group * source.stride[1], buffer);
    const auto dots = [&](int64_t first, auto together) NR_INLINE {
      V sum[together];
      int64_t offset[together];
      unroll<together>([&](auto t) NR_INLINE { sum[t] = V(T(0)), offset[t] = block.tap(first + t); });
      block.template each_vector<V::width>([&](int64_t at, int64_t d, int64_t h, int64_t w, int64_t n) NR_INLINE {
        const In* from = dy_plane + d * dy_stride[0] + h * dy_stride[1] + w * dy_stride[2];
        const V g = load_apart<V>(from, dy_stride[2], n);
        unroll<together>([&](auto t)
                             NR_INLINE { sum[t] = fma(g, load_apart<V>(buffer + at + offset[t], step, n), sum[t]); });
      });
      unroll<together>([&](auto t) NR_INLINE { sums[plane * taps + first + t] = hsum(sum[t]); });
    };
    int64_t t = 0;
    for (; t + 4 <= taps; t += 4) dots(t, std::integral_constant<int, 4>{});
    for (; t < taps; t++) dots(t, std::integral_constant<int, 1>{});
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
