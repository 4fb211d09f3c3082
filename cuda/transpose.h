// Copies whose rows are the columns of what they read. Tiles are read along the columns and written along the rows, so
// that a warp touches whole sectors on either side; between the two they lie in shared memory, whose rows are padded so
// that a column is spread over all banks.
#pragma once
#include "dispatch.h"
#include "launch.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

// y and x, dims from the innermost of y.
template <class T>
struct Transpose {
  static constexpr int threads = 256, edge = sizeof(T) == 8 ? 32 : 64;
  static constexpr int padding = sizeof(T) < 4 ? 4 / sizeof(T) : 1, rows_at_once = threads / 32;

  T* y;
  const T* x;
  int64_t columns, rows;  // of y; columns of x are dense
  int64_t y_step, y_row;  // from one column, one row of y to the next
  int64_t x_step, x_row;
  int64_t tiles_across, tiles_down;
  Strided<2> outer;  // the matrices

  __device__ void operator()() const {
    SIMT_SHARED(T, tile, [edge][edge + padding]);
    const int64_t block = blockIdx.x, tiles = tiles_across * tiles_down;
    const int64_t across = block % tiles % tiles_across, down = block % tiles / tiles_across;
    int64_t at[2];
    outer.offsets(block / tiles, at);
    const int64_t first_column = across * edge, first_row = down * edge;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const T* from = x + at[1] + first_row * x_row + first_column * x_step;
#pragma unroll
    for (int c = warp; c < edge; c += rows_at_once)
#pragma unroll
      for (int r = lane; r < edge; r += 32)
        if (first_row + r < rows && first_column + c < columns) tile[r][c] = from[r * x_row + c * x_step];
    __syncthreads();
    T* to = y + at[0] + first_row * y_row + first_column * y_step;
#pragma unroll
    for (int r = warp; r < edge; r += rows_at_once)
#pragma unroll
      for (int c = lane; c < edge; c += 32)
        if (first_row + r < rows && first_column + c < columns) to[r * y_row + c * y_step] = tile[r][c];
  }
};

// The dim of x's dense columns, if y and x lie as matrices of some size that are transposes of each other; else 0.
inline int transposed_dim(const Strided<2>& s) {
  constexpr int64_t least = 16;  // smaller sides leave most of a tile empty
  if (s.ndim < 2 || s.stride[0][1] == 0 || s.stride[0][1] == 1 || s.shape[0] < least) return 0;
  for (int d = 1; d < s.ndim; d++)
    if (s.stride[d][1] == 1 && s.shape[d] >= least) return d;
  return 0;
}

template <class T>
void transpose(nr_context* ctx, void* y, const void* x, const Strided<2>& s, int dim) {
  Transpose<T> kernel = {};
  constexpr int64_t edge = Transpose<T>::edge;
  kernel.y = static_cast<T*>(y);
  kernel.x = static_cast<const T*>(x);
  kernel.columns = s.shape[0];
  kernel.y_step = s.stride[0][0];
  kernel.x_step = s.stride[0][1];
  kernel.rows = s.shape[dim];
  kernel.y_row = s.stride[dim][0];
  kernel.x_row = s.stride[dim][1];
  kernel.tiles_across = (kernel.columns + edge - 1) / edge;
  kernel.tiles_down = (kernel.rows + edge - 1) / edge;
  Strided<2>& outer = kernel.outer;
  for (int d = 1; d < s.ndim; d++) {
    if (d == dim) continue;
    outer.shape[outer.ndim] = s.shape[d];
    outer.divisors[outer.ndim] = s.divisors[d];
    for (int k = 0; k < 2; k++) outer.stride[outer.ndim][k] = s.stride[d][k];
    outer.numel *= s.shape[d];
    outer.ndim++;
  }
  launch(ctx, blocks_for(outer.numel * kernel.tiles_across * kernel.tiles_down, 1), kernel);
}

}  // namespace
}  // namespace neurite::cuda
