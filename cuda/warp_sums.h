// How sums that a warp has in fragments of products (C of matrix.h, 16 rows and 8 columns each) get to an ending: 16
// rows at a time through shared memory, so that each lane has some that lie side by side in y.
#pragma once
#include "pack.h"
#include "tile.h"

namespace neurite::cuda {
namespace {

template <int warp_a, int warp_b>
struct WarpSums {
  static constexpr int rows = warp_a / 16, columns = warp_b / 8;     // of fragments
  static constexpr int row_stride = warp_b + 8, turned_stride = 20;  // padded against bank conflicts
  static constexpr int slab = 16 * row_stride > warp_b* turned_stride ? 16 * row_stride : warp_b* turned_stride;

  // `memory` is the warp's own: `slab` floats. line_a, line_b: of the first sum.
  template <class Ending>
  static __device__ void finish(float* memory, const Ending& ending, const Tile& tile, int64_t line_a, int64_t line_b,
                                const float (&sums)[rows][columns][4]) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const bool turned = ending.turned();
    const int stride_a = turned ? 1 : row_stride, stride_b = turned ? turned_stride : 1;
#pragma unroll 1
    for (int current = 0; current < rows; current++, line_a += 16) {
#pragma unroll
      for (int i = 0; i < rows; i++)
        if (i == current)
#pragma unroll
          for (int j = 0; j < columns; j++)
#pragma unroll
            for (int k = 0; k < 4; k++)
              memory[(lane / 4 + k / 2 * 8) * stride_a + (8 * j + lane % 4 * 2 + k % 2) * stride_b] = sums[i][j][k];
      __syncwarp();
      constexpr int pack = Ending::pack;
      const int packs = turned ? 16 / pack : warp_b / pack;  // in a row
#pragma unroll 1
      for (int i = lane; i < 16 * warp_b / pack; i += 32) {
        const int row = i / packs, column = i % packs * pack;
        const float* from = memory + row * (turned ? turned_stride : row_stride) + column;
        float v[pack];
#pragma unroll
        for (int j = 0; j < pack; j += 4) {
          const auto four = load_pack<float, 4>(from + j);
#pragma unroll
          for (int k = 0; k < 4; k++) v[j + k] = four.at[k];
        }
        if (turned)
          ending.finish(tile, line_b + row, line_a + column, v);
        else
          ending.finish(tile, line_a + row, line_b + column, v);
      }
      __syncwarp();
    }
  }
};

}  // namespace
}  // namespace neurite::cuda
