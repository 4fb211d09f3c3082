// The 36 products of a Winograd convolution, one for each point, by the register tile of gemm_kernel.h: the transforms
// write its operands as it reads them, so nothing is packed.
#pragma once
#include "cpu/gemm_blocks.h"

namespace neurite::NR_ISA {
namespace {

// The tile's columns of A where lanes are steps: element (i, k) is at[k / W * group + i * W + k % W].
template <class T>
struct lane_columns {
  static constexpr uint64_t W = vector_t<T>::width;
  struct column {
    const T* at;
    const T& operator[](int64_t i) const { return at[i * static_cast<int64_t>(W)]; }
  };
  const T* at;
  int64_t group;

  column operator[](int64_t k) const {
    const uint64_t step = static_cast<uint64_t>(k);
    return {at + static_cast<int64_t>(step / W) * group + step % W};
  }
};

// Where lanes are rows: element (i, k) is at[k * stride + i].
template <class T>
struct row_columns {
  const T* at;
  int64_t stride;
  const T* operator[](int64_t k) const { return at + k * stride; }
};

template <class T, class Columns, int rows, int vectors>
void multiply_points_tile(const Columns& a, const T* b, int64_t depth, const tile_target<T>& target) {
  multiply_columns<T, rows, vectors>(a, b, depth, target);
}

template <class T, class Columns, class Rows = std::make_integer_sequence<int, tile_rows>,
          class Vectors = std::make_integer_sequence<int, tile_vectors>>
struct point_kernels;
template <class T, class Columns, int... r, int... v>
struct point_kernels<T, Columns, std::integer_sequence<int, r...>, std::integer_sequence<int, v...>> {
  using kernel = void (*)(const Columns&, const T*, int64_t, const tile_target<T>&);
  template <int rows>
  static constexpr kernel of_rows[] = {multiply_points_tile<T, Columns, rows, v + 1>...};

  static kernel choose(int64_t rows, int64_t columns) {
    static constexpr const kernel* table[] = {of_rows<r + 1>...};
    return table[rows - 1][ceil_div(columns, vector_t<T>::width) - 1];
  }
};

// C (+)= A · B for one point. columns_of(i) are the columns of A for rows from i; B is a run of panels,
// `panel_stride` apart.
template <class T, class ColumnsOf>
inline void multiply_point(const ColumnsOf& columns_of, const T* b, int64_t panel_stride, int64_t rows, int64_t columns,
                           int64_t depth, T* c, int64_t row_stride, bool accumulate) {
  using kernels = point_kernels<T, decltype(columns_of(0))>;
  const int64_t pieces = panels_of_rows(rows);
  for (int64_t j = 0; j < columns; j += tile_columns<T>, b += panel_stride) {
    const int64_t width = smaller(tile_columns<T>, columns - j);
    for (int64_t p = 0; p < pieces; p++) {
      const int64_t i = p * rows / pieces, height = (p + 1) * rows / pieces - i;
      const tile_target<T> target = {c + i * row_stride + j, row_stride, width, accumulate, nullptr, nullptr};
      kernels::choose(height, width)(columns_of(i), b, depth, target);
    }
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
