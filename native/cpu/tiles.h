// Walks a nest in square tiles of two dims: the rows, and a dim along which some operand is dense while its rows are
// not (it is transposed), so that cache lines of every operand are used while they are near. Tiles come in blocks of
// columns, down all rows: the pages that a block touches on the transposed side stay in the TLB.
#pragma once
#include "cpu/strided.h"

namespace neurite::NR_ISA {
namespace {

// A dim along which an operand is dense although its rows are neither dense nor constant; -1 if there is none.
template <int N>
inline int transposed_dim(const nest<N>& l, const int64_t (&size)[N]) {
  for (int k = 0; k < N; k++) {
    if (l.step(k) == 0 || l.step(k) == size[k]) continue;
    for (int d = 0; d < l.ndim - 1; d++)
      if (l.stride[k][d] == size[k]) return d;
  }
  return -1;
}

// tile(p, rows, columns): p[k] is operand k's first element; rows are stride[k][dim] apart, columns step(k).
template <int N, class Tile>
inline void each_tile(nr_context* ctx, const nest<N>& l, int dim, int64_t edge, const Tile& tile) {
  constexpr int64_t block = 512, work = 1 << 15;
  const int last = l.ndim - 1;
  const int64_t rows = l.shape[dim], columns = l.shape[last];
  if (rows == 0 || columns == 0) return;
  nest<N> outer;
  for (int k = 0; k < N; k++) outer.base[k] = l.base[k];
  int64_t stride[N] = {};
  for (int d = 0; d < last; d++) {
    if (d == dim) continue;
    for (int k = 0; k < N; k++) stride[k] = l.stride[k][d];
    append_dim(outer, l.shape[d], stride);
    outer.numel *= l.shape[d];
  }
  if (outer.ndim == 0) append_dim(outer, 1, stride);
  const int64_t row_tiles = (rows + edge - 1) / edge, blocks = (columns + block - 1) / block;
  const int64_t task = (rows < edge ? rows : edge) * (columns < block ? columns : block);
  parallel_range(ctx, outer.numel * blocks * row_tiles, (work + task - 1) / task, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at++) {
      const int64_t r = at % row_tiles * edge, first = at / row_tiles % blocks * block;
      const int64_t past = first + block < columns ? first + block : columns;
      const int64_t o = at / row_tiles / blocks;
      each_row(outer, o, o + 1, [&](char* const* p, int64_t) {
        for (int64_t c = first; c < past; c += edge) {
          char* corner[N];
          for (int k = 0; k < N; k++) corner[k] = p[k] + r * l.stride[k][dim] + c * l.step(k);
          tile(corner, rows - r < edge ? rows - r : edge, past - c < edge ? past - c : edge);
        }
      });
    }
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
