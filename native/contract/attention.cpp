// Attention: q [B, Hq, T, D], k [B, Hkv, S, D], v [B, Hkv, S, Dv] of any strides, Hq a multiple of Hkv; a mask of q's
// shape of scores, broadcast by strides; contiguous results with the heads inside. The values of lengths are checked by
// the kernel.
#include <cmath>

#include "contract/contract.h"

namespace neurite::contract {
namespace {

struct sizes {
  int64_t B, Hq, Hkv, T, S, D, Dv;
};

bool has_shape(const nr_tensor& t, int64_t a, int64_t b, int64_t c, int64_t d) {
  return t.ndim == 4 && t.shape[0] == a && t.shape[1] == b && t.shape[2] == c && t.shape[3] == d;
}

bool is_result(const nr_tensor& t, int32_t dtype, int64_t a, int64_t b, int64_t c, int64_t d) {
  return t.dtype == dtype && has_shape(t, a, b, c, d) && is_contiguous(t);
}

bool is_lse(const nr_tensor& t, const nr_tensor& q) {
  return t.dtype == accumulation_dtype(q.dtype) && t.ndim == 3 && t.shape[0] == q.shape[0] &&
         t.shape[1] == q.shape[1] && t.shape[2] == q.shape[2] && is_contiguous(t);
}

verdict operands(const nr_tensor& q, const nr_tensor& k, const nr_tensor& v, const nr_optional& mask,
                 const nr_optional& lengths, double scale, double p, sizes& n) {
  if (!is_float(q) || k.dtype != q.dtype || v.dtype != q.dtype) return "tensors of one floating dtype";
  if (q.ndim != 4 || k.ndim != 4 || v.ndim != 4) return "q [B, Hq, T, D], k [B, Hkv, S, D] and v [B, Hkv, S, Dv]";
  n = {q.shape[0], q.shape[1], k.shape[1], q.shape[2], k.shape[2], q.shape[3], v.shape[3]};
  if (!has_shape(k, n.B, n.Hkv, n.S, n.D) || !has_shape(v, n.B, n.Hkv, n.S, n.Dv))
    return "q [B, Hq, T, D], k [B, Hkv, S, D] and v [B, Hkv, S, Dv]";
  if (n.Hkv == 0 ? n.Hq != 0 : n.Hq % n.Hkv != 0) return "query heads that are a multiple of the key heads";
  if (mask.present) {
    if (mask.tensor.dtype != nr_dtype_bool8 && mask.tensor.dtype != q.dtype) return "a mask of bool or q's dtype";
    if (!has_shape(mask.tensor, n.B, n.Hq, n.T, n.S)) return "a mask [B, Hq, T, S]";
  }
  if (lengths.present) {
    const nr_tensor& t = lengths.tensor;
    if (t.dtype != nr_dtype_i64 || t.ndim != 1 || t.shape[0] != n.B) return "lengths [B] of dtype int64";
  }
  if (std::isnan(scale)) return "a scale that is a number";
  if (!(p >= 0 && p <= 1)) return "p in [0, 1]";
  return nullptr;
}

}  // namespace

verdict attention(const nr_tensor* q, const nr_tensor* k, const nr_tensor* v, const nr_optional* mask,
                  const nr_optional* lengths, nr_tensor* y, nr_tensor* lse, double scale, int64_t, double p,
                  nr_philox) {
  sizes n;
  if (verdict bad = operands(*q, *k, *v, *mask, *lengths, scale, p, n)) return bad;
  if (!is_result(*y, q->dtype, n.B, n.T, n.Hq, n.Dv)) return "a contiguous y [B, T, Hq, Dv]";
  if (!is_lse(*lse, *q)) return "a contiguous lse [B, Hq, T] of the accumulation dtype";
  return nullptr;
}

verdict attention_backward(const nr_tensor* dy, const nr_tensor* q, const nr_tensor* k, const nr_tensor* v,
                           const nr_optional* mask, const nr_optional* lengths, const nr_tensor* y,
                           const nr_tensor* lse, nr_tensor* dq, nr_tensor* dk, nr_tensor* dv, double scale, int64_t,
                           double p, nr_philox) {
  sizes n;
  if (verdict bad = operands(*q, *k, *v, *mask, *lengths, scale, p, n)) return bad;
  if (dy->dtype != q->dtype || !has_shape(*dy, n.B, n.Hq, n.T, n.Dv)) return "dy [B, Hq, T, Dv] of q's dtype";
  if (y->dtype != q->dtype || !has_shape(*y, n.B, n.Hq, n.T, n.Dv)) return "y [B, Hq, T, Dv] of q's dtype";
  if (!is_lse(*lse, *q)) return "a contiguous lse [B, Hq, T] of the accumulation dtype";
  if (!is_result(*dq, q->dtype, n.B, n.T, n.Hq, n.D)) return "a contiguous dq [B, T, Hq, D]";
  if (!is_result(*dk, q->dtype, n.B, n.S, n.Hkv, n.D)) return "a contiguous dk [B, S, Hkv, D]";
  if (!is_result(*dv, q->dtype, n.B, n.S, n.Hkv, n.Dv)) return "a contiguous dv [B, S, Hkv, Dv]";
  return nullptr;
}

}  // namespace neurite::contract
