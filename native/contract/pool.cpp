// Pooling over the last 1 to 3 dims of [B, C, ...]: one floating dtype, sizes that belong together, contiguous results.
// The last window may run past the padded input (ceil mode) if it begins inside the input or its left padding. The
// values of an index tensor are data, checked by the kernel.
#include "contract/window.h"

namespace neurite::contract {
namespace {

verdict pooling(const nr_tensor& x, const nr_tensor& y, const nr_ints& size, const nr_ints& stride,
                const nr_ints& padding, const nr_ints* dilation) {
  if (!is_float(x)) return "a floating dtype";
  if (y.dtype != x.dtype) return "tensors of one dtype";
  const int64_t axes = size.count;
  if (axes < 1 || axes > 3 || stride.count != axes || padding.count != axes || (dilation && dilation->count != axes))
    return "size, stride, padding and dilation of 1 to 3 dims each";
  if (x.ndim != axes + 2 || y.ndim != axes + 2) return "tensors of 2 dims more than size has";
  if (!each_within(size, 1, largest_extent)) return "sizes of at least 1";
  if (!each_within(stride, 1, largest_extent)) return "strides of at least 1";
  if (!each_within(padding, 0, largest_extent)) return "paddings of at least 0";
  if (dilation && !each_within(*dilation, 1, largest_extent)) return "dilations of at least 1";
  if (y.shape[0] != x.shape[0] || y.shape[1] != x.shape[1]) return "input and result of equal batch and channels";
  int64_t plane = 1;
  for (int64_t d = 0; d < axes; d++) {
    const window a = {x.shape[2 + d], size.at[d], stride.at[d], padding.at[d], dilation ? dilation->at[d] : 1};
    if (a.in < 1) return "spatial sizes of at least 1";
    if (!a.is_bounded()) return "smaller spatial sizes";
    if (2 * a.padding > a.size) return "paddings of at most half the window";
    const int64_t out = y.shape[2 + d];
    const int64_t floor_mode = a.fits() ? a.outputs() : 0;
    const bool begins_inside = out > 0 && (out - 1) * a.stride < a.in + a.padding;
    if (out != floor_mode && !(out == floor_mode + 1 && begins_inside))
      return "spatial sizes as size, stride, padding and dilation give them";
    if (out < 1) return "a window that fits into the padded input";
    if (plane > largest_extent / a.in) return "planes of at most 2^30 elements";
    plane *= a.in;
  }
  return nullptr;
}

bool is_index(const nr_tensor& index, const nr_tensor& y) {
  return (index.dtype == nr_dtype_i32 || index.dtype == nr_dtype_i64) && same_shape(index, y);
}

}  // namespace

verdict max_pool(const nr_tensor* x, nr_tensor* y, nr_optional* index, nr_ints size, nr_ints stride, nr_ints padding,
                 nr_ints dilation) {
  if (verdict wrong = pooling(*x, *y, size, stride, padding, &dilation)) return wrong;
  if (!is_contiguous(*y)) return "a contiguous result";
  if (!index->present) return nullptr;
  if (!is_index(index->tensor, *y)) return "an int32 or int64 index of the result's shape";
  if (!is_contiguous(index->tensor)) return "a contiguous index";
  return nullptr;
}

verdict max_pool_backward(const nr_tensor* dy, const nr_tensor* index, nr_tensor* dx, nr_ints size, nr_ints stride,
                          nr_ints padding, nr_ints dilation) {
  if (verdict wrong = pooling(*dx, *dy, size, stride, padding, &dilation)) return wrong;
  if (!is_index(*index, *dy)) return "an int32 or int64 index of dy's shape";
  if (!is_contiguous(*dx)) return "a contiguous result";
  return nullptr;
}

verdict avg_pool(const nr_tensor* x, nr_tensor* y, nr_ints size, nr_ints stride, nr_ints padding,
                 bool /*count_include_pad*/) {
  if (verdict wrong = pooling(*x, *y, size, stride, padding, nullptr)) return wrong;
  if (!is_contiguous(*y)) return "a contiguous result";
  return nullptr;
}

verdict avg_pool_backward(const nr_tensor* dy, nr_tensor* dx, nr_ints size, nr_ints stride, nr_ints padding,
                          bool /*count_include_pad*/) {
  if (verdict wrong = pooling(*dx, *dy, size, stride, padding, nullptr)) return wrong;
  if (!is_contiguous(*dx)) return "a contiguous result";
  return nullptr;
}

}  // namespace neurite::contract
