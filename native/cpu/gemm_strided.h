// The register tile of gemm_kernel.h on operands that lie where they are: element (i, k) of A at a[i * row + k * step],
// row k of B, contiguous, at b + k * stride. What is packed is one such layout among others. A tile may leave a packed
// copy of B behind for the tiles below it.
#pragma once
#include "cpu/gemm_kernel.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
struct strided_operands {
  const T* a;
  int64_t a_row, a_step;  // between rows and between consecutive k
  const T* b;
  int64_t b_stride;  // between consecutive k
  T* copy;           // where to leave rows of B, tile_columns<T> apart
};

// How many rows ahead those of B are fetched: as many as the tile multiplies with in the time that memory takes. Small
// tiles read so fast that the machine keeps up better alone.
constexpr int64_t rows_ahead(int tile) {
  return tile < 28 ? 480 / tile : 17;
}
constexpr bool fetches_ahead(int tile) {
  return tile > 4;
}

template <class T, int rows, int vectors, bool copies>
void multiply_strided_tile(const strided_operands<T>& from, int64_t depth, const tile_target<T>& target) {
  using V = vector_t<T>;
  constexpr int W = V::width, group = 3, groups = (rows + group - 1) / group;  // as many as addresses have forms for
  V sum[rows][vectors];
  unroll<rows>([&](auto i) NR_INLINE { unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = V(T(0)); }); });
  const T* a[groups];
  unroll<groups>([&](auto g) NR_INLINE { a[g] = from.a + g * group * from.a_row; });
  const int64_t a_row = from.a_row, a_step = from.a_step, b_stride = from.b_stride,
                ahead = rows_ahead(rows * vectors) * b_stride;
  const T* b = from.b;
  T* copy = from.copy;
  for (int64_t k = 0; k < depth; k++) {
    V row[vectors];
    unroll<vectors>([&](auto j) NR_INLINE {
      row[j] = load<V>(b + j * W);
      if constexpr (fetches_ahead(rows * vectors) && j * W * sizeof(T) % 64 == 0) __builtin_prefetch(b + ahead + j * W);
      if constexpr (copies) store(copy + j * W, row[j]);
    });
    unroll<rows>([&](auto i) NR_INLINE {
      const V x(a[i / group][i % group * a_row]);
      unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = fma(x, row[j], sum[i][j]); });
    });
    unroll<groups>([&](auto g) NR_INLINE {
      a[g] += a_step;
      asm("" : "+r"(a[g]));  // else one pointer for each row, in memory
    });
    b += b_stride;
    if constexpr (copies) copy += tile_columns<T>;
  }
  write_tile<T, rows, vectors>(sum, target);
}

template <class T>
using strided_tile_kernel = void (*)(const strided_operands<T>&, int64_t, const tile_target<T>&);

template <class T, class Rows, class Vectors>
struct strided_tile_kernels;
template <class T, int... r, int... v>
struct strided_tile_kernels<T, std::integer_sequence<int, r...>, std::integer_sequence<int, v...>> {
  template <int rows>
  struct of_rows {
    static constexpr strided_tile_kernel<T> plain[] = {multiply_strided_tile<T, rows, v + 1, false>...};
  };
  static strided_tile_kernel<T> choose(int64_t rows, int64_t vectors, bool copies) {
    static constexpr const strided_tile_kernel<T>* plain[] = {of_rows<r + 1>::plain...};
    static constexpr strided_tile_kernel<T> copying[] = {multiply_strided_tile<T, r + 1, sizeof...(v), true>...};
    return copies ? copying[rows - 1] : plain[rows - 1][vectors - 1];
  }
};

// A tile that copies has all its columns.
template <class T>
inline strided_tile_kernel<T> choose_strided_tile_kernel(int64_t rows, int64_t columns, bool copies) {
  using kernels = strided_tile_kernels<T, std::make_integer_sequence<int, tile_rows>,
                                       std::make_integer_sequence<int, tile_vectors>>;
  return kernels::choose(rows, (columns + vector_t<T>::width - 1) / vector_t<T>::width, copies);
}

}  // namespace
}  // namespace neurite::NR_ISA
