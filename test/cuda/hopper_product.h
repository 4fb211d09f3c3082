// c [M, N] = a [M, K] b [N, K]ᵀ of 16-bit floats as kernels for Hopper chips make it: one thread begins the copies of
// tiles into a ring, a warpgroup multiplies what has arrived and hands the places back. Tiles of 64 x 128 x 64. With
// `turned` operands are a [K, M] and b [K, N].
#pragma once
#include "hopper.h"

namespace fragments {

using namespace neurite::cuda;

// Without `waits` sums are read before they are there: a bug to be found.
template <class T, bool waits = true, bool turned = false>
struct HopperProduct {
  static constexpr int threads = 2 * warpgroup, stages = 3, rows = 64, columns = 128, depth = 64;
  static constexpr int a_bytes = rows * swizzled_row, b_bytes = columns * swizzled_row;
  static constexpr size_t dynamic_shared = stages * (a_bytes + b_bytes);
  TensorMap a, b;
  float* c;
  int M, N, K;

  __device__ void operator()() const {
    SIMT_DYN_SHARED(char, tiles);
    SIMT_SHARED(Mbarrier, full, [stages]);
    SIMT_SHARED(Mbarrier, empty, [stages]);
    const int thread = static_cast<int>(threadIdx.x), steps = (K + depth - 1) / depth;
    const int row = static_cast<int>(blockIdx.y) * rows, column = static_cast<int>(blockIdx.x) * columns;
    if (thread == 0) {
      for (int s = 0; s < stages; s++) {
        init(full[s], 1);
        init(empty[s], warpgroup);
      }
      fence_barriers();
    }
    __syncthreads();
    if (thread < warpgroup) {
      release_registers<40>();
      if (thread == 0) produce(tiles, full, empty, row, column, steps);
    } else {
      acquire_registers<232>();
      consume(tiles, full, empty, row, column, steps, thread - warpgroup);
    }
  }

  __device__ void produce(char* tiles, Mbarrier* full, Mbarrier* empty, int row, int column, int steps) const {
    for (int step = 0; step < steps; step++) {
      const int s = step % stages;
      wait(empty[s], static_cast<uint32_t>(step / stages + 1) & 1);
      arrive_expecting(full[s], a_bytes + b_bytes);
      char* tile = tiles + s * (a_bytes + b_bytes);
      if constexpr (turned) {
        copy_tile(tile, a, step * depth, row, full[s]);
        for (int n = 0; n < columns; n += 64)
          copy_tile(tile + a_bytes + n * swizzled_row, b, step * depth, column + n, full[s]);
      } else {
        copy_tile(tile, a, row, step * depth, full[s]);
        copy_tile(tile + a_bytes, b, column, step * depth, full[s]);
      }
    }
  }

  __device__ void consume(const char* tiles, Mbarrier* full, Mbarrier* empty, int row, int column, int steps,
                          int thread) const {
    float sums[64] = {};
    for (int step = 0; step < steps; step++) {
      const int s = step % stages;
      wait(full[s], static_cast<uint32_t>(step / stages) & 1);
      const char* tile = tiles + s * (a_bytes + b_bytes);
      products_fence();
      for (int k = 0; k < depth; k += 16) {
        if constexpr (turned)
          begin_product<T, true, true>(sums, turned_operand(tile, k), turned_operand(tile + a_bytes, k), true);
        else
          begin_product<T>(sums, operand(tile, k), operand(tile + a_bytes, k), true);
      }
      products_commit();
      if constexpr (waits) products_wait<0>();
      arrive(empty[s]);
    }
    const int g = thread % 32 / 4, t = thread % 4;
    for (int j = 0; j < 16; j++)
      for (int i = 0; i < 4; i++) {
        const int m = row + thread / 32 * 16 + g + i / 2 * 8, n = column + 8 * j + 2 * t + i % 2;
        if (m < M && n < N) c[static_cast<int64_t>(m) * N + n] = sums[4 * j + i];
      }
    if constexpr (!waits) products_wait<0>();
  }
};

}  // namespace fragments
