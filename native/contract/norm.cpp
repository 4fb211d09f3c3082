// Normalisation. Statistics are held in the accumulation dtype (float64 for float64, else float32); weights, biases,
// their gradients and running statistics may have any floating dtype.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

bool is_vector(const nr_tensor& t, int64_t n) {
  return t.ndim == 1 && t.shape[0] == n;
}

bool is_input(const nr_optional& t, int64_t n) {
  return !t.present || (is_vector(t.tensor, n) && is_float(t.tensor));
}

bool is_output(const nr_optional& t, int64_t n) {
  return is_input(t, n) && (!t.present || is_writable(t.tensor));
}

bool is_statistic(const nr_tensor& t, const nr_tensor& x, int64_t n) {
  return is_vector(t, n) && t.dtype == accumulation_dtype(x.dtype);
}

// n: how many statistics there are; features: the length of w and b.
verdict forward(const nr_tensor& x, const nr_optional& w, const nr_optional& b, const nr_tensor& y,
                const nr_tensor& mean, const nr_tensor& rstd, int64_t n, int64_t features) {
  if (!is_input(w, features) || !is_input(b, features)) return "floating w and b, one number per feature";
  if (y.dtype != x.dtype || !same_shape(x, y) || !is_contiguous(y)) return "a contiguous y of x's shape and dtype";
  if (!is_statistic(mean, x, n) || !is_statistic(rstd, x, n) || !is_contiguous(mean) || !is_contiguous(rstd))
    return "contiguous mean and rstd of the accumulation dtype";
  return nullptr;
}

verdict backward(const nr_tensor& dy, const nr_tensor& x, const nr_optional& w, const nr_tensor& mean,
                 const nr_tensor& rstd, const nr_tensor& dx, const nr_optional& dw, const nr_optional& db, int64_t n,
                 int64_t features) {
  if (dy.dtype != x.dtype || !same_shape(dy, x)) return "dy of x's shape and dtype";
  if (!is_input(w, features)) return "a floating w, one number per feature";
  if (!is_statistic(mean, x, n) || !is_statistic(rstd, x, n)) return "mean and rstd of the accumulation dtype";
  if (dx.dtype != x.dtype || !same_shape(dx, x) || !is_contiguous(dx)) return "a contiguous dx of x's shape and dtype";
  if (!is_output(dw, features) || !is_output(db, features)) return "floating dw and db, one number per feature";
  return nullptr;
}

verdict forward_rows(const nr_tensor& x, const nr_optional& residual, const nr_optional& sum) {
  if (x.ndim != 2 || !is_float(x)) return "a floating x [R, D]";
  if (residual.present != sum.present) return "a residual and a sum, or neither";
  if (!residual.present) return nullptr;
  if (!is_like(residual.tensor, x)) return "a residual of x's shape and dtype";
  if (!is_like(sum.tensor, x) || !is_contiguous(sum.tensor)) return "a contiguous sum of x's shape and dtype";
  return nullptr;
}

verdict backward_rows(const nr_optional& dsum, const nr_tensor& x) {
  if (x.ndim != 2 || !is_float(x)) return "a floating x [R, D]";
  return dsum.present && !is_like(dsum.tensor, x) ? "dsum of x's shape and dtype" : nullptr;
}

}  // namespace

verdict layer_norm(const nr_tensor* x, const nr_optional* residual, const nr_optional* w, const nr_optional* b,
                   nr_tensor* y, nr_optional* sum, nr_tensor* mean, nr_tensor* rstd, double) {
  if (const verdict v = forward_rows(*x, *residual, *sum)) return v;
  return forward(*x, *w, *b, *y, *mean, *rstd, x->shape[0], x->shape[1]);
}

verdict layer_norm_backward(const nr_tensor* dy, const nr_optional* dsum, const nr_tensor* x, const nr_optional* w,
                            const nr_tensor* mean, const nr_tensor* rstd, nr_tensor* dx, nr_optional* dw,
                            nr_optional* db) {
  if (const verdict v = backward_rows(*dsum, *x)) return v;
  return backward(*dy, *x, *w, *mean, *rstd, *dx, *dw, *db, x->shape[0], x->shape[1]);
}

// RMS norm is layer norm without a mean and a bias: the other arguments stand in for them.
verdict rms_norm(const nr_tensor* x, const nr_optional* residual, const nr_optional* w, nr_tensor* y, nr_optional* sum,
                 nr_tensor* rstd, double) {
  if (const verdict v = forward_rows(*x, *residual, *sum)) return v;
  return forward(*x, *w, *w, *y, *rstd, *rstd, x->shape[0], x->shape[1]);
}

verdict rms_norm_backward(const nr_tensor* dy, const nr_optional* dsum, const nr_tensor* x, const nr_optional* w,
                          const nr_tensor* rstd, nr_tensor* dx, nr_optional* dw) {
  if (const verdict v = backward_rows(*dsum, *x)) return v;
  return backward(*dy, *x, *w, *rstd, *rstd, *dx, *dw, *dw, x->shape[0], x->shape[1]);
}

verdict channel_affine(const nr_tensor* x, const nr_tensor* scale, const nr_tensor* shift, nr_tensor* y) {
  if (x->ndim != 3 || !is_float(*x)) return "a floating x [B, C, S]";
  const int64_t channels = x->shape[1];
  if (!is_vector(*scale, channels) || !is_vector(*shift, channels) || !is_float(*scale) || !is_float(*shift))
    return "floating scale and shift, one number per channel";
  return is_like(*y, *x) && is_contiguous(*y) ? nullptr : "a contiguous y of x's shape and dtype";
}

verdict batch_norm(const nr_tensor* x, const nr_optional* w, const nr_optional* b, nr_optional* running_mean,
                   nr_optional* running_var, nr_tensor* y, nr_tensor* mean, nr_tensor* rstd, double, double) {
  if (x->ndim != 3 || !is_float(*x)) return "a floating x [B, C, S]";
  const int64_t channels = x->shape[1];
  if (!is_output(*running_mean, channels) || !is_output(*running_var, channels))
    return "floating running statistics, one number per channel";
  return forward(*x, *w, *b, *y, *mean, *rstd, channels, channels);
}

verdict batch_norm_backward(const nr_tensor* dy, const nr_tensor* x, const nr_optional* w, const nr_tensor* mean,
                            const nr_tensor* rstd, nr_tensor* dx, nr_optional* dw, nr_optional* db) {
  if (x->ndim != 3 || !is_float(*x)) return "a floating x [B, C, S]";
  const int64_t channels = x->shape[1];
  return backward(*dy, *x, *w, *mean, *rstd, *dx, *dw, *db, channels, channels);
}

}  // namespace neurite::contract
