// Cross-entropy: x [N, C], target [N] int64, weight [C]; the target's values are checked by the kernel. lse is held in
// the accumulation dtype (float64 for float64, else float32); loss and total_weight in that or in x's dtype.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

bool is_vector(const nr_tensor& t, int64_t n) {
  return t.ndim == 1 && t.shape[0] == n;
}

bool holds_result(const nr_tensor& t, const nr_tensor& x) {
  return (t.dtype == x.dtype || t.dtype == accumulation_dtype(x.dtype)) && is_contiguous(t);
}

verdict operands(const nr_tensor& x, const nr_tensor& target, const nr_optional& weight) {
  if (x.ndim != 2 || !is_float(x)) return "floating logits [N, C]";
  if (!is_vector(target, x.shape[0]) || target.dtype != nr_dtype_i64) return "target [N] of dtype int64";
  if (weight.present && (!is_vector(weight.tensor, x.shape[1]) || !is_float(weight.tensor)))
    return "a floating weight [C]";
  return nullptr;
}

}  // namespace

verdict cross_entropy(const nr_tensor* x, const nr_tensor* target, const nr_optional* weight, nr_tensor* loss,
                      nr_tensor* total_weight, nr_tensor* lse, int64_t, double) {
  if (verdict v = operands(*x, *target, *weight)) return v;
  const int64_t rows = x->shape[0];
  if (!is_vector(*loss, rows) || !holds_result(*loss, *x)) return "a contiguous loss [N]";
  if (total_weight->ndim != 0 || !holds_result(*total_weight, *x)) return "a 0-d total_weight";
  if (!is_vector(*lse, rows) || lse->dtype != accumulation_dtype(x->dtype) || !is_contiguous(*lse))
    return "a contiguous lse [N] of the accumulation dtype";
  return nullptr;
}

verdict cross_entropy_backward(const nr_tensor* dloss, const nr_tensor* x, const nr_tensor* target,
                               const nr_optional* weight, const nr_tensor* lse, nr_tensor* dx, int64_t, double) {
  if (verdict v = operands(*x, *target, *weight)) return v;
  const int64_t rows = x->shape[0];
  if (!is_vector(*dloss, rows) || !is_float(*dloss)) return "a floating dloss [N]";
  if (!is_vector(*lse, rows) || lse->dtype != accumulation_dtype(x->dtype)) return "lse [N] of the accumulation dtype";
  if (dx->dtype != x->dtype || !same_shape(*dx, *x) || !is_contiguous(*dx))
    return "a contiguous dx of x's shape and dtype";
  return nullptr;
}

}  // namespace neurite::contract
