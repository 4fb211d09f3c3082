// Order along one dim: x of any dtype and layout, new contiguous values of its dtype and positions in int64.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

// n: the size of the results along `dim`.
verdict order(const nr_tensor& x, const nr_tensor& values, const nr_tensor& index, int64_t dim, int64_t n) {
  if (dim < 0 || dim >= x.ndim) return "dim in [0, ndim)";
  if (x.shape[dim] > UINT32_MAX) return "fewer than 2^32 elements along dim";
  if (values.dtype != x.dtype || index.dtype != nr_dtype_i64) return "values of x's dtype and an index of int64";
  if (!same_shape(values, index) || values.ndim != x.ndim) return "values and an index of one shape";
  for (int d = 0; d < x.ndim; d++)
    if (values.shape[d] != (d == dim ? n : x.shape[d])) return "results of x's shape but for dim";
  if (!is_contiguous(values) || !is_contiguous(index)) return "contiguous results";
  return nullptr;
}

}  // namespace

verdict sort(const nr_tensor* x, nr_tensor* values, nr_tensor* index, int64_t dim, bool) {
  return order(*x, *values, *index, dim, dim >= 0 && dim < x->ndim ? x->shape[dim] : 0);
}

verdict topk(const nr_tensor* x, nr_tensor* values, nr_tensor* index, int64_t dim, bool) {
  if (dim < 0 || dim >= x->ndim || values->ndim != x->ndim) return "dim in [0, ndim) and values of as many dims as x";
  if (values->shape[dim] > x->shape[dim]) return "at most as many values as x has along dim";
  return order(*x, *values, *index, dim, values->shape[dim]);
}

}  // namespace neurite::contract
