// Convolution over 1 to 3 axes, by the first of these that fits: windows of 3 × 3 with many channels by tiles
// (conv_winograd.h); with positions in lanes where a group has few filters (conv_lines.h); as plain matrix products,
// where one tap meets every position (conv_pointwise.h); directly (conv_direct.h); or, where positions are few or far
// apart, as implicit matrix products (gemm.h) per image and group: weights packed once, patches packed panel by panel
// straight from the image. Forward: w · patches(x). Backward to the input: the inputs are split by residue modulo the
// stride, and each residue class is a dense product of the weights that reach it with patches of dy. Backward to the
// weight: dy · patches(x)ᵀ over all images, cut into a fixed number of partial sums.
#include "cpu/conv_direct.h"
#include "cpu/conv_lines.h"
#include "cpu/conv_operands.h"
#include "cpu/conv_pointwise.h"
#include "cpu/conv_winograd.h"

namespace neurite::NR_ISA {
namespace {

template <class In>
void conv_of(nr_context* ctx, const conv_shape& s, const nr_tensor& x, const nr_tensor& w, const nr_optional& bias,
             nr_tensor& y) {
  using T = compute_t<In>;
  T* wide_bias = nullptr;
  if (bias.present) {
    const In* from = static_cast<const In*>(bias.tensor.data);
    if (!(wide_bias = scratch<T>(ctx, s.groups * s.filters))) return;
    for (int64_t o = 0; o < s.groups * s.filters; o++) wide_bias[o] = convert<T>(from[o * bias.tensor.stride[0]]);
  }
  workspace memory = {ctx};
  if (is_winograd<T>(s, s.channels, s.filters, s.axis[1].out, s.axis[2].out))
    return winograd_conv<T, In>(memory, s, x, w, wide_bias, y);
  const int64_t products = s.batch * s.groups;
  const weight_rows<T, In> left = {s.groups,
                                   static_cast<const In*>(w.data),
                                   &s,
                                   w.stride[0],
                                   w.stride[1],
                                   {spatial_stride(w, 0), spatial_stride(w, 1), spatial_stride(w, 2)},
                                   is_dense_filter(s, w)};
  const patches inputs = input_patches(s, x).joined();
  const In* images = static_cast<const In*>(x.data);
  const int64_t group_stride = s.channels * x.stride[1];
  const conv_planes<In> planes = {
      static_cast<In*>(y.data), s.outputs(), {s.axis[1].out * s.axis[2].out, s.axis[2].out, 1}};
  if (is_by_lines<T>(s, inputs, s.filters)) {
    const line_weights<T> weights = read_line_weights<T, In>(ctx, s, w);
    if (!weights.data) return;
    convolve_lines(memory, s, inputs, images, x.stride[0], group_stride, s.filters, weights, every_tap,
                   static_cast<const T*>(wide_bias), planes);
    return;
  }
  if constexpr (std::is_same_v<T, In>) {
    if (is_pointwise<T, In>(s, inputs)) {
      const int64_t w_stride[3] = {s.filters * w.stride[0], w.stride[0], w.stride[1]};
      return multiply_planes(ctx, s, inputs, images, x.stride[0], group_stride, s.filters,
                             static_cast<const T*>(w.data), w_stride, static_cast<const T*>(wide_bias), planes.data);
    }
  }
  if (is_direct<T>(s, inputs, s.filters)) {
    convolve(memory, s, inputs, images, x.stride[0], group_stride, s.filters, left, static_cast<const T*>(wide_bias),
             planes);
    return;
  }
  const patch_columns<T, In> right = {products, s.groups, images, x.stride[0], group_stride, inputs};
  const image_result<T, In> result = {static_cast<In*>(y.data), s.filters, s.outputs(), wide_bias, s.groups};
  gemm<T>(memory, products, s.filters, s.outputs(), s.channels * s.taps(), left, right, result);
}

template <class In>
void conv_backward_input_of(nr_context* ctx, const conv_shape& s, const nr_tensor& dy, const nr_tensor& w,
                            nr_tensor& dx) {
  using T = compute_t<In>;
  const auto& a = s.axis;
  const int64_t products = s.batch * s.groups;
  In* out = static_cast<In*>(dx.data);
  workspace memory = {ctx};
  if (is_winograd<T>(s, s.filters, s.channels, a[1].in, a[2].in))
    return winograd_backward_input<T, In>(memory, s, dy, w, dx);
  const int64_t residues[3] = {smaller(a[0].stride, a[0].in), smaller(a[1].stride, a[1].in),
                               smaller(a[2].stride, a[2].in)};
  const int64_t phases = residues[0] * residues[1] * residues[2];
  // From one input of a phase to the next; an axis of one input may be joined with another, whatever its stride is.
  const int64_t step[3] = {residues[0] == 1 ? 1 : a[0].stride, residues[1] == 1 ? 1 : a[1].stride,
                           residues[2] == 1 ? 1 : a[2].stride};
  const auto clear = [&] {
    __builtin_memset(out, 0, static_cast<size_t>(products * s.channels * s.inputs()) * sizeof(In));
  };
  if (phases > 1) clear();  // not every input need be reached by a tap
  for (int64_t r = 0; r < phases; r++) {
    const conv_phase phase[3] = {make_conv_phase(a[0], r / residues[2] / residues[1]),
                                 make_conv_phase(a[1], r / residues[2] % residues[1]),
                                 make_conv_phase(a[2], r % residues[2])};
    const int64_t positions = phase[0].positions * phase[1].positions * phase[2].positions;
    const int64_t taps = phase[0].taps * phase[1].taps * phase[2].taps;
    if (taps == 0) {
      if (phases == 1) clear();
      continue;
    }
    const weight_columns<T, In> left = {s.groups,    static_cast<const In*>(w.data),
                                        &s,          w.stride[0],
                                        w.stride[1], {spatial_stride(w, 0), spatial_stride(w, 1), spatial_stride(w, 2)},
                                        phase,       is_dense_filter(s, w)};
    const patches reached = phases == 1 ? output_patches(s, dy, phase).joined() : output_patches(s, dy, phase);
    const In* images = static_cast<const In*>(dy.data);
    const int64_t group_stride = s.filters * dy.stride[1];
    const int64_t first = (phase[0].residue * a[1].in + phase[1].residue) * a[2].in + phase[2].residue;
    const conv_planes<In> planes = {out + first, s.inputs(), {step[0] * a[1].in * a[2].in, step[1] * a[2].in, step[2]}};
    if (is_by_lines<T>(s, reached, s.channels)) {
      const tap_axis kernel[3] = {
          {phase[0].first, phase[0].step}, {phase[1].first, phase[1].step}, {phase[2].first, phase[2].step}};
      const line_weights<T> weights = read_line_weights<T, In>(ctx, s, w).turned();
      if (!weights.data) return;
      convolve_lines(memory, s, reached, images, dy.stride[0], group_stride, s.channels, weights, kernel,
                     static_cast<const T*>(nullptr), planes);
      continue;
    }
    if constexpr (std::is_same_v<T, In>) {
      if (phases == 1 && is_pointwise<T, In>(s, reached)) {
        const int64_t w_stride[3] = {s.filters * w.stride[0], w.stride[1], w.stride[0]};
        const T* reaching = static_cast<const T*>(w.data);
        for (int i = 0; i < 3; i++) reaching += phase[i].first * spatial_stride(w, i);
        return multiply_planes(ctx, s, reached, images, dy.stride[0], group_stride, s.channels, reaching, w_stride,
                               static_cast<const T*>(nullptr), out);
      }
    }
    if (is_direct<T>(s, reached, s.channels)) {
      convolve(memory, s, reached, images, dy.stride[0], group_stride, s.channels, left, static_cast<const T*>(nullptr),
               planes);
      continue;
    }
    const patch_columns<T, In> right = {products, s.groups, images, dy.stride[0], group_stride, reached};
    if (positions == s.inputs()) {
      const image_result<T, In> result = {out, s.channels, positions, nullptr, s.groups};
      gemm<T>(memory, products, s.channels, positions, s.filters * taps, left, right, result);
    } else {
      const phase_result<T, In> result = {out, &s, phase};
      gemm<T>(memory, products, s.channels, positions, s.filters * taps, left, right, result);
    }
  }
}

// How many partial sums a weight gradient of `size` elements over `positions` is cut into: enough to occupy the
// threads, each of them long enough, all of them together small.
template <class T>
inline int64_t weight_parts(const conv_shape& s, int64_t size, int64_t positions) {
  constexpr int64_t wanted_tasks = 32;
  const gemm_blocks<T> blocks(wanted_tasks, wanted_tasks, s.filters, s.channels * s.taps(), 1, true);
  const int64_t tasks = s.groups * blocks.count_m * blocks.count_n;
  const int64_t most = smaller(positions / 512, (int64_t{1} << 22) / larger(size, 1));
  return larger(1, smaller(wanted_tasks / larger(tasks, 1), most));
}

// dw = sums[0] + sums[1] + … + sums[parts - 1], pairwise in a fixed order; the sums are used up.
template <class T, class In>
void add_parts(nr_context* ctx, T* sums, int64_t parts, int64_t size, In* dw) {
  parallel_range(ctx, size, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t half = 1; half < parts; half *= 2)
      for (int64_t p = 0; p + half < parts; p += 2 * half)
        for (int64_t i = begin; i < end; i++) sums[p * size + i] += sums[(p + half) * size + i];
    for (int64_t i = begin; i < end; i++) dw[i] = convert<In>(sums[i]);
  });
}

template <class In>
void conv_backward_weight_of(nr_context* ctx, const conv_shape& s, const nr_tensor& x, const nr_tensor& dy,
                             nr_tensor& dw) {
  using T = compute_t<In>;
  const int64_t N = s.channels * s.taps(), size = s.groups * s.filters * N, positions = s.batch * s.outputs();
  In* out = static_cast<In*>(dw.data);
  if (size == 0) return;
  if (positions == 0) {
    __builtin_memset(out, 0, static_cast<size_t>(size) * sizeof(In));
    return;
  }
  workspace memory = {ctx};
  if (is_winograd<T>(s, s.channels, s.filters, s.axis[1].out, s.axis[2].out))
    return winograd_backward_weight<T, In>(memory, s, x, dy, dw);
  const patches inputs = input_patches(s, x);
  const bool by_lines = is_by_lines<T>(s, inputs, s.filters) && s.filters * inputs.rows() <= most_line_gradients;
  const int64_t part_depth = ceil_div(positions, weight_parts<T>(s, size, positions));
  const int64_t parts = by_lines ? s.batch : ceil_div(positions, part_depth);
  T* sums = scratch<T>(ctx, parts * size);
  if (!sums) return;
  if (by_lines) {
    if (correlate_lines<T>(memory, s, inputs, static_cast<const In*>(x.data), x.stride[0], s.channels * x.stride[1], dy,
                           sums))
      add_parts(ctx, sums, parts, size, out);
    return;
  }
  const patch_rows<T, In> left = {
      parts * s.groups,         s.groups,   static_cast<const In*>(dy.data), s.batch, dy.stride[0],
      s.filters * dy.stride[1], part_depth, output_planes(s, dy).joined()};
  const patch_rows<T, In> right = {parts * s.groups, s.groups,       static_cast<const In*>(x.data),
                                   s.batch,          x.stride[0],    s.channels * x.stride[1],
                                   part_depth,       inputs.joined()};
  const image_result<T, T> result = {sums, s.filters, N, nullptr, s.groups};
  gemm<T>(memory, parts * s.groups, s.filters, N, part_depth, left, right, result);
  add_parts(ctx, sums, parts, size, out);
}

}  // namespace

void conv(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* bias, nr_tensor* y,
          nr_ints stride, nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*x, *w, *y, stride, padding, dilation, groups);
  with_float_dtype(y->dtype, [&](auto tag) { conv_of<typename decltype(tag)::type>(ctx, s, *x, *w, *bias, *y); });
}

void conv_backward_input(nr_context* ctx, const nr_tensor* dy, const nr_tensor* w, nr_tensor* dx, nr_ints stride,
                         nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*dx, *w, *dy, stride, padding, dilation, groups);
  with_float_dtype(dx->dtype,
                   [&](auto tag) { conv_backward_input_of<typename decltype(tag)::type>(ctx, s, *dy, *w, *dx); });
}

void conv_backward_weight(nr_context* ctx, const nr_tensor* x, const nr_tensor* dy, nr_tensor* dw, nr_ints stride,
                          nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*x, *dw, *dy, stride, padding, dilation, groups);
  with_float_dtype(dw->dtype,
                   [&](auto tag) { conv_backward_weight_of<typename decltype(tag)::type>(ctx, s, *x, *dy, *dw); });
}

}  // namespace neurite::NR_ISA
