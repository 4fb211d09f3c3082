// RMS norm of the rows of x [R, D] (Zhang & Sennrich 2019): y = x rstd w with rstd = 1 / sqrt(mean(x^2) + eps). A
// residual is added to x first (residual.h). The gradient of w is a sum over rows (row_partials.h).
#include "cpu/residual.h"
#include "cpu/row_partials.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t task_elements = 16384;

template <class Streamed, class Row, class T, class C>
void normalise_row(Streamed streamed, const Row& x, const C* w, T* y, C& rstd_out, int64_t n, double eps) {
  using V = vector_t<T>;
  const double square = sum_row<V>(n,
                                   [&](int64_t i, auto lanes) {
                                     const V v = x.load_at(i, lanes);
                                     return v * v;
                                   }) /
                        n;
  rstd_out = static_cast<C>(1 / __builtin_sqrt(square + eps));
  const V r(rstd_out);
  each_vector<V>(n, [&](int64_t i, auto lanes) {
    const V v = x.load_at(i, lanes);
    x.keep(streamed, i, v, lanes);
    put(streamed, y + i, v * r * load<V>(w + i, lanes), lanes);
  });
}

// dx = rstd (g - z mean(g z)) + dsum with g = dy w and z the normalised row; dw += dy z.
template <class Streamed, class Addend, class T, class C>
void backward_row(Streamed streamed, const T* dy, const Addend& dsum, const T* x, const C* w, C rstd, T* dx, C* dw,
                  int64_t n) {
  using V = vector_t<T>;
  const V r(rstd);
  const double gz = sum_row<V>(n, [&](int64_t i, auto lanes) {
    return load<V>(dy + i, lanes) * load<V>(w + i, lanes) * (load<V>(x + i, lanes) * r);
  });
  const V mean_gz(static_cast<C>(gz / n));
  each_vector<V>(n, [&](int64_t i, auto lanes) {
    const V d = load<V>(dy + i, lanes), z = load<V>(x + i, lanes) * r;
    put(streamed, dx + i, dsum.add_to(r * (d * load<V>(w + i, lanes) - z * mean_gz), i, lanes), lanes);
    store(dw + i, fma(d, z, load<V>(dw + i, lanes)), lanes);
  });
}

}  // namespace

void rms_norm(nr_context* ctx, const nr_tensor* x_tensor, const nr_optional* residual, const nr_optional* w_tensor,
              nr_tensor* y_tensor, nr_optional* sum, nr_tensor* rstd_tensor, double eps) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t n = x_tensor->shape[1];
    const C* w = elements_or<C>(ctx, *w_tensor, n, 1);
    if (!w) return;
    T* y = static_cast<T*>(y_tensor->data);
    C* rstd = static_cast<C*>(rstd_tensor->data);
    const int64_t rows = x_tensor->shape[0];
    with_input_rows(ctx, *x_tensor, *residual, *sum, y, [&](const auto& x, auto streamed) {
      parallel_range(ctx, rows, task_elements / (n + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) normalise_row(streamed, x.at(r * n), w, y + r * n, rstd[r], n, eps);
        stream_end();
      });
    });
  });
}

void rms_norm_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_optional* dsum, const nr_tensor* x_tensor,
                       const nr_optional* w_tensor, const nr_tensor* rstd_tensor, nr_tensor* dx_tensor,
                       nr_optional* dw) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t rows = x_tensor->shape[0], n = x_tensor->shape[1];
    const RowPartials<C, 1> partials(ctx, rows, n);
    const T* dy = elements<T>(ctx, *dy_tensor);
    const T* x = elements<T>(ctx, *x_tensor);
    const C* w = elements_or<C>(ctx, *w_tensor, n, 1);
    const C* rstd = elements<C>(ctx, *rstd_tensor);
    if (!dy || !x || !w || !rstd || !partials) return;
    T* dx = static_cast<T*>(dx_tensor->data);
    with_addend<T>(ctx, *dsum, [&](const auto& addend) {
      with_streaming(dx, rows, n, [&](auto streamed) {
        partials.run(ctx, [&](int64_t r, C* dw_sum) {
          backward_row(streamed, dy + r * n, addend.at(r * n), x + r * n, w, rstd[r], dx + r * n, dw_sum, n);
        });
      });
    });
    partials.reduce(ctx, 0, *dw);
  });
}

}  // namespace neurite::NR_ISA
