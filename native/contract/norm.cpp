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

}  // namespace

verdict layer_norm(const nr_tensor* x, const nr_optional* w, const nr_optional* b, nr_tensor* y, nr_tensor* mean,
                   nr_tensor* rstd, double) {
  if (x->ndim != 2 || !is_float(*x)) return "a floating x [R, D]";
  return forward(*x, *w, *b, *y, *mean, *rstd, x->shape[0], x->shape[1]);
}

verdict layer_norm_backward(const nr_tensor* dy, const nr_tensor* x, const nr_optional* w, const nr_tensor* mean,
                            const nr_tensor* rstd, nr_tensor* dx, nr_optional* dw, nr_optional* db) {
  if (x->ndim != 2 || !is_float(*x)) return "a floating x [R, D]";
  return backward(*dy, *x, *w, *mean, *rstd, *dx, *dw, *db, x->shape[0], x->shape[1]);
}

// RMS norm is layer norm without a mean and a bias: the other arguments stand in for them.
verdict rms_norm(const nr_tensor* x, const nr_optional* w, nr_tensor* y, nr_tensor* rstd, double) {
  if (x->ndim != 2 || !is_float(*x)) return "a floating x [R, D]";
  return forward(*x, *w, *w, *y, *rstd, *rstd, x->shape[0], x->shape[1]);
}

verdict rms_norm_backward(const nr_tensor* dy, const nr_tensor* x, const nr_optional* w, const nr_tensor* rstd,
                          nr_tensor* dx, nr_optional* dw) {
  if (x->ndim != 2 || !is_float(*x)) return "a floating x [R, D]";
  return backward(*dy, *x, *w, *rstd, *rstd, *dx, *dw, *dw, x->shape[0], x->shape[1]);
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
