// The gradient of a convolution's weights: directly, where groups have few channels (conv_direct_weight.h), or as the
// product of dy and patches (patch_operand.h), whose depth are the positions of all images. That is long where results
// are few: it is cut into parts, and their sums are added up in order.
#include "conv_direct_weight.h"
#include "conv_patches.h"
#include "dispatch.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class T>
void correlate_patches(nr_context* ctx, const ConvShape& s, const nr_tensor& x, const nr_tensor& dy, nr_tensor& dw) {
  const int64_t in[3] = {s.axis[0].in, s.axis[1].in, s.axis[2].in};
  const int64_t out[3] = {s.axis[0].out, s.axis[1].out, s.axis[2].out};
  const GroupedImages<T> inputs = channels_last(ctx, images_of<T>(x, s.groups, in), false);
  const GroupedImages<T> gradients = channels_last(ctx, images_of<T>(dy, s.groups, out), true);
  if (!inputs.data || !gradients.data) return;
  const PatchAxis axis[3] = {forward_axis(s.axis[0]), forward_axis(s.axis[1]), forward_axis(s.axis[2])};
  const int64_t columns = s.taps() * inputs.channels, positions = s.batch * s.outputs();
  if (!is_countable(ctx, s.outputs(), columns)) return;
  const nr_tensor groups = {nullptr, 0, 1, {s.groups}, {gradients.group}};
  const MatrixOperand<T> a = {gradients.data, 1, gradients.stride[2], s.filters, 0, false, 16, strided<1>({&groups})};
  const PatchLines<T> b = {patches_of(inputs, axis), columns};
  const WeightEnding<T> ending = {{nullptr, s.groups, s.filters, columns},
                                  static_cast<T*>(dw.data),
                                  s.filters,
                                  s.channels,
                                  s.taps(),
                                  b.patches.by_channels};
  multiply_patches<T, false, false>(ctx, {s.groups, s.filters, columns, positions}, a, b, ending);
}

}  // namespace

void conv_backward_weight(nr_context* ctx, const nr_tensor* x, const nr_tensor* dy, nr_tensor* dw, nr_ints stride,
                          nr_ints padding, nr_ints dilation, int64_t groups) {
  const ConvShape s = make_conv_shape(*x, *dw, *dy, stride, padding, dilation, groups);
  dispatch(floating_types{}, dw->dtype, [&]<class T>() {
    if (is_direct(s))
      correlate_directly<T>(ctx, s, *x, *dy, *dw);
    else
      correlate_patches<T>(ctx, s, *x, *dy, *dw);
  });
}

}  // namespace neurite::cuda
