// Products by tiles of 128 × 128 or 128 × 256 on sm_90a (hopper.h): one thread begins the copies of tiles, several
// ahead; two warpgroups multiply 64 lines of A each, straight from shared memory. They wait for each other at mbarriers
// alone. A byte from the L2 cache is for 43 products in the wide tiles, for 32 in the others. Endings are those of
// mma_tile.h.
#pragma once
#include "hopper.h"
#include "tile.h"
#include "warp_sums.h"

namespace neurite::cuda {
namespace {

// A's tile has 128 lines, B's 128 × wide; 64 of 16 bits of their depth.
template <int wide>
struct HopperShape {
  static constexpr int a_lines = 128, b_lines = 128 * wide, depth = 64, row = 128;
  static constexpr int stages = wide == 2 ? 4 : 6;
  static constexpr int a_bytes = a_lines * row, b_bytes = b_lines * row, stage_bytes = a_bytes + b_bytes;
  static constexpr int multipliers = 8;  // warps
  static constexpr int threads = 32 * multipliers + 128;
  using Sums = WarpSums<16, b_lines>;
  static_assert(multipliers * Sums::slab * 4 <= stages * stage_bytes);
  static constexpr int shared_bytes = stages * stage_bytes + 2 * stages * 8;
};

template <class T, int wide, bool a_along_depth, bool b_along_depth, class Ending>
struct HopperProduct {
  using Shape = HopperShape<wide>;
  static constexpr int threads = Shape::threads, stages = Shape::stages;

  TensorMap a, b;
  Ending ending;
  TileGrid grid;

  __device__ void operator()() const {
    SIMT_DYN_SHARED(unsigned char, memory);
    auto* full = reinterpret_cast<Mbarrier*>(memory + stages * Shape::stage_bytes);
    Mbarrier* empty = full + stages;
    const Tile tile = grid.locate(blockIdx.x, Shape::a_lines, Shape::b_lines);
    const int tiles = static_cast<int>((tile.depth_end - tile.depth + Shape::depth - 1) / Shape::depth);
    if (threadIdx.x == 0) {
      for (int i = 0; i < stages; i++) {
        init(full[i], 1);
        init(empty[i], Shape::multipliers);
      }
      fence_barriers();
    }
    __syncthreads();
    if (threadIdx.x >= 32 * Shape::multipliers) {
      release_registers<40>();
      if (threadIdx.x == 32 * Shape::multipliers) copy_tiles(memory, full, empty, tile, tiles);
    } else {
      acquire_registers<232>();
      multiply_tiles(memory, full, empty, tile, tiles);
    }
  }

 private:
  static __device__ int parity(int i) { return i / stages % 2; }

  __device__ void copy_tiles(unsigned char* memory, Mbarrier* full, Mbarrier* empty, const Tile& tile,
                             int tiles) const {
    for (int i = 0; i < tiles; i++) {
      const int at = i % stages;
      unsigned char* to = memory + at * Shape::stage_bytes;
      const int depth = static_cast<int>(tile.depth) + i * Shape::depth;
      wait(empty[at], parity(i) ^ 1);
      arrive_expecting(full[at], Shape::stage_bytes);
      copy_operand<a_along_depth, Shape::a_lines>(to, a, static_cast<int>(tile.line_a), depth, full[at]);
      copy_operand<b_along_depth, Shape::b_lines>(to + Shape::a_bytes, b, static_cast<int>(tile.line_b), depth,
                                                  full[at]);
    }
  }

  template <bool along_depth, int lines>
  static __device__ void copy_operand(unsigned char* to, const TensorMap& map, int line, int depth, Mbarrier& barrier) {
    if constexpr (along_depth)
      copy_tile(to, map, line, depth, barrier);
    else
      for (int i = 0; i < lines; i += 64) copy_tile(to + i * Shape::row, map, depth, line + i, barrier);
  }

  // 16 elements of the depth from 16 k on.
  template <bool along_depth>
  static __device__ uint64_t describe(const unsigned char* tile, int k) {
    return along_depth ? operand(tile, 16 * k) : turned_operand(tile, 16 * k);
  }

  __device__ void multiply_tiles(unsigned char* memory, Mbarrier* full, Mbarrier* empty, const Tile& tile,
                                 int tiles) const {
    const int warp = static_cast<int>(threadIdx.x) / 32, group = warp / 4;
    const bool arrives = threadIdx.x % 32 == 0;
    float sums[1][16 * wide][4] = {};
    for (int i = 0; i < tiles; i++) {
      const unsigned char* a_tile = memory + i % stages * Shape::stage_bytes + group * 64 * Shape::row;
      const unsigned char* b_tile = memory + i % stages * Shape::stage_bytes + Shape::a_bytes;
      wait(full[i % stages], parity(i));
      products_fence();
#pragma unroll
      for (int k = 0; k < Shape::depth / 16; k++)
#pragma unroll
        for (int j = 0; j < wide; j++)
          begin_product<T, !a_along_depth, !b_along_depth>(
              *reinterpret_cast<float(*)[64]>(&sums[0][16 * j]), describe<a_along_depth>(a_tile, k),
              describe<b_along_depth>(b_tile + j * 128 * Shape::row, k), i > 0 || k > 0);
      products_commit();
      products_wait<1>();  // the tile before is not needed any more
      if (i > 0 && arrives) arrive(empty[(i - 1) % stages]);
    }
    products_wait<0>();
    named_barrier_sync(1, 32 * Shape::multipliers);  // nobody reads operands any more
    Shape::Sums::finish(reinterpret_cast<float*>(memory) + warp * Shape::Sums::slab, ending, tile,
                        tile.line_a + 16 * warp, tile.line_b, sums);
  }
};

}  // namespace
}  // namespace neurite::cuda
