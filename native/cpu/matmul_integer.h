// Products of int32 and int64 matrices, wrapping on overflow: rows of a block of b (copied when not contiguous along n)
// are scaled and added into rows of y, a loop the compiler vectorises. Blocked, but without register tiles.
#pragma once
#include "cpu/matmul_plan.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
inline void add_scaled(const T* __restrict x, T scale, T* __restrict y, int64_t n) {
  for (int64_t j = 0; j < n; j++) y[j] += scale * x[j];
}

template <class T>
void integer_matmul(nr_context* ctx, const matmul_plan& p, const T* a, const T* b, const T* bias, T* y) {
  using U = std::make_unsigned_t<T>;  // wraps instead of overflowing
  constexpr int64_t rows = 32, columns = 256, depth = 64;
  const int64_t count_m = ceil_div(p.M, rows), count_n = ceil_div(p.N, columns);
  U* buffers = scratch<U>(ctx, ctx->threads * columns * depth);
  if (!buffers) return;
  parallel_tasks(ctx, p.batches * count_m * count_n, [&](int64_t task, int32_t thread) {
    const int64_t batch = task / (count_m * count_n), block = task % (count_m * count_n);
    const int64_t m0 = block / count_n * rows, m1 = smaller(m0 + rows, p.M);
    const int64_t n0 = block % count_n * columns, width = smaller(columns, p.N - n0);
    const U* a_at = reinterpret_cast<const U*>(a) + p.a[batch];
    const U* b_at = reinterpret_cast<const U*>(b) + p.b[batch] + n0 * p.b_stride_n;
    U* y_at = reinterpret_cast<U*>(y) + batch * p.M * p.N + n0;
    U* copy = buffers + thread * columns * depth;
    for (int64_t m = m0; m < m1; m++)
      for (int64_t j = 0; j < width; j++) y_at[m * p.N + j] = bias ? static_cast<U>(bias[n0 + j]) : U(0);
    for (int64_t k0 = 0; k0 < p.K; k0 += depth) {
      const int64_t k1 = smaller(k0 + depth, p.K);
      const bool contiguous = p.b_stride_n == 1;
      for (int64_t k = k0; !contiguous && k < k1; k++)
        for (int64_t j = 0; j < width; j++) copy[(k - k0) * columns + j] = b_at[k * p.b_stride_k + j * p.b_stride_n];
      for (int64_t m = m0; m < m1; m++) {
        for (int64_t k = k0; k < k1; k++) {
          const U* row = contiguous ? b_at + k * p.b_stride_k : copy + (k - k0) * columns;
          add_scaled<U>(row, a_at[m * p.a_stride_m + k * p.a_stride_k], y_at + m * p.N, width);
        }
      }
    }
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
