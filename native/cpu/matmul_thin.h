// Products with few rows (1 to 8): every element of b is used so rarely that packing it would cost more than the
// arithmetic, so b is streamed once where it lies, in runs as long as possible and four of them at a time. Rows of b
// contiguous along n are added, one of each quarter of K together, into a strip of sums that stays in cache; rows
// contiguous along k are multiplied as dot products, one of each quarter of a strip together.
#pragma once
#include "cpu/epilogue.h"
#include "cpu/matmul_plan.h"
#include "cpu/pack.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t thin_rows = 8;
inline constexpr int64_t thin_sums = 32768;  // of a strip

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

// Machines fetch such streams ahead by themselves; but with many rows of a, the next loads are too far away for them.
template <int rows, class T, class In>
void add_streamed_rows(const thin_strip<T, In>& s) {
  using V = vector_t<T>;
  constexpr int together = 4;
  const int64_t quarter = s.depth / together;
  const auto add = [&](int64_t k, auto steps) NR_INLINE {
    T x[steps * rows];
    unroll<steps>([&](auto i) NR_INLINE {
      unroll<rows>([&](auto m) NR_INLINE { x[i * rows + m] = s.a[m * s.a_stride + k + i * quarter]; });
    });
    const In* from = s.b + k * s.b_stride;
    for (int64_t n = 0; n < s.columns; n += V::width, from += V::width) {
      const int64_t lanes = s.columns - n;
      const T* scale = x;
      if constexpr (rows * steps > 16) asm("" : "+r"(scale) : : "memory");  // more than there are registers for
      V row[steps];
      unroll<steps>([&](auto i) NR_INLINE {
        const In* at = from + i * quarter * s.b_stride;
        row[i] = lanes >= V::width ? load<V>(at) : load<V>(at, lanes);
        if constexpr (rows > 2) __builtin_prefetch(at + 1024 / sizeof(In));
      });
      unroll<rows>([&](auto m) NR_INLINE {
        T* at = s.y + m * s.y_stride + n;
        V sum = lanes >= V::width ? load<V>(at) : load<V>(at, lanes);
        unroll<steps>([&](auto i) NR_INLINE { sum = fma(V(scale[i * rows + m]), row[i], sum); });
        if (lanes >= V::width) {
          store(at, sum);
        } else {
          store(at, sum, lanes);
        }
      });
    }
  };
  for (int64_t k = 0; k < quarter; k++) add(k, std::integral_constant<int, together>{});
  for (int64_t k = quarter * together; k < s.depth; k++) add(k, std::integral_constant<int, 1>{});
}

// Dot products with the rows n, n + apart, n + 2 · apart …
template <int rows, int together, class T, class In>
inline void add_dots_at(const thin_strip<T, In>& s, int64_t n, int64_t apart) {
  using V = vector_t<T>;
  V sum[rows][together];
  unroll<rows>([&](auto m) NR_INLINE { unroll<together>([&](auto j) NR_INLINE { sum[m][j] = V(T(0)); }); });
  const auto step = [&](int64_t k, auto read) NR_INLINE {
    V row[together];
    unroll<together>([&](auto j) NR_INLINE { row[j] = read(s.b + (n + j * apart) * s.b_stride + k); });
    unroll<rows>([&](auto m) NR_INLINE {
      const V x = read(s.a + m * s.a_stride + k);
      unroll<together>([&](auto j) NR_INLINE { sum[m][j] = fma(x, row[j], sum[m][j]); });
    });
  };
  int64_t k = 0;
  for (; k + V::width <= s.depth; k += V::width) step(k, [](const auto* p) NR_INLINE { return load<V>(p); });
  if (k < s.depth) step(k, [&](const auto* p) NR_INLINE { return load<V>(p, s.depth - k); });
  unroll<rows>([&](auto m) NR_INLINE {
    unroll<together>([&](auto j) NR_INLINE { s.y[m * s.y_stride + n + j * apart] += hsum(sum[m][j]); });
  });
}

template <int rows, class T, class In>
void add_dots(const thin_strip<T, In>& s) {
  constexpr int together = rows <= 4 ? 4 : 3;
  const int64_t share = s.columns / together;
  for (int64_t n = 0; n < share; n++) add_dots_at<rows, together>(s, n, share);
  for (int64_t n = share * together; n < s.columns; n++) add_dots_at<rows, 1>(s, n, 0);
}

template <class T, class In>
inline void add_thin_strip(const thin_strip<T, In>& s, int64_t rows, bool streamed) {
  using strip_kernel = void (*)(const thin_strip<T, In>&);
  static constexpr strip_kernel by_stream[] = {add_streamed_rows<1, T, In>, add_streamed_rows<2, T, In>,
                                               add_streamed_rows<3, T, In>, add_streamed_rows<4, T, In>,
                                               add_streamed_rows<5, T, In>, add_streamed_rows<6, T, In>,
                                               add_streamed_rows<7, T, In>, add_streamed_rows<8, T, In>};
  static constexpr strip_kernel by_dot[] = {add_dots<1, T, In>, add_dots<2, T, In>, add_dots<3, T, In>,
                                            add_dots<4, T, In>, add_dots<5, T, In>, add_dots<6, T, In>,
                                            add_dots<7, T, In>, add_dots<8, T, In>};
  (streamed ? by_stream : by_dot)[rows - 1](s);
}

// From a few rows on, register tiles win where b is in cache, from fewer where they need not pack it
// (matmul_in_place.h); and adding up the lanes of dot products takes a while.
template <class In>
inline bool is_thin(const matmul_plan& p) {
  constexpr int64_t in_no_cache = int64_t{16} << 20, long_dots = 64;
  if (p.M > thin_rows || (p.b_stride_n != 1 && p.b_stride_k != 1)) return false;
  if (p.M <= (p.b_stride_n == 1 && !is_half<In> ? 2 : 4)) return true;
  return p.b_stride_n == 1 ? p.K * p.N * int64_t{sizeof(In)} >= in_no_cache : p.K >= long_dots;
}

template <class T, class In>
void thin_matmul(nr_context* ctx, const matmul_plan& p, const In* a, const In* b, const T* bias, In* y,
                 const epilogue<T, In>& ending) {
  if (p.batches == 0 || p.M == 0 || p.N == 0) return;
  constexpr bool is_direct = std::is_same_v<T, In>;
  const bool copies_a = !is_direct || p.a_stride_k != 1;
  const bool streamed = p.b_stride_n == 1;
  // Dots read whole rows of b: a strip holds as many of them as make a task worth its start.
  const int64_t dots = larger(8, round_up((int64_t{1} << 16) / larger(p.K, 1), 8));
  const int64_t pieces = ceil_div(wanted_blocks(ctx), p.batches);
  const int64_t share = pieces == 1 ? p.N : larger(512, round_up(ceil_div(p.N, pieces), 64));
  const int64_t columns = smaller(streamed ? round_up(smaller(thin_sums / p.M, share), 16) : dots, p.N);
  const int64_t strips = ceil_div(p.N, columns);
  const int64_t a_size = copies_a ? round_up(p.M * p.K, 16) : 0;
  // A line more than the strip: rows of sums a power of two apart would share a set of the first-level cache.
  const int64_t y_stride = round_up(columns, 16) + 16, y_size = p.M * y_stride;
  T* a_copies = scratch<T>(ctx, p.batches * a_size + ctx->threads * y_size);
  if (!a_copies) return;
  T* sums = a_copies + p.batches * a_size;
  if (copies_a) {
    parallel_tasks(ctx, p.batches, [&](int64_t batch, int32_t) {
      T* to = a_copies + batch * a_size;
      const In* from = a + p.a[batch];
      for (int64_t m = 0; m < p.M; m++)
        for (int64_t k = 0; k < p.K; k++) to[m * p.K + k] = convert<T>(from[m * p.a_stride_m + k * p.a_stride_k]);
    });
  }
  parallel_tasks(ctx, p.batches * strips, [&](int64_t task, int32_t thread) {
    const int64_t batch = task / strips, n = task % strips * columns, width = smaller(columns, p.N - n);
    const In* b_at = b + p.b[batch] + n * p.b_stride_n;
    const int64_t to = batch * p.M * p.N + n;
    thin_strip<T, In> s = {a_copies + batch * a_size, p.K,      b_at,  streamed ? p.b_stride_k : p.b_stride_n,
                           sums + thread * y_size,    y_stride, width, p.K};
    if constexpr (is_direct) {
      if (!copies_a) s.a = a + p.a[batch], s.a_stride = p.a_stride_m;
    }
    for (int64_t m = 0; m < p.M; m++)
      for (int64_t j = 0; j < width; j++) s.y[m * s.y_stride + j] = bias ? bias[n + j] : T(0);
    add_thin_strip(s, p.M, streamed);
    ending.finish(s.y, s.y_stride, y, to, p.N, p.M, width);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
