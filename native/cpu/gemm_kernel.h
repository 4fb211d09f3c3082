// The register tile of matrix multiplication (Goto and van de Geijn 2008; Van Zee and van de Geijn 2015, "BLIS"):
// C[rows × columns] (+)= A · B with all of C in registers, one packed column of A broadcast against one packed row of B
// per step. A panel of A is [depth][rows], a panel of B [depth][tile_columns<T>], zero-filled beyond the last column.
// There is one instance for every number of rows and of vectors, so edge tiles waste no multiplication.
#pragma once
#include "cpu/dtype.h"
#include "cpu/unroll.h"

namespace neurite::NR_ISA {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int tile_rows = 3, tile_vectors = 2;  // instrumented, the full tiles take minutes to compile
#elif defined(NR_ISA_avx512)
inline constexpr int tile_rows = 14, tile_vectors = 2;  // 28 accumulators, 2 of B, 1 of A: 31 of 32 registers
#elif defined(NR_ISA_avx2)
inline constexpr int tile_rows = 6, tile_vectors = 2;  // 12 + 2 + 1 of 16
#else
inline constexpr int tile_rows = 4, tile_vectors = 4;
#endif
template <class T>
inline constexpr int tile_columns = tile_vectors* vector_t<T>::width;

// Where a tile goes: element (i, j) is at[i * row_stride + j].
template <class T>
struct tile_target {
  T* at;
  int64_t row_stride;
  int64_t columns;       // only this many are written
  bool accumulate;       // add to what is there, instead of starting from the bias
  const T* row_bias;     // one per row, or NULL
  const T* column_bias;  // one per column, or NULL
};

// Where the tile's columns of A are: side by side, or each at an offset of its own.
template <class T, int rows>
struct packed_columns {
  const T* a;
  const T* operator[](int64_t k) const { return a + k * rows; }
};
template <class T>
struct scattered_columns {
  const T* a;
  const int32_t* offsets;
  int64_t b_step;  // from row to row of the panel of B
  const T* operator[](int64_t k) const { return a + offsets[k]; }
};

// Adds the sums of a tile to what is there or to the bias, and writes them.
template <class T, int rows, int vectors>
[[gnu::always_inline]] inline void write_tile(vector_t<T> (&sum)[rows][vectors], const tile_target<T>& target) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  const tile_target<T> c = target;  // a copy: stores below could alias the original
  const int64_t last = c.columns - (vectors - 1) * W;
  const auto each = [&](auto visit) NR_INLINE {
    unroll<rows>([&](auto i) NR_INLINE { unroll<vectors>([&](auto j) NR_INLINE { visit(i, j); }); });
  };
  if (c.accumulate) {
    each([&](auto i, auto j) NR_INLINE {
      const T* at = c.at + i * c.row_stride + j * W;
      sum[i][j] = sum[i][j] + (j < vectors - 1 ? load<V>(at) : load<V>(at, last));
    });
  } else {
    if (c.row_bias) each([&](auto i, auto j) NR_INLINE { sum[i][j] = sum[i][j] + V(c.row_bias[i]); });
    if (c.column_bias) {
      each([&](auto i, auto j) NR_INLINE {
        const T* bias = c.column_bias + j * W;
        sum[i][j] = sum[i][j] + (j < vectors - 1 ? load<V>(bias) : load<V>(bias, last));
      });
    }
  }
  each([&](auto i, auto j) NR_INLINE {
    T* at = c.at + i * c.row_stride + j * W;
    if constexpr (j < vectors - 1) {
      store(at, sum[i][j]);
    } else {
      store(at, sum[i][j], last);
    }
  });
}

template <class T, int rows, int vectors, class Columns>
[[gnu::always_inline]] inline void multiply_columns(const Columns& a, const T* b, int64_t depth,
                                                    const tile_target<T>& target, int64_t b_step = tile_columns<T>) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  V sum[rows][vectors];
  unroll<rows>([&](auto i) NR_INLINE { unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = V(T(0)); }); });
  for (int64_t k = 0; k < depth; k++) {
    V row[vectors];
    unroll<vectors>([&](auto j) NR_INLINE { row[j] = load<V>(b + j * W); });
    const auto column = a[k];
    unroll<rows>([&](auto i) NR_INLINE {
      const V x(column[i]);
      unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = fma(x, row[j], sum[i][j]); });
    });
    b += b_step;
  }
  write_tile<T, rows, vectors>(sum, target);
}

template <class T, int rows, int vectors>
void multiply_tile(const T* a, const T* b, int64_t depth, const tile_target<T>& target) {
  multiply_columns<T, rows, vectors>(packed_columns<T, rows>{a}, b, depth, target);
}
template <class T, int rows, int vectors>
void multiply_scattered_tile(const scattered_columns<T>& a, const T* b, int64_t depth, const tile_target<T>& target) {
  multiply_columns<T, rows, vectors>(a, b, depth, target, a.b_step);
}

template <class T>
using tile_kernel = void (*)(const T*, const T*, int64_t, const tile_target<T>&);
template <class T>
using scattered_tile_kernel = void (*)(const scattered_columns<T>&, const T*, int64_t, const tile_target<T>&);

template <class T, class Rows, class Vectors>
struct tile_kernels;
template <class T, int... r, int... v>
struct tile_kernels<T, std::integer_sequence<int, r...>, std::integer_sequence<int, v...>> {
  template <int rows>
  struct of_rows {
    static constexpr tile_kernel<T> packed[] = {multiply_tile<T, rows, v + 1>...};
    static constexpr scattered_tile_kernel<T> scattered[] = {multiply_scattered_tile<T, rows, v + 1>...};
  };
  static tile_kernel<T> choose(int64_t rows, int64_t vectors) {
    static constexpr const tile_kernel<T>* table[] = {of_rows<r + 1>::packed...};
    return table[rows - 1][vectors - 1];
  }
  static scattered_tile_kernel<T> choose_scattered(int64_t rows, int64_t vectors) {
    static constexpr const scattered_tile_kernel<T>* table[] = {of_rows<r + 1>::scattered...};
    return table[rows - 1][vectors - 1];
  }
};
template <class T>
using all_tile_kernels =
    tile_kernels<T, std::make_integer_sequence<int, tile_rows>, std::make_integer_sequence<int, tile_vectors>>;

template <class T>
inline tile_kernel<T> choose_tile_kernel(int64_t rows, int64_t columns) {
  return all_tile_kernels<T>::choose(rows, (columns + vector_t<T>::width - 1) / vector_t<T>::width);
}
template <class T>
inline scattered_tile_kernel<T> choose_scattered_tile_kernel(int64_t rows, int64_t columns) {
  return all_tile_kernels<T>::choose_scattered(rows, (columns + vector_t<T>::width - 1) / vector_t<T>::width);
}

}  // namespace
}  // namespace neurite::NR_ISA
