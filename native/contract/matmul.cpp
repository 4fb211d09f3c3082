// Matrix product: a [..., M, K] and b [..., K, N] (last two dims exchanged under a transpose flag), leading dims
// broadcast, a new contiguous result, one dtype, an optional bias over the last dim, and for floating dtypes a residual
// and an activation.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

bool is_matrix_dtype(int32_t dtype) {
  return is_float(dtype) || dtype == nr_dtype_i32 || dtype == nr_dtype_i64;
}

// True if the batch dims of `from` broadcast to those of y.
bool batch_broadcasts(const nr_tensor& from, const nr_tensor& y) {
  for (int32_t d = 0; d < from.ndim - 2; d++) {
    const int64_t n = from.shape[d];
    if (n != 1 && n != y.shape[y.ndim - from.ndim + d]) return false;
  }
  return true;
}

// True if there is none, or one that fits the last dim of y.
bool is_bias(const nr_optional& bias, const nr_tensor& y) {
  if (!bias.present) return true;
  return bias.tensor.dtype == y.dtype && bias.tensor.ndim == 1 && bias.tensor.shape[0] == y.shape[y.ndim - 1];
}

bool is_packed(const nr_tensor& t, int64_t N, int64_t K) {
  const int64_t panels = N / 32 + (N % 32 != 0);
  return t.ndim == 3 && t.shape[0] == panels && t.shape[1] == K && t.shape[2] == 32 && is_contiguous(t);
}

}  // namespace

verdict matmul(const nr_tensor* a, const nr_tensor* b, const nr_optional* bias, const nr_optional* residual,
               nr_tensor* y, nr_optional* preactivation, bool transpose_a, bool transpose_b, int64_t activation) {
  if (!is_matrix_dtype(y->dtype)) return "a floating dtype, int32 or int64";
  if (a->dtype != y->dtype || b->dtype != y->dtype) return "tensors of one dtype";
  if (a->ndim < 2 || b->ndim < 2) return "tensors of at least 2 dims";
  if (y->ndim != (a->ndim > b->ndim ? a->ndim : b->ndim)) return "a result of as many dims as the larger operand";
  const int64_t M = a->shape[a->ndim - (transpose_a ? 1 : 2)], a_depth = a->shape[a->ndim - (transpose_a ? 2 : 1)];
  const int64_t N = b->shape[b->ndim - (transpose_b ? 2 : 1)], b_depth = b->shape[b->ndim - (transpose_b ? 1 : 2)];
  if (a_depth != b_depth) return "inner dims of equal size";
  if (y->shape[y->ndim - 2] != M || y->shape[y->ndim - 1] != N) return "a result of shape [..., M, N]";
  if (!batch_broadcasts(*a, *y) || !batch_broadcasts(*b, *y)) return "leading dims that broadcast to the result's";
  if (!is_contiguous(*y)) return "a contiguous result";
  if (!is_bias(*bias, *y)) return "a bias of the result's dtype and shape [N]";
  return epilogue(*residual, *y, *preactivation, activation);
}

verdict matmul_pack(const nr_tensor* w, nr_tensor* packed, bool transpose) {
  if (!is_float(*w)) return "a floating dtype";
  if (packed->dtype != w->dtype) return "tensors of one dtype";
  if (w->ndim != 2) return "a matrix";
  if (!is_packed(*packed, w->shape[transpose ? 0 : 1], w->shape[transpose ? 1 : 0]))
    return "a contiguous result of shape [N / 32 rounded up, K, 32]";
  return nullptr;
}

verdict matmul_packed(const nr_tensor* a, const nr_tensor* packed, const nr_optional* bias, const nr_optional* residual,
                      nr_tensor* y, int64_t activation) {
  if (!is_float(*y)) return "a floating dtype";
  if (a->dtype != y->dtype || packed->dtype != y->dtype) return "tensors of one dtype";
  if (a->ndim != 2 || y->ndim != 2 || a->shape[0] != y->shape[0]) return "a [M, K] and a result [M, N]";
  if (!is_packed(*packed, y->shape[1], a->shape[1])) return "weights that were packed as [N / 32 rounded up, K, 32]";
  if (!is_contiguous(*y)) return "a contiguous result";
  if (!is_bias(*bias, *y)) return "a bias of the result's dtype and shape [N]";
  return epilogue(*residual, *y, {}, activation);
}

}  // namespace neurite::contract
