// Copies of layouts whose source runs along another dim than the output: 2-D transposes in square tiles that fit the
// first-level cache, so that both sides move whole cache lines.
#pragma once
#include "cpu/strided.h"

namespace neurite::NR_ISA {
namespace {

// Edge of a tile: enough to use whole cache lines and pages well, few enough bytes for the first-level cache.
template <class T>
inline constexpr int64_t tile_edge = sizeof(T) == 8 ? 32 : 64;

// The dim along which x (operand 1) is dense while y (operand 0) is dense along the last; -1 if there is none.
inline int transposed_dim(const nest<2>& l, int64_t size) {
  if (l.step(0) != size || l.step(1) == size) return -1;
  for (int d = 0; d < l.ndim - 1; d++)
    if (l.stride[1][d] == size && l.shape[d] > 1) return d;
  return -1;
}

// y[r, c] = x[r, c] for a tile whose y rows and x columns are dense.
template <class T>
inline void copy_tile(char* y, const char* x, int64_t rows, int64_t columns, int64_t y_row, int64_t x_column) {
  T buffer[tile_edge<T>][tile_edge<T>];
  for (int64_t c = 0; c < columns; c++) {
    const T* from = reinterpret_cast<const T*>(x + c * x_column);
    for (int64_t r = 0; r < rows; r++) buffer[r][c] = from[r];
  }
  for (int64_t r = 0; r < rows; r++)
    __builtin_memcpy(y + r * y_row, buffer[r], static_cast<size_t>(columns) * sizeof(T));
}

template <class T>
inline void copy_transposed(nr_context* ctx, const nest<2>& l, int dim) {
  constexpr int64_t tile = tile_edge<T>;
  const int last = l.ndim - 1;
  const int64_t rows = l.shape[dim], columns = l.shape[last];
  const int64_t row_tiles = (rows + tile - 1) / tile;
  nest<2> outer = l;  // every other dim, and tiles of rows in place of `dim`
  outer.shape[dim] = row_tiles;
  outer.ndim = last;
  outer.numel = 1;
  for (int k = 0; k < 2; k++) outer.stride[k][dim] *= tile;
  for (int d = 0; d < last; d++) outer.numel *= outer.shape[d];
  parallel_range(ctx, outer.numel, 1 + (1 << 15) / (tile * columns), [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at++) {
      int64_t rest = at, first_row = 0;
      char *y = l.base[0], *x = l.base[1];
      for (int d = last - 1; d >= 0; d--) {
        const int64_t i = rest % outer.shape[d];
        rest /= outer.shape[d];
        y += i * outer.stride[0][d];
        x += i * outer.stride[1][d];
        if (d == dim) first_row = i * tile;
      }
      const int64_t r = rows - first_row < tile ? rows - first_row : tile;
      for (int64_t c = 0; c < columns; c += tile)
        copy_tile<T>(y + c * l.step(0), x + c * l.step(1), r, columns - c < tile ? columns - c : tile, l.stride[0][dim],
                     l.step(1));
    }
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
