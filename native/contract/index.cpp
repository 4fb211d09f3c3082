// Movement by index. Shapes, dims and layouts are checked here, the indices themselves by the kernels. A target that
// shares memory with its index is refused: writing would change indices that were already checked.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

bool is_index(const nr_tensor& t) {
  return t.dtype == nr_dtype_i64 || t.dtype == nr_dtype_i32;
}

// True if a and b agree in every dim but `dim`, where b has n.
bool same_shape_but(const nr_tensor& a, const nr_tensor& b, int64_t dim, int64_t n) {
  if (a.ndim != b.ndim) return false;
  for (int d = 0; d < a.ndim; d++)
    if (b.shape[d] != (d == dim ? n : a.shape[d])) return false;
  return true;
}

// True if `inner` is nowhere longer than `outer`; in `but` (−1: none) it may be.
bool fits(const nr_tensor& inner, const nr_tensor& outer, int64_t but) {
  if (inner.ndim != outer.ndim) return false;
  for (int d = 0; d < inner.ndim; d++)
    if (d != but && inner.shape[d] > outer.shape[d]) return false;
  return true;
}

verdict indexed(const nr_tensor& t, const nr_tensor& index, int64_t dim) {
  if (dim < 0 || dim >= t.ndim) return "dim in [0, ndim)";
  if (!is_index(index)) return "an index of dtype int64 or int32";
  return nullptr;
}

verdict target(const nr_tensor& y, const nr_tensor& index) {
  if (!is_writable(y)) return "a target whose elements do not overlap";
  if (overlap(y, index)) return "a target that shares no memory with the index";
  return nullptr;
}

verdict scatter_into(const nr_tensor& y, const nr_tensor& index, int64_t dim) {
  if (verdict v = indexed(y, index, dim)) return v;
  if (!fits(index, y, dim)) return "an index no longer than the target in every other dim";
  return target(y, index);
}

bool is_summable(const nr_tensor& t) {
  return t.dtype != nr_dtype_bool8;
}

}  // namespace

verdict index_select(const nr_tensor* x, const nr_tensor* index, nr_tensor* y, int64_t dim) {
  if (verdict v = indexed(*x, *index, dim)) return v;
  if (index->ndim != 1) return "an index of one dim";
  if (x->dtype != y->dtype) return "tensors of one dtype";
  if (!same_shape_but(*x, *y, dim, index->shape[0])) return "y as x with index's length at dim";
  return target(*y, *index);
}

verdict index_add(nr_tensor* y, const nr_tensor* index, const nr_tensor* source, int64_t dim) {
  if (verdict v = indexed(*y, *index, dim)) return v;
  if (index->ndim != 1) return "an index of one dim";
  if (source->dtype != y->dtype || !is_summable(*y)) return "tensors of one dtype other than bool";
  if (!same_shape_but(*y, *source, dim, index->shape[0])) return "source as y with index's length at dim";
  return target(*y, *index);
}

verdict gather(const nr_tensor* x, const nr_tensor* index, nr_tensor* y, int64_t dim) {
  if (verdict v = indexed(*x, *index, dim)) return v;
  if (x->dtype != y->dtype) return "tensors of one dtype";
  if (!fits(*index, *x, dim)) return "an index no longer than x in every other dim";
  if (!same_shape(*index, *y)) return "y of index's shape";
  return target(*y, *index);
}

verdict scatter(nr_tensor* y, const nr_tensor* index, const nr_operand* source, int64_t dim) {
  if (source->tensor.dtype != y->dtype) return "tensors of one dtype";
  if (source->tensor.data != nullptr && !fits(*index, source->tensor, -1))
    return "an index no longer than the source in any dim";
  return scatter_into(*y, *index, dim);
}

verdict scatter_add(nr_tensor* y, const nr_tensor* index, const nr_tensor* source, int64_t dim) {
  if (source->dtype != y->dtype || !is_summable(*y)) return "tensors of one dtype other than bool";
  if (!fits(*index, *source, -1)) return "an index no longer than the source in any dim";
  return scatter_into(*y, *index, dim);
}

// y: index's shape and then one dim for the columns of w.
static bool is_embedded(const nr_tensor& w, const nr_tensor& index, const nr_tensor& y) {
  if (w.ndim != 2 || y.ndim != index.ndim + 1 || y.dtype != w.dtype) return false;
  for (int d = 0; d < index.ndim; d++)
    if (y.shape[d] != index.shape[d]) return false;
  return y.shape[index.ndim] == w.shape[1];
}

verdict embedding(const nr_tensor* w, const nr_tensor* index, nr_tensor* y) {
  if (!is_index(*index)) return "an index of dtype int64 or int32";
  if (!is_embedded(*w, *index, *y)) return "w [V, D] and y [..., D] of one dtype";
  return target(*y, *index);
}

verdict embedding_backward(const nr_tensor* dy, const nr_tensor* index, nr_tensor* dw, int64_t) {
  if (!is_index(*index)) return "an index of dtype int64 or int32";
  if (!is_float(*dw) || !is_embedded(*dw, *index, *dy)) return "dw [V, D] and dy [..., D] of one floating dtype";
  if (!is_contiguous(*dw)) return "a contiguous result";
  return target(*dw, *index);
}

}  // namespace neurite::contract
