// Convolution over 1 to 3 axes, by the first of these that fits: windows of 3 × 3 with many channels by tiles
// (conv_winograd.h); with positions in lanes where a group has few filters (conv_lines.h); as plain matrix products,
// where one tap meets every position (conv_pointwise.h); directly (conv_direct.h); or, where positions are few or far
// apart, as implicit matrix products w · patches(x) (gemm.h) per image and group: weights packed once, patches packed
// panel by panel straight from the image.
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

}  // namespace

void conv(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* bias, nr_tensor* y,
          nr_ints stride, nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*x, *w, *y, stride, padding, dilation, groups);
  with_float_dtype(y->dtype, [&](auto tag) { conv_of<typename decltype(tag)::type>(ctx, s, *x, *w, *bias, *y); });
}

}  // namespace neurite::NR_ISA
