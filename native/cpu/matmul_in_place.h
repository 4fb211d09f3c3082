// Products that read their operands where they lie: rows of b contiguous along n or along k, a in any layout. A task
// takes a block of C, panel of columns by panel of columns. What is copied: operands whose rows share so few sets of a
// cache that tiles would fetch them again and again (of b by the first tile, for those below it), the last columns,
// where they do not fill a vector, and panels of a b that is contiguous along k, which are turned.
#pragma once
#include "cpu/epilogue.h"
#include "cpu/gemm_strided.h"
#include "cpu/matmul_plan.h"
#include "cpu/pack.h"

namespace neurite::NR_ISA {
namespace {

// Whether `count` rows, `stride` elements apart, are more than a cache of so many bytes a way (and 8 ways) has lines
// for: rows a power of two apart share few of its sets.
template <class T>
inline bool is_crowded(int64_t stride, int64_t count, int64_t way) {
  const int64_t bytes = stride * int64_t{sizeof(T)}, spacing = bytes & -bytes;
  return spacing >= 64 && count * smaller(spacing, way) > 8 * way;
}
inline constexpr int64_t first_level_way = 4096, second_level_way = int64_t{1} << 17;

// Where a panel must stay while tiles use it: a tile of AVX-512 multiplies so long with a row that it may come from the
// second level.
#if defined(NR_ISA_avx512)
inline constexpr int64_t panel_way = second_level_way;
#else
inline constexpr int64_t panel_way = first_level_way;
#endif

template <class T>
inline bool is_left_crowded(const matmul_plan& p, int64_t depth) {
  return p.a_stride_k == 1 ? is_crowded<T>(p.a_stride_m, tile_rows, first_level_way)
                           : is_crowded<T>(p.a_stride_k, depth, panel_way);
}

// Large products reuse what they read so often that packing all of it pays, unless it can lie where it is.
template <class T, class In>
inline bool is_in_place(const matmul_plan& p) {
  if (!std::is_same_v<T, In>) return false;
  const int64_t depth = smaller(p.K, block_depth);
  if (p.b_stride_n != 1) return p.b_stride_k == 1 && !is_left_crowded<T>(p, depth);
  return p.M <= 2 * block_rows_f32 || !is_crowded<T>(p.b_stride_k, depth, panel_way);
}

// A panel that is turned serves more rows than fit the second-level cache, which a rereads from the third.
inline constexpr block_limits turning_blocks = {4 * block_rows_f32, block_columns_f32};

// Asks for rows that are about to be written.
template <class T>
inline void fetch_rows(const T* y, int64_t stride, int64_t rows, int64_t columns) {
  constexpr int64_t line = 64 / sizeof(T);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j += line) __builtin_prefetch(y + i * stride + j, 1);
}

template <class T>
struct in_place_product {
  static constexpr int64_t unit = tile_columns<T>;
  const matmul_plan& p;
  const gemm_blocks<T> cut;
  const T *a, *b, *row_bias, *column_bias;  // biases or NULL
  T* y;
  const epilogue<T, T>& ending;
  const bool packs_a = is_left_crowded<T>(p, cut.depth);
  const bool copies_b = p.b_stride_n == 1 && is_crowded<T>(p.b_stride_k, cut.depth, panel_way);
  const bool fetches_y = p.batches * p.M * p.N * int64_t{sizeof(T)} > int64_t{1} << 20;  // else it is in cache still

  int64_t copy_size() const { return round_up(unit * cut.depth, 16); }
  int64_t packed_size() const { return packs_a ? round_up(cut.rows * cut.depth, 16) : 0; }

  void multiply(int64_t batch, int64_t m, int64_t n, T* copy, T* packed) const {
    const int64_t rows = smaller(cut.rows, p.M - m), columns = smaller(cut.columns, p.N - n);
    for (int64_t step = 0; step < cut.count_k; step++) {
      const int64_t k = step * cut.depth, depth = smaller(cut.depth, p.K - k);
      const T* a_at = a + p.a[batch] + m * p.a_stride_m + k * p.a_stride_k;
      if (packs_a) {
        each_panel(rows, [&](int64_t i, int64_t height) {
          pack_panel(a_at + i * p.a_stride_m, p.a_stride_m, p.a_stride_k, height, depth, packed + i * depth, height);
        });
      }
      for (int64_t j = 0; j < columns; j += unit) {
        const int64_t width = smaller(unit, columns - j), to = (batch * p.M + m) * p.N + n + j;
        const T* b_at = b + p.b[batch] + p.b_column(n + j) + k * p.b_stride_k;
        strided_operands<T> from = {a_at, p.a_stride_m, p.a_stride_k, b_at, p.b_stride_k, copy};
        const auto take_copy = [&] { from.b = copy, from.b_stride = unit; };
        if (p.b_stride_n != 1 || (width % vector_t<T>::width != 0 && !p.is_packed())) {
          pack_panel(b_at, p.b_stride_n, p.b_stride_k, width, depth, copy, unit);
          take_copy();
        }
        bool copies = copies_b && rows > tile_rows && width == unit;
        each_panel(rows, [&](int64_t i, int64_t height) {
          from.a = packs_a ? packed + i * depth : a_at + i * p.a_stride_m;
          if (packs_a) from.a_row = 1, from.a_step = height;
          const int64_t at = to + i * p.N;
          const tile_target<T> tile = {y + at,
                                       p.N,
                                       width,
                                       step > 0,
                                       row_bias ? row_bias + p.row_bias[batch] + m + i : nullptr,
                                       column_bias ? column_bias + n + j : nullptr};
          if (fetches_y && step == 0) fetch_rows(y + at, p.N, height, width);
          choose_strided_tile_kernel<T>(height, width, copies)(from, depth, tile);
          if (step == cut.count_k - 1 && !ending.is_empty()) ending.finish(y + at, p.N, y, at, p.N, height, width);
          if (copies) take_copy();
          copies = false;
        });
      }
    }
  }
};

template <class T>
void in_place_matmul(nr_context* ctx, const matmul_plan& p, const T* a, const T* b, const T* row_bias,
                     const T* column_bias, T* y, const epilogue<T, T>& ending) {
  if (p.batches == 0 || p.M == 0 || p.N == 0) return;
  const block_limits most = p.b_stride_n == 1 ? usual_blocks : turning_blocks;
  const in_place_product<T> product = {
      p, gemm_blocks<T>(wanted_blocks(ctx), p.batches, p.M, p.N, p.K, most), a, b, row_bias, column_bias, y, ending};
  const auto& cut = product.cut;
  const int64_t copy_size = product.copy_size(), own_size = copy_size + product.packed_size();
  T* buffers = scratch<T>(ctx, ctx->threads * own_size);
  if (!buffers) return;
  const int64_t blocks = cut.count_m * cut.count_n;
  parallel_tasks(ctx, p.batches * blocks, [&](int64_t task, int32_t thread) {
    const int64_t batch = task / blocks, block = task % blocks;
    T* own = buffers + thread * own_size;
    product.multiply(batch, block % cut.count_m * cut.rows, block / cut.count_m * cut.columns, own, own + copy_size);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
