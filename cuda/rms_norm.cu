// RMS norm of the rows of x [R, D] (Zhang & Sennrich 2019): y = x rstd w with rstd = 1 / sqrt(mean(x^2) + eps)
// (row_norm.h).
#include "row_norm.h"
#include "row_norm_weights.h"
#include "table.h"

namespace neurite::cuda {

void rms_norm(nr_context* ctx, const nr_tensor* x_tensor, const nr_optional* residual_tensor,
              const nr_optional* w_tensor, nr_tensor* y_tensor, nr_optional* sum_tensor, nr_tensor* rstd, double eps) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const int64_t rows = x_tensor->shape[0], n = x_tensor->shape[1];
    const T *x = elements<T>(ctx, *x_tensor), *residual;
    const C* w;
    if (!x || !optional_elements(ctx, *residual_tensor, residual) || !optional_elements(ctx, *w_tensor, w)) return;
    T* y = static_cast<T*>(y_tensor->data);
    T* sum = residual ? static_cast<T*>(sum_tensor->tensor.data) : nullptr;
    const RowNorm<T, false> op{x, residual,           w, nullptr, y, sum, nullptr, static_cast<C*>(rstd->data),
                               n, static_cast<C>(eps)};
    run_rows<T>(ctx, op, rows, n, are_packed({x, residual, w, y, sum}));
  });
}

void rms_norm_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_optional* dsum_tensor,
                       const nr_tensor* x_tensor, const nr_optional* w_tensor, const nr_tensor* rstd_tensor,
                       nr_tensor* dx_tensor, nr_optional* dw) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const int64_t rows = x_tensor->shape[0], n = x_tensor->shape[1];
    const T *dy = elements<T>(ctx, *dy_tensor), *x = elements<T>(ctx, *x_tensor), *dsum;
    const C *rstd = elements<C>(ctx, *rstd_tensor), *w;
    if (!dy || !x || !rstd || !optional_elements(ctx, *dsum_tensor, dsum) || !optional_elements(ctx, *w_tensor, w))
      return;
    T* dx = static_cast<T*>(dx_tensor->data);
    const RowNormBackward<T, false> op{dy, x, dsum, w, nullptr, rstd, dx, n};
    run_rows<T>(ctx, op, rows, n, are_packed({dy, x, dsum, w, dx}));
    nr_optional none = {};
    weight_gradients<T, false>(ctx, dy, x, nullptr, rstd, rows, n, *dw, none);
  });
}

}  // namespace neurite::cuda
