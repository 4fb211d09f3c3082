// Layer norm of the rows of x [R, D]: y = (x - mean) rstd w + b, with the variance taken around the mean in a second
// pass while the row is in cache. The gradients of w and b are sums over rows: each block of rows sums into its own
// [2, D] partials, which are added in a fixed order afterwards.
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/row.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t task_elements = 16384;

template <class T, class C>
void normalise_row(const T* x, const C* w, const C* b, T* y, C& mean_out, C& rstd_out, int64_t n, double eps) {
  using V = vector_t<T>;
  const double mean = sum_row<V>(n, [&](int64_t i, auto lanes) { return load<V>(x + i, lanes); }) / n;
  const V m(static_cast<C>(mean));
  const double variance = sum_row<V>(n,
                                     [&](int64_t i, auto lanes) {
                                       const V d = load<V>(x + i, lanes) - m;
                                       return fill_tail(d * d, V(0), lanes);
                                     }) /
                          n;
  const double rstd = 1 / __builtin_sqrt(variance + eps);
  mean_out = static_cast<C>(mean);
  rstd_out = static_cast<C>(rstd);
  const V r(rstd_out);
  each_vector<V>(n, [&](int64_t i, auto lanes) {
    const V normal = (load<V>(x + i, lanes) - m) * r;
    store(y + i, fma(normal, load<V>(w + i, lanes), load<V>(b + i, lanes)), lanes);
  });
}

// dx = rstd (g - mean(g) - z mean(g z)) with g = dy w and z the normalised row; dw += dy z, db += dy.
template <class T, class C>
void backward_row(const T* dy, const T* x, const C* w, C mean, C rstd, T* dx, C* dw, C* db, int64_t n) {
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
    store(dx + i, r * (d * load<V>(w + i, lanes) - mean_g - z * mean_gz), lanes);
    store(dw + i, fma(d, z, load<V>(dw + i, lanes)), lanes);
    store(db + i, load<V>(db + i, lanes) + d, lanes);
  });
}

// sum[j] = partial[j] + partial[j + step] + … over `blocks` partials, in double.
template <class C>
void add_partials(nr_context* ctx, const C* partial, int64_t blocks, int64_t step, int64_t n, C* sum) {
  constexpr int64_t columns = 256;
  parallel_range(ctx, n, columns, [&](int64_t begin, int64_t end) {
    double total[columns] = {};
    for (int64_t k = 0; k < blocks; k++)
      for (int64_t j = begin; j < end; j++) total[j - begin] += partial[k * step + j];
    for (int64_t j = begin; j < end; j++) sum[j] = static_cast<C>(total[j - begin]);
  });
}

template <class C>
bool reduce_into(nr_context* ctx, nr_optional& out, const C* partial, int64_t blocks, int64_t step, int64_t n) {
  if (!out.present) return true;
  Target<C> target(ctx, out.tensor);
  if (!target.data()) return false;
  add_partials(ctx, partial, blocks, step, n, target.data());
  target.finish();
  return true;
}

}  // namespace

void layer_norm(nr_context* ctx, const nr_tensor* x_tensor, const nr_optional* w_tensor, const nr_optional* b_tensor,
                nr_tensor* y_tensor, nr_tensor* mean_tensor, nr_tensor* rstd_tensor, double eps) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t n = x_tensor->shape[1];
    const T* x = elements<T>(ctx, *x_tensor);
    const C* w = elements_or<C>(ctx, *w_tensor, n, 1);
    const C* b = elements_or<C>(ctx, *b_tensor, n, 0);
    if (!x || !w || !b) return;
    T* y = static_cast<T*>(y_tensor->data);
    C* mean = static_cast<C*>(mean_tensor->data);
    C* rstd = static_cast<C*>(rstd_tensor->data);
    parallel_range(ctx, x_tensor->shape[0], task_elements / (n + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) normalise_row(x + r * n, w, b, y + r * n, mean[r], rstd[r], n, eps);
    });
  });
}

void layer_norm_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_tensor* x_tensor,
                         const nr_optional* w_tensor, const nr_tensor* mean_tensor, const nr_tensor* rstd_tensor,
                         nr_tensor* dx_tensor, nr_optional* dw, nr_optional* db) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const int64_t rows = x_tensor->shape[0], n = x_tensor->shape[1];
    // Few enough rows for float partials to be precise, enough for the partials to cost little.
    const int64_t wanted = 65536 / (n + 1), block = wanted < 16 ? 16 : wanted > 128 ? 128 : wanted;
    const int64_t blocks = (rows + block - 1) / block;
    const T* dy = elements<T>(ctx, *dy_tensor);
    const T* x = elements<T>(ctx, *x_tensor);
    const C* w = elements_or<C>(ctx, *w_tensor, n, 1);
    const C* mean = elements<C>(ctx, *mean_tensor);
    const C* rstd = elements<C>(ctx, *rstd_tensor);
    C* partials = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(blocks * 2 * n + 1) * sizeof(C)));
    if (!dy || !x || !w || !mean || !rstd || !partials) return;
    T* dx = static_cast<T*>(dx_tensor->data);
    parallel_tasks(ctx, blocks, [&](int64_t k, int32_t) {
      C* partial = partials + k * 2 * n;
      for (int64_t j = 0; j < 2 * n; j++) partial[j] = 0;
      for (int64_t r = k * block; r < (k + 1) * block && r < rows; r++)
        backward_row(dy + r * n, x + r * n, w, mean[r], rstd[r], dx + r * n, partial, partial + n, n);
    });
    if (reduce_into(ctx, *dw, partials, blocks, 2 * n, n)) reduce_into(ctx, *db, partials + n, blocks, 2 * n, n);
  });
}

}  // namespace neurite::NR_ISA
