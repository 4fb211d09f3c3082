// Layer norm of the rows of x [R, D]: y = (x - mean) rstd w + b, with the variance taken around the mean in a second
// pass while the row is in cache. A residual is added to x first (residual.h). The gradients of w and b are sums over
// rows (row_partials.h).
#include "cpu/residual.h"
#include "cpu/row_partials.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t task_elements = 16384;

template <class Streamed, class Row, class T, class C>
void normalise_row(Streamed streamed, const Row& x, const C* w, const C* b, T* y, C& mean_out, C& rstd_out, int64_t n,
                   double eps) {
  using V = vector_t<T>;
  const double mean = sum_row<V>(n, [&](int64_t i, auto lanes) { return x.load_at(i, lanes); }) / n;
  const V m(static_cast<C>(mean));
  const double variance = sum_row<V>(n,
                                     [&](int64_t i, auto lanes) {
                                       const V d = x.load_at(i, lanes) - m;
                                       return fill_tail(d * d, V(0), lanes);
                                     }) /
                          n;
  const double rstd = 1 / __builtin_sqrt(variance + eps);
  mean_out = static_cast<C>(mean);
  rstd_out = static_cast<C>(rstd);
  const V r(rstd_out);
  each_vector<V>(n, [&](int64_t i, auto lanes) {
    const V v = x.load_at(i, lanes);
    x.keep(streamed, i, v, lanes);
    put(streamed, y + i, fma((v - m) * r, load<V>(w + i, lanes), load<V>(b + i, lanes)), lanes);
  });
}

// dx = rstd (g - mean(g) - z mean(g z)) + dsum with g = dy w and z the normalised row; dw += dy z, db += dy.
template <class Streamed, class Addend, class T, class C>
void backward_row(Streamed streamed, const T* dy, const Addend& dsum, const T* x, const C* w, C mean, C rstd, T* dx,
                  C* dw, C* db, int64_t n) {
  using V = vector_t<T>;
  const V m(mean), r(rstd);
  RowSum<V, 2> sum;
  sum.add(n, [&](int64_t i, auto lanes, V(&t)[2]) {
    t[0] = load<V>(dy + i, lanes) * load<V>(w + i, lanes);
    t[1] = fill_tail(t[0] * ((load<V>(x + i, lanes) - m) * r), V(0), lanes);
  });
  const V mean_g(static_cast<C>(sum.total(0) / n)), mean_gz(static_cast<C>(sum.total(1) / n));
  each_vector<V>(n, [&](int64_t i, auto lanes) {
    const V d = load<V>(dy + i, lanes), z = (load<V>(x + i, lanes) - m) * r;
    put(streamed, dx + i, dsum.add_to(r * (d * load<V>(w + i, lanes) - mean_g - z * mean_gz), i, lanes), lanes);
    store(dw + i, fma(d, z, load<V>(dw + i, lanes)), lanes);
    store(db + i, load<V>(db + i, lanes) + d, lanes);
  });
}

}  // namespace

void layer_norm(nr_context* ctx, const nr_tensor* x_tensor, const nr_optional* residual, const nr_optional* w_tensor,
                const nr_optional* b_tensor, nr_tensor* y_tensor, nr_optional* sum, nr_tensor* mean_tensor,
                nr_tensor* rstd_tensor, double eps) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t n = x_tensor->shape[1];
    const C* w = elements_or<C>(ctx, *w_tensor, n, 1);
    const C* b = elements_or<C>(ctx, *b_tensor, n, 0);
    if (!w || !b) return;
    T* y = static_cast<T*>(y_tensor->data);
    C* mean = static_cast<C*>(mean_tensor->data);
    C* rstd = static_cast<C*>(rstd_tensor->data);
    const int64_t rows = x_tensor->shape[0];
    with_input_rows(ctx, *x_tensor, *residual, *sum, y, [&](const auto& x, auto streamed) {
      parallel_range(ctx, rows, task_elements / (n + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++)
          normalise_row(streamed, x.at(r * n), w, b, y + r * n, mean[r], rstd[r], n, eps);
        stream_end();
      });
    });
  });
}

void layer_norm_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_optional* dsum,
                         const nr_tensor* x_tensor, const nr_optional* w_tensor, const nr_tensor* mean_tensor,
                         const nr_tensor* rstd_tensor, nr_tensor* dx_tensor, nr_optional* dw, nr_optional* db) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t rows = x_tensor->shape[0], n = x_tensor->shape[1];
    const RowPartials<C, 2> partials(ctx, rows, n);
    const T* dy = elements<T>(ctx, *dy_tensor);
    const T* x = elements<T>(ctx, *x_tensor);
    const C* w = elements_or<C>(ctx, *w_tensor, n, 1);
    const C* mean = elements<C>(ctx, *mean_tensor);
    const C* rstd = elements<C>(ctx, *rstd_tensor);
    if (!dy || !x || !w || !mean || !rstd || !partials) return;
    T* dx = static_cast<T*>(dx_tensor->data);
    with_addend<T>(ctx, *dsum, [&](const auto& addend) {
      with_streaming(dx, rows, n, [&](auto streamed) {
        partials.run(ctx, [&](int64_t r, C* dw_sum, C* db_sum) {
          const int64_t at = r * n;
          backward_row(streamed, dy + at, addend.at(at), x + at, w, mean[r], rstd[r], dx + at, dw_sum, db_sum, n);
        });
      });
    });
    if (partials.reduce(ctx, 0, *dw)) partials.reduce(ctx, 1, *db);
  });
}

}  // namespace neurite::NR_ISA
