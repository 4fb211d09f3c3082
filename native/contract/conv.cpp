// Convolution: x [B, C, ...], w [O, C / groups, ...], y [B, O, ...] over 1 to 3 spatial dims, one floating dtype, sizes
// that belong together. Results are contiguous, everything read may have any strides.
#include "contract/window.h"

namespace neurite::contract {
namespace {

verdict convolution(const nr_tensor& x, const nr_tensor& w, const nr_tensor& y, const nr_ints& stride,
                    const nr_ints& padding, const nr_ints& dilation, int64_t groups) {
  if (!is_float(x)) return "a floating dtype";
  if (w.dtype != x.dtype || y.dtype != x.dtype) return "tensors of one dtype";
  const int64_t axes = stride.count;
  if (axes < 1 || axes > 3 || padding.count != axes || dilation.count != axes)
    return "stride, padding and dilation of 1 to 3 dims each";
  if (x.ndim != axes + 2 || w.ndim != axes + 2 || y.ndim != axes + 2) return "tensors of 2 dims more than stride has";
  if (!each_within(stride, 1, largest_extent)) return "strides of at least 1";
  if (!each_within(padding, 0, largest_extent)) return "paddings of at least 0";
  if (!each_within(dilation, 1, largest_extent)) return "dilations of at least 1";
  if (groups < 1 || x.shape[1] % groups != 0 || w.shape[0] % groups != 0)
    return "groups that divide both channel counts";
  if (w.shape[1] != x.shape[1] / groups) return "a weight of shape [O, C / groups, ...]";
  if (y.shape[0] != x.shape[0] || y.shape[1] != w.shape[0]) return "shapes [B, C, ...] and [B, O, ...]";
  for (int64_t d = 0; d < axes; d++) {
    const window a = {x.shape[2 + d], w.shape[2 + d], stride.at[d], padding.at[d], dilation.at[d]};
    if (a.size < 1) return "a kernel of at least 1 along each dim";
    if (!a.is_bounded()) return "smaller spatial sizes";
    if (!a.fits()) return "a kernel that fits into the padded input";
    if (y.shape[2 + d] != a.outputs()) return "spatial sizes as stride, padding and dilation give them";
  }
  return nullptr;
}

}  // namespace

verdict conv(const nr_tensor* x, const nr_tensor* w, const nr_optional* bias, nr_tensor* y, nr_ints stride,
             nr_ints padding, nr_ints dilation, int64_t groups) {
  if (verdict wrong = convolution(*x, *w, *y, stride, padding, dilation, groups)) return wrong;
  if (!is_contiguous(*y)) return "a contiguous result";
  if (bias->present) {
    if (bias->tensor.dtype != x->dtype) return "a bias of the input's dtype";
    if (bias->tensor.ndim != 1 || bias->tensor.shape[0] != y->shape[1]) return "a bias of shape [O]";
  }
  return nullptr;
}

verdict conv_backward_input(const nr_tensor* dy, const nr_tensor* w, nr_tensor* dx, nr_ints stride, nr_ints padding,
                            nr_ints dilation, int64_t groups) {
  if (verdict wrong = convolution(*dx, *w, *dy, stride, padding, dilation, groups)) return wrong;
  if (!is_contiguous(*dx)) return "a contiguous result";
  return nullptr;
}

verdict conv_backward_weight(const nr_tensor* x, const nr_tensor* dy, nr_tensor* dw, nr_ints stride, nr_ints padding,
                             nr_ints dilation, int64_t groups) {
  if (verdict wrong = convolution(*x, *dw, *dy, stride, padding, dilation, groups)) return wrong;
  if (!is_contiguous(*dw)) return "a contiguous result";
  return nullptr;
}

}  // namespace neurite::contract
