// Softmax and its kin: x of any layout, a new contiguous result of the same shape and dtype, one dim in range.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

verdict along_dim(const nr_tensor& x, const nr_tensor& y, int64_t dim) {
  if (!is_float(x)) return "a floating dtype";
  if (x.dtype != y.dtype) return "tensors of one dtype";
  if (!same_shape(x, y)) return "tensors of one shape";
  if (!is_contiguous(y)) return "a contiguous result";
  if (dim < 0 || dim >= (x.ndim > 0 ? x.ndim : 1)) return "dim in [0, ndim)";
  return nullptr;
}

verdict backward_along_dim(const nr_tensor& dy, const nr_tensor& y, const nr_tensor& dx, int64_t dim) {
  if (dy.dtype != y.dtype) return "dy and y of one dtype";
  if (!same_shape(dy, y)) return "dy and y of one shape";
  return along_dim(y, dx, dim);
}

}  // namespace

verdict softmax(const nr_tensor* x, nr_tensor* y, int64_t dim) {
  return along_dim(*x, *y, dim);
}

verdict log_softmax(const nr_tensor* x, nr_tensor* y, int64_t dim) {
  return along_dim(*x, *y, dim);
}

verdict softmax_backward(const nr_tensor* dy, const nr_tensor* y, nr_tensor* dx, int64_t dim) {
  return backward_along_dim(*dy, *y, *dx, dim);
}

verdict log_softmax_backward(const nr_tensor* dy, const nr_tensor* y, nr_tensor* dx, int64_t dim) {
  return backward_along_dim(*dy, *y, *dx, dim);
}

}  // namespace neurite::contract
