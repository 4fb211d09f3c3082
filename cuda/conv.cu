// Convolution over 1 to 3 axes, y = activation(sum + bias + residual), and the gradient of its input, by the first of
// these that fits: directly, where groups have few channels (conv_direct.h); as products of planes and weights, where
// one tap meets every position; as products of patches and weights (conv_patches.h, conv_product.h). Patches are
// gathered while they are multiplied, 16 bytes of neighbouring channels at a time: images whose channels do not lie
// together are turned first (channels_last.h), which moves each of them twice more, and weights are brought into the
// order of patches. Results leave in the order that is wanted.
#include "conv_direct.h"
#include "conv_patches.h"
#include "dispatch.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class T>
void convolve(nr_context* ctx, const ConvShape& s, const nr_tensor& x, const ConvWeights<T>& w, const nr_optional& bias,
              const nr_optional& residual, const nr_tensor& y, const nr_optional& preactivation, int64_t activation,
              bool is_last) {
  const nr_tensor planar = is_last ? channels_first(y) : y;
  const Epilogue<T> epilogue = make_epilogue<T>(y, residual, preactivation, activation);
  if (is_direct(s))
    convolve_directly<T, false>(ctx, s, x, w, planar, bias, epilogue);
  else
    convolve_forward(ctx, s, x, w, planar, bias, epilogue, is_last);
}

}  // namespace

void conv(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* bias, const nr_optional* residual,
          nr_tensor* y, nr_optional* preactivation, nr_ints stride, nr_ints padding, nr_ints dilation, int64_t groups,
          int64_t activation, bool channels_last) {
  const nr_tensor planar = channels_last ? channels_first(*y) : *y;
  const ConvShape s = make_conv_shape(*x, *w, planar, stride, padding, dilation, groups);
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    convolve(ctx, s, *x, weights_of<T>(s, *w, false), *bias, *residual, *y, *preactivation, activation, channels_last);
  });
}

// Packed weights are [filters of all groups, taps, channels], the rest zeros.
void conv_pack(nr_context* ctx, const nr_tensor* w, nr_tensor* packed, int64_t /*groups*/) {
  int64_t size[3];
  for (int i = 0; i < 3; i++) size[i] = i < 5 - w->ndim ? 1 : w->shape[w->ndim - 3 + i];
  dispatch(floating_types{}, w->dtype, [&]<class T>() {
    const int64_t items = packed->shape[0] * packed->shape[1] * packed->shape[3];
    copy_channels_last(ctx, images_of<T>(*w, 1, size), static_cast<T*>(packed->data), items, w->shape[1]);
  });
}

void conv_packed(nr_context* ctx, const nr_tensor* x, const nr_tensor* packed, const nr_optional* bias,
                 const nr_optional* residual, nr_tensor* y, nr_ints kernel, nr_ints stride, nr_ints padding,
                 nr_ints dilation, int64_t activation, bool channels_last) {
  const nr_tensor planar = channels_last ? channels_first(*y) : *y;
  const int64_t groups = packed->shape[0];
  nr_tensor w = {nullptr, x->dtype, x->ndim, {planar.shape[1], x->shape[1] / groups}, {}};
  for (int64_t i = 0; i < kernel.count; i++) w.shape[2 + i] = kernel.at[i];
  const ConvShape s = make_conv_shape(*x, w, planar, stride, padding, dilation, groups);
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    ConvWeights<T> weights = {static_cast<const T*>(packed->data), 0, s.taps() * s.channels, 1, {}};
    weights.group = s.filters * weights.target;
    weights.tap[2] = s.channels;
    weights.tap[1] = s.axis[2].size * weights.tap[2];
    weights.tap[0] = s.axis[1].size * weights.tap[1];
    convolve(ctx, s, *x, weights, *bias, *residual, *y, {}, activation, channels_last);
  });
}

void conv_backward_input(nr_context* ctx, const nr_tensor* dy, const nr_tensor* w, nr_tensor* dx, nr_ints stride,
                         nr_ints padding, nr_ints dilation, int64_t groups) {
  const ConvShape s = make_conv_shape(*dx, *w, *dy, stride, padding, dilation, groups);
  dispatch(floating_types{}, dx->dtype, [&]<class T>() {
    const ConvWeights<T> weights = weights_of<T>(s, *w, true);
    const Epilogue<T> epilogue = make_epilogue<T>(*dx, {}, {}, nr_activation_none);
    if (is_direct(s))
      convolve_directly<T, true>(ctx, s, *dy, weights, *dx, {}, epilogue);
    else
      convolve_gradient(ctx, s, *dy, weights, *dx, epilogue);
  });
}

}  // namespace neurite::cuda
