// Blocked matrix multiplication around the register tile: C[batch] = A[batch] · B[batch] (+ bias), one task per block
// of C, which walks the whole of K in steps of a block depth. An operand read by several tasks is packed once, ahead of
// them; otherwise (or when that copy would be too large) each task packs the blocks it needs. Operands and results are
// template parameters, so a convolution hands in image patches where a matrix product hands in a strided matrix:
//   operand: int64_t variants;           product `batch` reads variant batch % variants
//            static constexpr bool is_costly;  packing ahead would not fit (patches of a whole batch of images)
//            void panel(T* dst, variant, first, count, k, depth, width)   dst[i * width + p] = element (first + p, k +
//            i)
//   result:  static constexpr bool is_direct;  true: T* at(batch), row_stride: C is written in place
//            write(batch, m, n, rows, columns, const T* block, block_stride) otherwise
//            const T* row_bias(batch), const T* column_bias(): or NULL
// Blocks depend on the shape and the ISA alone, and K is never divided among tasks.
#pragma once
#include "cpu/gemm_kernel.h"
#include "cpu/parallel.h"

namespace neurite::NR_ISA {
namespace {

inline int64_t ceil_div(int64_t n, int64_t d) {
  return (n + d - 1) / d;
}
inline int64_t round_up(int64_t n, int64_t unit) {
  return ceil_div(n, unit) * unit;
}
inline int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
inline int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

// Working memory of n elements; NULL when memory is out.
template <class T>
inline T* scratch(nr_context* ctx, int64_t n) {
  return static_cast<T*>(ctx->scratch(ctx, static_cast<size_t>(larger(n, 1)) * sizeof(T)));
}

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
inline constexpr int64_t block_depth = 256, block_rows_f32 = 336, block_columns_f32 = 512;
#elif defined(NR_ISA_avx2)
inline constexpr int64_t block_depth = 256, block_rows_f32 = 144, block_columns_f32 = 512;
#else
inline constexpr int64_t block_depth = 256, block_rows_f32 = 96, block_columns_f32 = 256;
#endif
inline constexpr int64_t packed_ahead_bytes = int64_t{64} << 20;
inline constexpr int64_t wanted_tasks = 32, smallest_task_products = int64_t{1} << 20;

// How C is cut. Pieces of one kind have equal size except the last.
template <class T>
struct gemm_blocks {
  int64_t M, N, K;
  int64_t rows, columns, depth;
  int64_t count_m, count_n, count_k;

  gemm_blocks(int64_t batches, int64_t M, int64_t N, int64_t K, bool keep_rows) : M(M), N(N), K(K) {
    constexpr int64_t unit = tile_columns<T>;
    constexpr int64_t max_rows = block_rows_f32 * 4 / sizeof(T), max_columns = block_columns_f32 * 4 / sizeof(T);
    rows = larger(1, ceil_div(M, larger(1, ceil_div(M, max_rows))));
    columns = larger(unit, round_up(ceil_div(N, larger(1, ceil_div(N, max_columns))), unit));
    count();
    while (batches * count_m * count_n < wanted_tasks && rows * columns * K > 2 * smallest_task_products) {
      const bool can_cut_rows = rows >= 2 * tile_rows, can_cut_columns = columns >= 2 * unit;
      if (can_cut_columns && (keep_rows || columns >= rows || !can_cut_rows)) {
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

template <class T, class A>
inline void pack_row_block(const A& a, T* dst, int64_t variant, int64_t m, int64_t rows, int64_t k, int64_t depth) {
  const int64_t panels = panels_of_rows(rows);
  for (int64_t p = 0; p < panels; p++) {
    const int64_t begin = p * rows / panels, height = (p + 1) * rows / panels - begin;
    a.panel(dst + begin * depth, variant, m + begin, height, k, depth, height);
  }
}

template <class T, class B>
inline void pack_column_block(const B& b, T* dst, int64_t variant, int64_t n, int64_t columns, int64_t k,
                              int64_t depth) {
  for (int64_t j = 0; j < columns; j += tile_columns<T>)
    b.panel(dst + j * depth, variant, n + j, smaller(tile_columns<T>, columns - j), k, depth, tile_columns<T>);
}

template <class T>
inline void multiply_block(const T* a, const T* b, int64_t rows, int64_t columns, int64_t depth,
                           const tile_target<T>& c) {
  const int64_t panels = panels_of_rows(rows);
  for (int64_t j = 0; j < columns; j += tile_columns<T>) {
    const int64_t width = smaller(tile_columns<T>, columns - j);
    for (int64_t p = 0; p < panels; p++) {
      const int64_t i = p * rows / panels, height = (p + 1) * rows / panels - i;
      const tile_target<T> tile = {c.at + i * c.row_stride + j,
                                   c.row_stride,
                                   width,
                                   c.accumulate,
                                   c.row_bias ? c.row_bias + i : nullptr,
                                   c.column_bias ? c.column_bias + j : nullptr};
      choose_tile_kernel<T>(height, width)(a + i * depth, b + j * depth, depth, tile);
    }
  }
}

// An operand's blocks, packed ahead (`packed` is not NULL) or into a task's own buffer. Blocks begin at `first`, which
// is a multiple of the block size, and take `size` (rows, or columns rounded up to whole panels) × depth elements.
template <class T>
struct packed_operand {
  T* packed = nullptr;
  int64_t variant_size = 0;

  T* at(int64_t variant, int64_t first, int64_t size, int64_t k, int64_t K) const {
    return packed + variant * variant_size + first * K + k * size;
  }
};

template <class T, class A, class B, class Result>
void gemm(workspace& memory, int64_t batches, int64_t M, int64_t N, int64_t K, const A& a, const B& b,
          const Result& result) {
  if (batches == 0 || M == 0 || N == 0) return;
  const gemm_blocks<T> cut(batches, M, N, K, B::is_costly);
  const auto deserves_packing = [&](int64_t variants, int64_t uses, int64_t size) {
    return uses > 1 && size <= packed_ahead_bytes / static_cast<int64_t>(sizeof(T)) / variants;
  };
  packed_operand<T> pa, pb;
  pa.variant_size = M * K;
  pb.variant_size = round_up(N, tile_columns<T>) * K;
  const bool a_ahead =
      !A::is_costly && deserves_packing(a.variants, batches / a.variants * cut.count_n, pa.variant_size);
  const bool b_ahead =
      !B::is_costly && deserves_packing(b.variants, batches / b.variants * cut.count_m, pb.variant_size);
  const int64_t a_size = a_ahead ? 0 : round_up(cut.rows * cut.depth, 16);
  const int64_t b_size = b_ahead ? 0 : round_up(cut.columns * cut.depth, 16);
  const int64_t c_size = Result::is_direct ? 0 : round_up(cut.rows * cut.columns, 16);
  const int64_t a_total = a_ahead ? round_up(a.variants * pa.variant_size, 16) : 0;
  const int64_t b_total = b_ahead ? round_up(b.variants * pb.variant_size, 16) : 0;
  nr_context* ctx = memory.ctx;
  pa.packed = memory.take<T>(a_total + b_total + ctx->threads * (a_size + b_size + c_size));
  if (!pa.packed) return;
  pb.packed = pa.packed + a_total;
  T* buffers = pb.packed + b_total;

  const int64_t a_blocks = a_ahead ? a.variants * cut.count_m * cut.count_k : 0;
  const int64_t b_blocks = b_ahead ? b.variants * cut.count_n * cut.count_k : 0;
  parallel_tasks(ctx, a_blocks + b_blocks, [&](int64_t task, int32_t) {
    const bool is_a = task < a_blocks;
    const int64_t block = is_a ? task : task - a_blocks, count = is_a ? cut.count_m : cut.count_n;
    const int64_t k = block % cut.count_k * cut.depth, depth = smaller(cut.depth, K - k);
    const int64_t variant = block / cut.count_k / count, i = block / cut.count_k % count;
    if (is_a) {
      const int64_t m = i * cut.rows, rows = smaller(cut.rows, M - m);
      pack_row_block(a, pa.at(variant, m, rows, k, K), variant, m, rows, k, depth);
    } else {
      const int64_t n = i * cut.columns, columns = smaller(cut.columns, N - n);
      pack_column_block(b, pb.at(variant, n, round_up(columns, tile_columns<T>), k, K), variant, n, columns, k, depth);
    }
  });

  parallel_tasks(ctx, batches * cut.count_m * cut.count_n, [&](int64_t task, int32_t thread) {
    T* a_buffer = buffers + thread * (a_size + b_size + c_size);
    T* b_buffer = a_buffer + a_size;
    T* c_buffer = b_buffer + b_size;
    const int64_t batch = task / (cut.count_m * cut.count_n), block = task % (cut.count_m * cut.count_n);
    const int64_t m = block % cut.count_m * cut.rows, rows = smaller(cut.rows, M - m);
    const int64_t n = block / cut.count_m * cut.columns, columns = smaller(cut.columns, N - n);
    const T* row_bias = result.row_bias(batch);
    const T* column_bias = result.column_bias();
    tile_target<T> c = {c_buffer,
                        cut.columns,
                        columns,
                        false,
                        row_bias ? row_bias + m : nullptr,
                        column_bias ? column_bias + n : nullptr};
    if constexpr (Result::is_direct) {
      c.at = result.at(batch) + m * result.row_stride + n;
      c.row_stride = result.row_stride;
    }
    for (int64_t step = 0; step < cut.count_k; step++) {
      const int64_t k = step * cut.depth, depth = smaller(cut.depth, K - k);
      T* ap = a_buffer;
      T* bp = b_buffer;
      if (a_ahead) {
        ap = pa.at(batch % a.variants, m, rows, k, K);
      } else {
        pack_row_block(a, ap, batch % a.variants, m, rows, k, depth);
      }
      if (b_ahead) {
        bp = pb.at(batch % b.variants, n, round_up(columns, tile_columns<T>), k, K);
      } else {
        pack_column_block(b, bp, batch % b.variants, n, columns, k, depth);
      }
      multiply_block(ap, bp, rows, columns, depth, c);
      c.accumulate = true;
    }
    if constexpr (!Result::is_direct) result.write(batch, m, n, rows, columns, c_buffer, cut.columns);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
