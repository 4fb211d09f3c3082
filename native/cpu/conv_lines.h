// Convolution with positions in lanes, for groups of few filters: depthwise layers, grouped ones, the gradient of an
// image. There is little to share between filters, so every result is added up in registers over all channels and taps
// straight from the rows of the source, and written once. The gradient of a weight is a dot product of dy with the
// shifted source, summed pairwise over the batch.
#pragma once
#include "cpu/conv_line_plan.h"
#include "cpu/conv_planes.h"
#include "cpu/conv_weights.h"
#include "cpu/stream.h"

namespace neurite::NR_ISA {
namespace {

// Weights and the distances between them: from group to group, from one written channel and from one read channel to
// the next, and along the kernel's axes.
template <class T>
struct line_weights {
  const T* data;
  int64_t group, out, in, tap[3];

  // For the gradient of the input, which reads the filters.
  line_weights turned() const { return {data, group, in, out, {tap[0], tap[1], tap[2]}}; }
};

// The weights of a convolution, of one panel at most in each group, widened if need be; `data` is NULL when memory is
// out.
template <class T, class In>
line_weights<T> read_line_weights(nr_context* ctx, const conv_shape& s, const conv_weights<In>& w) {
  const int64_t(&tap)[3] = w.tap;
  if constexpr (std::is_same_v<T, In>) {
    return {w.data, w.group, w.filter, w.channel, {tap[0], tap[1], tap[2]}};
  } else {
    const int64_t size[3] = {s.axis[0].kernel, s.axis[1].kernel, s.axis[2].kernel}, taps = s.taps();
    T* data = scratch<T>(ctx, s.groups * s.filters * s.channels * taps);
    T* to = data;
    for (int64_t i = 0; data && i < s.groups * s.filters * s.channels; i++) {
      const int64_t filter = i / s.channels;
      const In* from = w.at(filter / s.filters, filter % s.filters) + i % s.channels * w.channel;
      for (int64_t d = 0; d < size[0]; d++)
        for (int64_t h = 0; h < size[1]; h++)
          for (int64_t k = 0; k < size[2]; k++) *to++ = convert<T>(from[d * tap[0] + h * tap[1] + k * tap[2]]);
    }
    return {data, s.filters * s.channels * taps, s.channels * taps, taps, {size[1] * size[2], size[2], 1}};
  }
}

template <class T, class Out>
struct line_kernels {
  template <class>
  struct of;
  template <int... kind>
  struct of<std::integer_sequence<int, kind...>> {
    static constexpr decltype(&sum_lines<T, Out, 1>) sum[] = {sum_lines<T, Out, line_heights[kind]>...};
    static constexpr decltype(&sum_line_gradients<T, Out, 1>) gradient[] = {
        sum_line_gradients<T, Out, line_heights[kind]>...};
  };
  using all = of<std::make_integer_sequence<int, line_kinds>>;
};

// A box of results: straight into the plane from `to` on, or through the epilogue.
template <class T, class In>
inline void write_box(const conv_planes<T, In>& planes, int kind, const line_source<T>& source, const T* weights,
                      T start, const line_box<T>& box, int64_t to) {
  if (planes.ending.is_empty())
    return line_kernels<T, In>::all::sum[kind](source, weights, start, box, planes.data + to, planes.stride[1],
                                               planes.stride[2]);
  constexpr int64_t W = vector_t<T>::width;
  alignas(64) T sums[line_heights[0] * W];
  line_kernels<T, T>::all::sum[kind](source, weights, start, box, sums, W, 1);
  planes.write_lines(sums, to, line_heights[kind], box.count);
}

// body(begin, end, thread) over [0, n) in pieces that are worth a task, where each is `work` products.
template <class Body>
inline void parallel_lines(nr_context* ctx, int64_t n, int64_t work, const Body& body) {
  const int64_t grain = 1 + (int64_t{1} << 17) / larger(work, 1);
  parallel_tasks(ctx, ceil_div(n, grain),
                 [&](int64_t task, int32_t thread) { body(task * grain, smaller(n, (task + 1) * grain), thread); });
}

inline constexpr int64_t most_line_gradients = 4096;  // vectors of partial sums, which stay in cache

// Groups whose filters would leave most lanes of the other ways empty, unless an absurd padding or dilation makes
// windows that are nearly all zeros.
template <class T>
bool is_by_lines(const conv_shape& s, const patches& p, int64_t filters) {
  if (p.rows() == 0 || p.taps() > 4096) return false;
  const bool is_depthwise = s.channels == 1 && s.filters == 1;
  if (!is_depthwise && (p.taps() == 1 || filters > vector_t<T>::width / 2)) return false;
  double volume = 1, given = 1;
  for (const patch_axis& a : p.axis) {
    const window_axis all(a, 0, a.positions);
    volume *= static_cast<double>(all.size());
    given *= static_cast<double>(a.size + a.positions);
  }
  return volume <= 8 * given + 4096;
}

// planes[image, group, filter] from Σ weights · patches.
template <class T, class In>
void convolve_lines(workspace& memory, const conv_shape& s, const patches& p, const In* source, int64_t image_stride,
                    int64_t group_stride, int64_t filters, const line_weights<T>& weights, const tap_axis (&kernel)[3],
                    const conv_planes<T, In>& planes) {
  nr_context* ctx = memory.ctx;
  if (s.batch * s.groups == 0 || p.positions() == 0 || filters == 0) return;
  line_plan<T> plan;
  if (!make_line_plan<T, In>(ctx, p, kernel, weights.tap, weights.in, plan)) return;
  const int64_t size = plan.window_size(), work = plan.lines * p.axis[2].positions * filters * p.rows();
  T* buffers = memory.take<T>(ctx->threads * size);
  if (!buffers) return;
  // Lines that the caches have lost would be fetched when they are written, a few at a time: they are asked for a band
  // ahead.
  const bool is_far = is_streamed(s.batch * planes.image_stride * int64_t{sizeof(In)});
  const auto convolve_band = [&](int64_t image, int64_t group, int64_t d, int64_t first, T* buffer) {
    const line_band<T> band =
        read_band<T>(plan, source + image * image_stride + group * group_stride, d, first, buffer);
    for (int64_t f = 0; f < filters; f++) {
      const T* w = weights.data + group * weights.group + f * weights.out;
      const T start = planes.bias ? planes.bias[group * filters + f] : T(0);
      const int64_t to = planes.offset(image, group * filters + f, d, first, 0);
      band.each_box(plan, [&](int kind, const line_box<T>& box, int64_t h, int64_t column) NR_INLINE {
        const int64_t at = to + h * planes.stride[1] + column * planes.stride[2];
        if (is_far)
          for (int i = 0; i < line_heights[kind]; i++)
            __builtin_prefetch(planes.data + at + (plan.lines + i) * planes.stride[1], 1);
        write_box(planes, kind, plan.source, w, start, box, at);
      });
    }
  };
  parallel_lines(ctx, s.batch * s.groups * plan.tasks(), work, [&](int64_t begin, int64_t end, int32_t thread) {
    const int64_t product = begin / plan.tasks();
    int64_t image = product / s.groups, group = product % s.groups;
    int64_t d = begin / plan.bands % p.axis[0].positions, band = begin % plan.bands;
    for (int64_t task = begin; task < end; task++) {
      convolve_band(image, group, d, band * plan.lines, buffers + thread * size);
      if (++band == plan.bands) band = 0, d++;
      if (d == p.axis[0].positions) d = 0, group++;
      if (group == s.groups) group = 0, image++;
    }
  });
}

// sums[image][group, filter, channel, tap] = dy · shifted x. False: memory is out.
template <class T, class In>
bool correlate_lines(workspace& memory, const conv_shape& s, const patches& p, const In* source, int64_t image_stride,
                     int64_t group_stride, const nr_tensor& dy, T* sums) {
  constexpr int64_t width = vector_t<T>::width;
  nr_context* ctx = memory.ctx;
  const int64_t taps[3] = {p.axis[1].taps * p.axis[2].taps, p.axis[2].taps, 1}, size = s.filters * p.rows();
  line_plan<T> plan;
  if (!make_line_plan<T, In>(ctx, p, every_tap, taps, p.taps(), plan)) return false;
  const int64_t own = plan.window_size() + size * width;
  T* buffers = memory.take<T>(ctx->threads * own);
  if (!buffers) return false;
  const int64_t step[3] = {spatial_stride(dy, 0), spatial_stride(dy, 1), spatial_stride(dy, 2)};
  const auto correlate = [&](int64_t image, int64_t group, T* buffer) {
    T* partial = buffer + plan.window_size();
    write_zeros(partial, size * width);
    for (int64_t task = 0; task < plan.tasks(); task++) {
      const int64_t d = task / plan.bands, first = task % plan.bands * plan.lines;
      const line_band<T> band =
          read_band<T>(plan, source + image * image_stride + group * group_stride, d, first, buffer);
      for (int64_t f = 0; f < s.filters; f++) {
        const In* from = static_cast<const In*>(dy.data) + image * dy.stride[0] +
                         (group * s.filters + f) * dy.stride[1] + d * step[0] + first * step[1];
        band.each_box(plan, [&](int kind, const line_box<T>& box, int64_t h, int64_t column) NR_INLINE {
          line_kernels<T, In>::all::gradient[kind](plan.source, from + h * step[1] + column * step[2], step[1], step[2],
                                                   box, partial + f * p.rows() * width);
        });
      }
    }
    T* to = sums + (image * s.groups + group) * size;
    for (int64_t i = 0; i < size; i++) to[i] = hsum(load<vector_t<T>>(partial + i * width));
  };
  parallel_lines(ctx, s.batch * s.groups, p.positions() * size, [&](int64_t begin, int64_t end, int32_t thread) {
    for (int64_t i = begin; i < end; i++) correlate(i / s.groups, i % s.groups, buffers + thread * own);
  });
  return true;
}

}  // namespace
}  // namespace neurite::NR_ISA
