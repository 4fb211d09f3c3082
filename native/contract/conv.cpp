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

// y [B, ..., O] as [B, O, ...].
nr_tensor channels_first(const nr_tensor& y) {
  nr_tensor out = y;
  if (y.ndim < 2) return out;
  out.shape[1] = y.shape[y.ndim - 1];
  for (int d = 2; d < y.ndim; d++) out.shape[d] = y.shape[d - 1];
  return out;
}

verdict result(const nr_optional& bias, const nr_optional& residual, const nr_tensor& y, int64_t filters,
               const nr_optional& preactivation, int64_t activation) {
  if (!is_contiguous(y)) return "a contiguous result";
  if (bias.present) {
    if (bias.tensor.dtype != y.dtype) return "a bias of the input's dtype";
    if (bias.tensor.ndim != 1 || bias.tensor.shape[0] != filters) return "a bias of shape [O]";
  }
  return epilogue(residual, y, preactivation, activation);
}

bool is_packed(const nr_tensor& t, int64_t groups, int64_t filters, int64_t depth) {
  const int64_t lanes = filters < 32 ? filters : 32, panels = filters / 32 + (filters % 32 != 0);
  return t.ndim == 4 && t.shape[0] == groups && t.shape[1] == panels && t.shape[2] == depth && t.shape[3] == lanes &&
         is_contiguous(t);
}

}  // namespace

verdict conv(const nr_tensor* x, const nr_tensor* w, const nr_optional* bias, const nr_optional* residual, nr_tensor* y,
             nr_optional* preactivation, nr_ints stride, nr_ints padding, nr_ints dilation, int64_t groups,
             int64_t activation, bool channels_last) {
  const nr_tensor planar = channels_last ? channels_first(*y) : *y;
  if (verdict wrong = convolution(*x, *w, planar, stride, padding, dilation, groups)) return wrong;
  return result(*bias, *residual, *y, planar.shape[1], *preactivation, activation);
}

verdict conv_pack(const nr_tensor* w, nr_tensor* packed, int64_t groups) {
  if (!is_float(*w)) return "a floating dtype";
  if (packed->dtype != w->dtype) return "tensors of one dtype";
  if (w->ndim < 3 || w->ndim > 5) return "a weight of shape [O, C / groups, ...]";
  if (groups < 1 || w->shape[0] % groups != 0) return "groups that divide the outputs";
  int64_t depth = 1;
  for (int d = 1; d < w->ndim; d++) depth *= w->shape[d];
  if (!is_packed(*packed, groups, w->shape[0] / groups, depth))
    return "a contiguous result of shape [groups, O / groups / 32 rounded up, C / groups · taps, lanes]";
  return nullptr;
}

verdict conv_packed(const nr_tensor* x, const nr_tensor* packed, const nr_optional* bias, const nr_optional* residual,
                    nr_tensor* y, nr_ints kernel, nr_ints stride, nr_ints padding, nr_ints dilation, int64_t activation,
                    bool channels_last) {
  const nr_tensor planar = channels_last ? channels_first(*y) : *y;
  if (packed->ndim != 4 || packed->shape[0] < 1 || x->ndim < 3 || y->ndim != x->ndim || kernel.count != x->ndim - 2)
    return "packed weights of 4 dims, and kernel sizes of 2 dims less than the input";
  const int64_t groups = packed->shape[0];
  if (x->shape[1] % groups != 0 || planar.shape[1] % groups != 0) return "groups that divide both channel counts";
  nr_tensor w = {nullptr, packed->dtype, x->ndim, {planar.shape[1], x->shape[1] / groups}, {}};
  for (int64_t i = 0; i < kernel.count; i++) w.shape[2 + i] = kernel.at[i];
  if (verdict wrong = convolution(*x, w, planar, stride, padding, dilation, groups)) return wrong;
  int64_t depth = w.shape[1];
  for (int64_t i = 0; i < kernel.count; i++)
    if (__builtin_mul_overflow(depth, kernel.at[i], &depth)) return "smaller kernels";
  if (!is_packed(*packed, groups, w.shape[0] / groups, depth))
    return "weights that were packed as [groups, O / groups / 32 rounded up, C / groups · taps, lanes]";
  return result(*bias, *residual, *y, planar.shape[1], {}, activation);
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
