// Convolution over 1 to 3 axes, y = activation(sum + bias + residual), by the first of these that fits: windows of 3 ×
// 3 with many channels by tiles (conv_winograd.h); with positions in lanes where a group has few filters
// (conv_lines.h); as plain matrix products, where one tap meets every position (conv_pointwise.h); directly
// (conv_direct.h); or, where positions are few or far apart, as implicit matrix products w · patches(x) (gemm.h) per
// image and group: weights packed once, patches packed panel by panel straight from the image. Constant weights may be
// laid out ahead (conv_weights.h): what then is a product of planes otherwise goes directly.
#include "cpu/conv_direct.h"
#include "cpu/conv_lines.h"
#include "cpu/conv_operands.h"
#include "cpu/conv_pointwise.h"
#include "cpu/conv_winograd.h"

namespace neurite::NR_ISA {
namespace {

// The planes of y with their bias, widened. False when memory is out.
template <class T, class In>
bool make_planes(nr_context* ctx, const conv_shape& s, const nr_optional& bias, const epilogue<T, In>& ending,
                 nr_tensor& y, bool channels_last, conv_planes<T, In>& planes) {
  const int64_t count = s.groups * s.filters, line = s.axis[2].out, step = channels_last ? count : 1;
  planes = {static_cast<In*>(y.data),
            count * s.outputs(),
            channels_last && count > 1 ? 1 : s.outputs(),
            {s.axis[1].out * line * step, line * step, step}};
  planes.ending = ending;
  if (!bias.present) return true;
  T* wide = scratch<T>(ctx, count);
  if (!wide) return false;
  const In* from = static_cast<const In*>(bias.tensor.data);
  for (int64_t o = 0; o < count; o++) wide[o] = convert<T>(from[o * bias.tensor.stride[0]]);
  planes.bias = wide;
  return true;
}

template <class T, class In>
void convolve_patches(workspace& memory, const conv_shape& s, const weight_rows<T, In>& left,
                      const patch_columns<T, In>& right, const conv_planes<T, In>& planes) {
  const auto product = [&](const auto& result) {
    gemm<T>(memory, s.batch * s.groups, s.filters, s.outputs(), s.channels * s.taps(), left, right, result);
  };
  if (planes.is_channels_last()) {
    product(channels_last_result<T, In>{s.groups, s.filters, planes});
  } else {
    product(image_result<T, In>{s.groups, s.filters, planes});
  }
}

template <class T, class In>
void convolve_forward(nr_context* ctx, const conv_shape& s, const nr_tensor& x, const conv_weights<In>& w,
                      const conv_planes<T, In>& planes) {
  workspace memory = {ctx};
  if (is_winograd<T>(s, s.channels, s.filters, s.axis[1].out, s.axis[2].out))
    return winograd_conv<T, In>(memory, s, x, w, planes);
  const patches inputs = input_patches(s, x).joined();
  const In* images = static_cast<const In*>(x.data);
  const int64_t group_stride = s.channels * x.stride[1];
  if (is_by_lines<T>(s, inputs, s.filters)) {
    const line_weights<T> weights = read_line_weights<T, In>(ctx, s, w);
    if (!weights.data) return;
    return convolve_lines(memory, s, inputs, images, x.stride[0], group_stride, s.filters, weights, every_tap, planes);
  }
  const weight_rows<T, In> left = {s.groups, s, w};
  if constexpr (std::is_same_v<T, In>) {
    if (planes.is_channels_last() && is_rows(s, inputs, x.stride[0]))
      return multiply_rows<T>(ctx, s, inputs, images, left, planes);
    if (!w.is_packed && !planes.is_channels_last() && is_pointwise<T, In>(s, inputs)) {
      const int64_t w_stride[3] = {w.group, w.filter, w.channel};
      return multiply_planes(ctx, s, inputs, images, x.stride[0], group_stride, s.filters, w.data, w_stride, planes);
    }
  }
  if (is_direct<T>(s, inputs, s.filters, left.has_tiles()))
    return convolve(memory, s, inputs, images, x.stride[0], group_stride, s.filters, left, planes);
  const patch_columns<T, In> right = {s.batch * s.groups, s.groups, images, x.stride[0], group_stride, inputs};
  convolve_patches(memory, s, left, right, planes);
}

}  // namespace

void conv(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* bias, const nr_optional* residual,
          nr_tensor* y, nr_optional* preactivation, nr_ints stride, nr_ints padding, nr_ints dilation, int64_t groups,
          int64_t activation, bool channels_last) {
  const nr_tensor planar = channels_last ? channels_first(*y) : *y;
  const conv_shape s = make_conv_shape(*x, *w, planar, stride, padding, dilation, groups);
  with_float_dtype(y->dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    using T = compute_t<In>;
    conv_planes<T, In> planes;
    if (make_planes(ctx, s, *bias, make_epilogue<T, In>(*residual, *preactivation, activation), *y, channels_last,
                    planes))
      convolve_forward(ctx, s, *x, plain_weights<In>(s, *w), planes);
  });
}

// Elements are moved, not converted.
void conv_pack(nr_context* ctx, const nr_tensor* w, nr_tensor* packed, int64_t groups) {
  conv_shape s = {1, groups, w->shape[1], w->shape[0] / groups, {}};
  for (int i = 0; i < 3; i++) s.axis[i].kernel = i < 5 - w->ndim ? 1 : w->shape[w->ndim - 3 + i];
  const int64_t panels = packed->shape[1], K = packed->shape[2], lanes = packed->shape[3];
  with_float_dtype(w->dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    const weight_rows<In, In> rows = {groups, s, plain_weights<In>(s, *w)};
    In* to = static_cast<In*>(packed->data);
    parallel_tasks(ctx, groups * panels, [&](int64_t index, int32_t) {
      const int64_t first = index % panels * panel_filters;
      rows.panel(to + index * K * lanes, index / panels, first, smaller(lanes, s.filters - first), 0, K, lanes);
    });
  });
}

void conv_packed(nr_context* ctx, const nr_tensor* x, const nr_tensor* packed, const nr_optional* bias,
                 const nr_optional* residual, nr_tensor* y, nr_ints kernel, nr_ints stride, nr_ints padding,
                 nr_ints dilation, int64_t activation, bool channels_last) {
  const nr_tensor planar = channels_last ? channels_first(*y) : *y;
  const int64_t groups = packed->shape[0];
  nr_tensor w = {nullptr, x->dtype, x->ndim, {planar.shape[1], groups ? x->shape[1] / groups : 0}, {}};
  for (int64_t i = 0; i < kernel.count; i++) w.shape[2 + i] = kernel.at[i];
  const conv_shape s = make_conv_shape(*x, w, planar, stride, padding, dilation, groups);
  with_float_dtype(y->dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    using T = compute_t<In>;
    conv_planes<T, In> planes;
    if (make_planes(ctx, s, *bias, make_epilogue<T, In>(*residual, {}, activation), *y, channels_last, planes))
      convolve_forward(ctx, s, *x, packed_weights<In>(s, *packed), planes);
  });
}

}  // namespace neurite::NR_ISA
