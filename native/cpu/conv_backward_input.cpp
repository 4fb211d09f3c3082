// The gradient of a convolution's input. Where windows move by more than one element, products are added up where they
// overlap (conv_columns.h). Else, and with few filters, in the ways of the forward (conv.cpp): the inputs are split by
// residue modulo the stride, and each residue class is a dense convolution of dy by the weights that reach it.
#include "cpu/conv_columns.h"
#include "cpu/conv_direct.h"
#include "cpu/conv_lines.h"
#include "cpu/conv_operands.h"
#include "cpu/conv_pointwise.h"
#include "cpu/conv_winograd.h"

namespace neurite::NR_ISA {
namespace {

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
  if (is_by_columns<T>(s)) return add_columns<T, In>(memory, s, dy, w, out);
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
    const conv_planes<T, In> planes = {out + first,
                                       s.groups * s.channels * s.inputs(),
                                       s.inputs(),
                                       {step[0] * a[1].in * a[2].in, step[1] * a[2].in, step[2]}};
    if (is_by_lines<T>(s, reached, s.channels)) {
      const tap_axis kernel[3] = {
          {phase[0].first, phase[0].step}, {phase[1].first, phase[1].step}, {phase[2].first, phase[2].step}};
      const line_weights<T> weights = read_line_weights<T, In>(ctx, s, plain_weights<In>(s, w)).turned();
      if (!weights.data) return;
      convolve_lines(memory, s, reached, images, dy.stride[0], group_stride, s.channels, weights, kernel, planes);
      continue;
    }
    if constexpr (std::is_same_v<T, In>) {
      if (phases == 1 && is_pointwise<T, In>(s, reached)) {
        const int64_t w_stride[3] = {s.filters * w.stride[0], w.stride[1], w.stride[0]};
        const T* reaching = static_cast<const T*>(w.data);
        for (int i = 0; i < 3; i++) reaching += phase[i].first * spatial_stride(w, i);
        return multiply_planes(ctx, s, reached, images, dy.stride[0], group_stride, s.channels, reaching, w_stride,
                               planes);
      }
    }
    if (is_direct<T>(s, reached, s.channels)) {
      convolve(memory, s, reached, images, dy.stride[0], group_stride, s.channels, left, planes);
      continue;
    }
    const patch_columns<T, In> right = {products, s.groups, images, dy.stride[0], group_stride, reached};
    if (positions == s.inputs()) {
      const image_result<T, In> result = {s.groups, s.channels, planes};
      gemm<T>(memory, products, s.channels, positions, s.filters * taps, left, right, result);
    } else {
      const phase_result<T, In> result = {out, &s, phase};
      gemm<T>(memory, products, s.channels, positions, s.filters * taps, left, right, result);
    }
  }
}

}  // namespace

void conv_backward_input(nr_context* ctx, const nr_tensor* dy, const nr_tensor* w, nr_tensor* dx, nr_ints stride,
                         nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*dx, *w, *dy, stride, padding, dilation, groups);
  with_float_dtype(dx->dtype,
                   [&](auto tag) { conv_backward_input_of<typename decltype(tag)::type>(ctx, s, *dy, *w, *dx); });
}

}  // namespace neurite::NR_ISA
