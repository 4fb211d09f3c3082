// Layer norm of the rows of x [R, D] (row_norm.h).
#include "row_norm.h"
#include "row_norm_weights.h"
#include "table.h"

namespace neurite::cuda {

void layer_norm(nr_context* ctx, const nr_tensor* x_tensor, const nr_optional* residual_tensor,
                const nr_optional* w_tensor, const nr_optional* b_tensor, nr_tensor* y_tensor, nr_optional* sum_tensor,
                nr_tensor* mean, nr_tensor* rstd, double eps) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const int64_t rows = x_tensor->shape[0], n = x_tensor->shape[1];
    const T *x = elements<T>(ctx, *x_tensor), *residual;
    const C *w, *b;
    if (!x || !optional_elements(ctx, *residual_tensor, residual) || !optional_elements(ctx, *w_tensor, w) ||
        !optional_elements(ctx, *b_tensor, b))
      return;
    T* y = static_cast<T*>(y_tensor->data);
    T* sum = residual ? static_cast<T*>(sum_tensor->tensor.data) : nullptr;
    const RowNorm<T, true> op{
        x, residual, w, b, y, sum, static_cast<C*>(mean->data), static_cast<C*>(rstd->data), n, static_cast<C>(eps)};
    run_rows<T>(ctx, op, rows, n, are_packed({x, residual, w, b, y, sum}));
  });
}

void layer_norm_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_optional* dsum_tensor,
                         const nr_tensor* x_tensor, const nr_optional* w_tensor, const nr_tensor* mean_tensor,
                         const nr_tensor* rstd_tensor, nr_tensor* dx_tensor, nr_optional* dw, nr_optional* db) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const int64_t rows = x_tensor->shape[0], n = x_tensor->shape[1];
    const T *dy = elements<T>(ctx, *dy_tensor), *x = elements<T>(ctx, *x_tensor), *dsum;
    const C *mean = elements<C>(ctx, *mean_tensor), *rstd = elements<C>(ctx, *rstd_tensor), *w;
    if (!dy || !x || !mean || !rstd || !optional_elements(ctx, *dsum_tensor, dsum) ||
        !optional_elements(ctx, *w_tensor, w))
      return;
    T* dx = static_cast<T*>(dx_tensor->data);
    const RowNormBackward<T, true> op{dy, x, dsum, w, mean, rstd, dx, n};
    run_rows<T>(ctx, op, rows, n, are_packed({dy, x, dsum, w, dx}));
    weight_gradients<T, true>(ctx, dy, x, mean, rstd, rows, n, *dw, *db);
  });
}

}  // namespace neurite::cuda
