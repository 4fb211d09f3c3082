// Products with few rows (1 to 4): every element of b is used so rarely that packing it would cost more than the
// arithmetic, so b is streamed once where it lies. Rows of b contiguous along n are added, four at a time, into a strip
// of y that stays in cache; rows contiguous along k are multiplied as dot products, several at a time.
#pragma once
#include "cpu/epilogue.h"
#include "cpu/matmul_plan.h"
#include "cpu/pack.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t thin_rows = 4, thin_columns = 1024;

// The part of a thin product that one task computes: y[rows × columns] = a · b + bias, with a contiguous along k.
template <class T, class In>
struct thin_strip {
  const T* a;
  int64_t a_stride;
  const In* b;
  int64_t b_stride;  // between consecutive k (streamed) or n (dots); the other stride is 1
  T* y;
  int64_t y_stride;
  int64_t columns, depth;
};

template <int rows, class T, class In>
void add_streamed_rows(const thin_strip<T, In>& s) {
  using V = vector_t<T>;
  constexpr int together = 4;
  const auto add = [&](int64_t k, auto steps) NR_INLINE {
    V x[rows][steps];
    unroll<rows>([&](auto m)
                     NR_INLINE { unroll<steps>([&](auto i) NR_INLINE { x[m][i] = V(s.a[m * s.a_stride + k + i]); }); });
    for (int64_t n = 0; n < s.columns; n += V::width) {
      const int64_t lanes = s.columns - n;
      V row[steps];
      unroll<steps>([&](auto i) NR_INLINE {
        const In* from = s.b + (k + i) * s.b_stride + n;
        row[i] = lanes >= V::width ? load<V>(from) : load<V>(from, lanes);
      });
      unroll<rows>([&](auto m) NR_INLINE {
        T* at = s.y + m * s.y_stride + n;
        V sum = lanes >= V::width ? load<V>(at) : load<V>(at, lanes);
        unroll<steps>([&](auto i) NR_INLINE { sum = fma(x[m][i], row[i], sum); });
        if (lanes >= V::width) {
          store(at, sum);
        } else {
          store(at, sum, lanes);
        }
      });
    }
  };
  int64_t k = 0;
  for (; k + together <= s.depth; k += together) add(k, std::integral_constant<int, together>{});
  for (; k < s.depth; k++) add(k, std::integral_constant<int, 1>{});
}

template <int rows, int together, class T, class In>
inline void add_dots_at(const thin_strip<T, In>& s, int64_t n) {
  using V = vector_t<T>;
  V sum[rows][together];
  unroll<rows>([&](auto m) NR_INLINE { unroll<together>([&](auto j) NR_INLINE { sum[m][j] = V(T(0)); }); });
  const auto step = [&](int64_t k, auto read) NR_INLINE {
    V row[together];
    unroll<together>([&](auto j) NR_INLINE { row[j] = read(s.b + (n + j) * s.b_stride + k); });
    unroll<rows>([&](auto m) NR_INLINE {
      const V x = read(s.a + m * s.a_stride + k);
      unroll<together>([&](auto j) NR_INLINE { sum[m][j] = fma(x, row[j], sum[m][j]); });
    });
  };
  int64_t k = 0;
  for (; k + V::width <= s.depth; k += V::width) step(k, [](const auto* p) NR_INLINE { return load<V>(p); });
  if (k < s.depth) step(k, [&](const auto* p) NR_INLINE { return load<V>(p, s.depth - k); });
  unroll<rows>([&](auto m) NR_INLINE {
    unroll<together>([&](auto j) NR_INLINE { s.y[m * s.y_stride + n + j] += hsum(sum[m][j]); });
  });
}

template <int rows, class T, class In>
void add_dots(const thin_strip<T, In>& s) {
  constexpr int together = rows == 1 ? 8 : 4;
  int64_t n = 0;
  for (; n + together <= s.columns; n += together) add_dots_at<rows, together>(s, n);
  for (; n < s.columns; n++) add_dots_at<rows, 1>(s, n);
}

template <class T, class In>
inline void add_thin_strip(const thin_strip<T, In>& s, int64_t rows, bool streamed) {
  using strip_kernel = void (*)(const thin_strip<T, In>&);
  static constexpr strip_kernel by_stream[] = {add_streamed_rows<1, T, In>, add_streamed_rows<2, T, In>,
                                               add_streamed_rows<3, T, In>, add_streamed_rows<4, T, In>};
  static constexpr strip_kernel by_dot[] = {add_dots<1, T, In>, add_dots<2, T, In>, add_dots<3, T, In>,
                                            add_dots<4, T, In>};
  (streamed ? by_stream : by_dot)[rows - 1](s);
}

inline bool is_thin(const matmul_plan& p) {
  return p.M <= thin_rows && (p.b_stride_n == 1 || p.b_stride_k == 1);
}

// bias_stride: 1, or 0 when the same number is added to every column.
template <class T, class In>
void thin_matmul(nr_context* ctx, const matmul_plan& p, const In* a, const In* b, const T* bias, int64_t bias_stride,
                 In* y, const epilogue<T, In>& ending) {
  if (p.batches == 0 || p.M == 0 || p.N == 0) return;
  constexpr bool is_direct = std::is_same_v<T, In>;
  const bool copies_a = !is_direct || p.a_stride_k != 1;
  const bool streamed = p.b_stride_n == 1;
  // Dots read whole rows of b: a strip holds as many of them as make a task worth its start.
  const int64_t dots = larger(8, round_up(thin_columns * 64 / larger(p.K, 1), 8));
  const int64_t columns = smaller(streamed ? thin_columns : dots, p.N), strips = ceil_div(p.N, columns);
  const int64_t a_size = copies_a ? round_up(p.M * p.K, 16) : 0, y_size = is_direct ? 0 : round_up(p.M * columns, 16);
  T* buffers = scratch<T>(ctx, ctx->threads * (a_size + y_size));
  if (!buffers) return;
  parallel_tasks(ctx, p.batches * strips, [&](int64_t task, int32_t thread) {
    const int64_t batch = task / strips, n = task % strips * columns, width = smaller(columns, p.N - n);
    T* a_copy = buffers + thread * (a_size + y_size);
    const In* a_at = a + p.a[batch];
    const In* b_at = b + p.b[batch] + n * p.b_stride_n;
    const int64_t to = batch * p.M * p.N + n;
    thin_strip<T, In> s = {a_copy,          p.K,     b_at,  streamed ? p.b_stride_k : p.b_stride_n,
                           a_copy + a_size, columns, width, p.K};
    if (copies_a) {
      for (int64_t m = 0; m < p.M; m++)
        for (int64_t k = 0; k < p.K; k++) a_copy[m * p.K + k] = convert<T>(a_at[m * p.a_stride_m + k * p.a_stride_k]);
    }
    if constexpr (is_direct) {
      if (!copies_a) s.a = a_at, s.a_stride = p.a_stride_m;
      s.y = y + to, s.y_stride = p.N;
    }
    for (int64_t m = 0; m < p.M; m++)
      for (int64_t j = 0; j < width; j++) s.y[m * s.y_stride + j] = bias ? bias[(n + j) * bias_stride] : T(0);
    add_thin_strip(s, p.M, streamed);
    if (!is_direct || !ending.is_empty()) ending.finish(s.y, s.y_stride, y, to, p.N, p.M, width);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
