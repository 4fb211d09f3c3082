// Matrix products on tensor cores (mma_tile.h), for matmul_mma.cu and matmul_tf32.cu. A tile of 128 × 128 has 32
// products for a byte of 16-bit operands, and an A100 makes 100 in the time that a byte takes from memory: tiles that
// share operands run at the same time, so that most bytes come from the L2 cache (tile.h). The warps' parts of 64 × 64
// have 16 products for a byte of shared memory.
#pragma once
#include "device.h"
#include "matmul_operands.h"
#include "mma_tile.h"

namespace neurite::cuda {
namespace {

// tf32 has twice the fragments, so that a warp has room for half as many sums.
template <class T>
using Large = MmaShape<128, 128, 64, 2, sizeof(T) == 4 ? 4 : 2, 4, true>;
using Medium = MmaShape<64, 64, 128, 2, 2, 3, true>;
using Flat = MmaShape<16, 128, 128, 1, 4, 4, true>;
// Where copies cannot be asynchronous: below sm_80, and of 16-bit elements in odd places.
using ThroughRegisters = MmaShape<64, 64, 64, 2, 2, 2, false>;

template <class T, class Shape, bool a_along_depth, bool b_along_depth>
void multiply_tiles(nr_context* ctx, const MatmulPlan& p, int64_t blocks_of_processor) {
  const int64_t tiles = p.batches * tiles_for(p.a.lines, Shape::a_lines) * tiles_for(p.b.lines, Shape::b_lines);
  constexpr int depth = Shape::template depth<T>;
  const int64_t parts = matmul_parts(ctx, tiles, blocks_of_processor, p.depth, 8 * depth);
  const TileGrid grid =
      make_tile_grid(p.batches, p.a.lines, p.b.lines, p.depth, Shape::a_lines, Shape::b_lines, depth, parts);
  in_parts<T>(ctx, p, grid, [&](const MatrixEnding<T>& ending) {
    launch(ctx, grid.blocks(),
           MmaProduct<Shape, MatrixOperand<T>, a_along_depth, MatrixOperand<T>, b_along_depth, MatrixEnding<T>>{
               make_operand<T>(p.a, p.depth), make_operand<T>(p.b, p.depth), ending, grid},
           Shape::shared_bytes);
  });
}

template <class T, bool a_along_depth, bool b_along_depth>
void multiply_by_shape(nr_context* ctx, const MatmulPlan& p) {
  const nr_device& device = device_of(ctx);
  if constexpr (sizeof(T) == 2) {
    const bool is_even = make_operand<T>(p.a, p.depth).granule >= 4 && make_operand<T>(p.b, p.depth).granule >= 4;
    if (device.capability < 80 || !is_even)
      return multiply_tiles<T, ThroughRegisters, a_along_depth, b_along_depth>(ctx, p, 4);
  }
  if (p.a.lines <= 16) return multiply_tiles<T, Flat, a_along_depth, b_along_depth>(ctx, p, 2);
  const int64_t large = p.batches * tiles_for(p.a.lines, Large<T>::a_lines) * tiles_for(p.b.lines, Large<T>::b_lines);
  if (large >= device.multiprocessors) return multiply_tiles<T, Large<T>, a_along_depth, b_along_depth>(ctx, p, 1);
  multiply_tiles<T, Medium, a_along_depth, b_along_depth>(ctx, p, 2);
}

// A by lines and B by depth is the turned product of A by depth and B by lines.
template <class T>
void multiply_by_layout(nr_context* ctx, MatmulPlan p) {
  if (!p.a.is_along_depth() && p.b.is_along_depth()) p.turn();
  if (!p.a.is_along_depth())
    multiply_by_shape<T, false, false>(ctx, p);
  else if (p.b.is_along_depth())
    multiply_by_shape<T, true, true>(ctx, p);
  else
    multiply_by_shape<T, true, false>(ctx, p);
}

}  // namespace
}  // namespace neurite::cuda
