// How a matrix product is cut into blocks, how blocks are packed and multiplied, and the working memory for that.
#pragma once
#include "cpu/gemm_kernel.h"
#include "cpu/parallel.h"
#include "cpu/sizes.h"

namespace neurite::NR_ISA {
namespace {

// Working memory that a kernel which multiplies many times asks for only when it needs more than before.
struct workspace {
  nr_context* ctx;
  void* memory = nullptr;
  size_t size = 0;

  // n elements, valid until the next call; NULL when memory is out.
  template <class T>
  T* take(int64_t n) {
    const size_t bytes = static_cast<size_t>(larger(n, 1)) * sizeof(T);
    if (bytes > size) {
      memory = ctx->scratch(ctx, bytes);
      size = memory ? bytes : 0;
    }
    return static_cast<T*>(memory);
  }
};

// A block of A stays in the second-level cache (depth × rows), a panel of B in the first (depth × tile_columns).
#if defined(NR_ISA_avx512)
inline constexpr int64_t block_depth = 512, block_rows_f32 = 168, block_columns_f32 = 512;
#elif defined(NR_ISA_avx2)
inline constexpr int64_t block_depth = 256, block_rows_f32 = 144, block_columns_f32 = 512;
#else
inline constexpr int64_t block_depth = 256, block_rows_f32 = 96, block_columns_f32 = 256;
#endif
// The most rows and columns of a block of C, in float32 elements.
struct block_limits {
  int64_t rows, columns;
};
inline constexpr block_limits usual_blocks = {block_rows_f32, block_columns_f32};
// A right operand that each task packs is used for all rows at once while it is in the second-level cache.
inline constexpr block_limits costly_blocks = {INT64_MAX / 4, 128};
inline constexpr int64_t smallest_task_products = int64_t{1} << 17;

// How many blocks keep all threads busy to the end, although some are slower than others.
inline int64_t wanted_blocks(const nr_context* ctx) {
  return ctx->threads == 1 ? 1 : 8 * ctx->threads;
}

// How C is cut: at least into `wanted` blocks if that leaves each enough to do. Pieces of one kind have equal size
// except the last. An element of C is the same sum in the same order however C is cut; the depth follows from K alone.
template <class T>
struct gemm_blocks {
  int64_t M, N, K;
  int64_t rows, columns, depth;
  int64_t count_m, count_n, count_k;

  gemm_blocks(int64_t wanted, int64_t batches, int64_t M, int64_t N, int64_t K, block_limits most) : M(M), N(N), K(K) {
    constexpr int64_t unit = tile_columns<T>, bytes = sizeof(T);
    const int64_t max_rows = most.rows * 4 / bytes, max_columns = most.columns * 4 / bytes;
    const bool keeps_rows = most.rows > usual_blocks.rows;  // what a task does once for a column serves them all
    rows = larger(1, ceil_div(M, larger(1, ceil_div(M, max_rows))));
    columns = larger(unit, round_up(ceil_div(N, larger(1, ceil_div(N, max_columns))), unit));
    count();
    while (batches * count_m * count_n < wanted && rows * columns * K >= 2 * smallest_task_products) {
      const bool can_cut_rows = rows >= 2 * tile_rows, can_cut_columns = columns >= 2 * unit;
      if (can_cut_columns && (keeps_rows || columns >= rows || !can_cut_rows)) {
        columns = round_up(ceil_div(columns, 2), unit);
      } else if (can_cut_rows) {
        rows = ceil_div(rows, 2);
      } else {
        break;
      }
      count();
    }
    count_k = larger(1, ceil_div(K, block_depth));
    depth = ceil_div(K, count_k);
  }

  void count() {
    count_m = ceil_div(M, rows);
    count_n = ceil_div(N, columns);
  }
};

// A block of rows is a run of panels of nearly equal height: panel p begins at row p * rows / panels.
inline int64_t panels_of_rows(int64_t rows) {
  return ceil_div(rows, tile_rows);
}

// How much of k a panel packs before the panel beside it has its turn. Where neighbours p lie side by side, a panel
// takes a few elements of each line of the matrix, and lines are often a power of two apart: were all of them read
// before the next panel comes, each would have left the cache by then.
template <class Operand>
inline int64_t packing_run(const Operand& operand, int64_t depth) {
  if constexpr (requires { operand.is_contiguous(); }) return operand.is_contiguous() ? 8 : depth;
  return depth;
}

// body(first row, height) for each panel.
template <class Body>
inline void each_panel(int64_t rows, const Body& body) {
  const int64_t panels = panels_of_rows(rows);
  for (int64_t p = 0; p < panels; p++) {
    const int64_t begin = p * rows / panels;
    body(begin, (p + 1) * rows / panels - begin);
  }
}

template <class T, class A>
inline void pack_row_block(const A& a, T* dst, int64_t variant, int64_t m, int64_t rows, int64_t k, int64_t depth) {
  const int64_t run = packing_run(a, depth);
  for (int64_t done = 0; done < depth; done += run) {
    const int64_t steps = smaller(run, depth - done);
    each_panel(rows, [&](int64_t i, int64_t height) {
      a.panel(dst + i * depth + done * height, variant, m + i, height, k + done, steps, height);
    });
  }
}

template <class T, class B>
inline void pack_column_block(const B& b, T* dst, int64_t variant, int64_t n, int64_t columns, int64_t k,
                              int64_t depth) {
  constexpr int64_t width = tile_columns<T>;
  const int64_t run = packing_run(b, depth);
  for (int64_t done = 0; done < depth; done += run) {
    const int64_t steps = smaller(run, depth - done);
    for (int64_t j = 0; j < columns; j += width)
      b.panel(dst + j * depth + done * width, variant, n + j, smaller(width, columns - j), k + done, steps, width);
  }
}

// finish(i, j, rows, columns) is called for each tile of the block, just written.
template <class T, class Finish>
inline void multiply_block(const T* a, const T* b, int64_t rows, int64_t columns, int64_t depth,
                           const tile_target<T>& c, const Finish& finish) {
  for (int64_t j = 0; j < columns; j += tile_columns<T>) {
    const int64_t width = smaller(tile_columns<T>, columns - j);
    each_panel(rows, [&](int64_t i, int64_t height) {
      const tile_target<T> tile = {c.at + i * c.row_stride + j,
                                   c.row_stride,
                                   width,
                                   c.accumulate,
                                   c.row_bias ? c.row_bias + i : nullptr,
                                   c.column_bias ? c.column_bias + j : nullptr};
      choose_tile_kernel<T>(height, width)(a + i * depth, b + j * depth, depth, tile);
      finish(i, j, height, width);
    });
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
