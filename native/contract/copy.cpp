// Movement: copy, fill, arange, cat, triangle.
#include "contract/contract.h"

namespace neurite::contract {

verdict copy(const nr_tensor* x, nr_tensor* y) {
  if (!broadcasts_to(*x, *y)) return "a tensor that broadcasts to the output";
  if (!is_writable(*y)) return "an output without repeated elements";
  return nullptr;
}

verdict fill(nr_tensor* y, nr_scalar) {
  return is_writable(*y) ? nullptr : "an output without repeated elements";
}

verdict arange(nr_tensor* y, nr_scalar, nr_scalar) {
  if (y->ndim != 1) return "a 1-d output";
  if (y->dtype == nr_dtype_bool8) return "a numeric output";
  return is_writable(*y) ? nullptr : "an output without repeated elements";
}

verdict cat(const nr_tensors* xs, nr_tensor* y, int64_t dim) {
  if (dim < 0 || dim >= y->ndim) return "dim in [0, ndim)";
  if (!is_writable(*y)) return "an output without repeated elements";
  int64_t total = 0;
  for (int64_t i = 0; i < xs->count; i++) {
    const nr_tensor& x = xs->at[i];
    if (x.dtype != y->dtype || x.ndim != y->ndim) return "tensors of the output's dtype and number of dims";
    for (int d = 0; d < y->ndim; d++)
      if (d != dim && x.shape[d] != y->shape[d]) return "tensors of the output's shape outside dim";
    if (x.shape[dim] > y->shape[dim] - total) return "sizes along dim that add up to the output's";
    total += x.shape[dim];
  }
  return total == y->shape[dim] ? nullptr : "sizes along dim that add up to the output's";
}

verdict triangle(const nr_tensor* x, nr_tensor* y, int64_t diagonal, bool) {
  constexpr int64_t limit = int64_t{1} << 60;  // a row number can be added without overflow
  if (x->ndim < 2 || y->dtype != x->dtype || !same_shape(*x, *y) || !is_contiguous(*y))
    return "a matrix or a batch of them, and a contiguous output of its shape and dtype";
  if (diagonal < -limit || diagonal > limit) return "a diagonal near the matrix";
  return nullptr;
}

}  // namespace neurite::contract
