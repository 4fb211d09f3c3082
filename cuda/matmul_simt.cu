// Matrix products on the ordinary cores (simt_tile.h). A tile of 128 × 128 reads 1 byte of operands from memory for 16
// products of float32; the arithmetic is the bound: 64 of them for 4 reads of shared memory. Smaller tiles are for
// smaller results, and for types that have fewer units. Where tiles are few and the depth is long it is cut.
#include "device.h"
#include "dispatch.h"
#include "matmul_operands.h"
#include "simt_tile.h"

namespace neurite::cuda {
namespace {

using Large = SimtShape<4, 2, 8, 8>;    // 128 × 128
using Medium = SimtShape<4, 2, 4, 16>;  // 64 × 64
using Flat = SimtShape<1, 4, 4, 16>;    // 16 × 128
using Small = SimtShape<1, 1, 4, 16>;   // 16 × 32

template <class T, class Shape>
void multiply(nr_context* ctx, const MatmulPlan& p, int64_t blocks_of_processor) {
  const int64_t tiles = p.batches * tiles_for(p.a.lines, Shape::a_lines) * tiles_for(p.b.lines, Shape::b_lines);
  const int64_t parts = matmul_parts(ctx, tiles, blocks_of_processor, p.depth, 16 * Shape::depth);
  const TileGrid grid =
      make_tile_grid(p.batches, p.a.lines, p.b.lines, p.depth, Shape::a_lines, Shape::b_lines, Shape::depth, parts);
  in_parts<T>(ctx, p, grid, [&](const MatrixEnding<T>& ending) {
    launch(ctx, grid.blocks(),
           SimtProduct<Shape, MatrixOperand<T>, MatrixOperand<T>, MatrixEnding<T>>{
               make_operand<T>(p.a, p.depth), make_operand<T>(p.b, p.depth), ending, grid});
  });
}

template <class T>
void multiply_by_shape(nr_context* ctx, const MatmulPlan& p) {
  if (p.a.lines <= 16 && p.b.lines <= 32) return multiply<T, Small>(ctx, p, 8);
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, nr_bf16>) {
    if (p.a.lines <= 16) return multiply<T, Flat>(ctx, p, 4);
    const int64_t large = p.batches * tiles_for(p.a.lines, Large::a_lines) * tiles_for(p.b.lines, Large::b_lines);
    if (large >= device_of(ctx).multiprocessors) return multiply<T, Large>(ctx, p, 1);
  }
  multiply<T, Medium>(ctx, p, 2);
}

}  // namespace

void matmul_simt(nr_context* ctx, const MatmulPlan& p) {
  dispatch(types<float, double, nr_f16, nr_bf16, int32_t, int64_t>{}, p.y.dtype,
           [&]<class T>() { multiply_by_shape<T>(ctx, p); });
}

}  // namespace neurite::cuda
