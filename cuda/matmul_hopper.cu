// Matrix products of 16-bit floats by the copy engine and the warp groups of sm_90a (hopper_tile.h).
#include "device.h"
#include "dispatch.h"
#include "hopper_tile.h"
#include "matmul_operands.h"

namespace neurite::cuda {
namespace {

#if defined(__CUDACC__) && !defined(NR_SM90A)
constexpr bool is_built = false;
#else
constexpr bool is_built = true;
#endif

// False if the copy engine cannot read the operand: it wants rows at multiples of 16 bytes.
template <class T>
bool map_operand(const MatmulOperand& o, int64_t depth, int lines, TensorMap* map) {
  const MatrixOperand<T> m = make_operand<T>(o, depth);
  const int64_t most = int64_t{1} << 31, rows = m.is_along_depth ? o.lines : depth;
  if (m.granule != 16 || m.panel || o.lines >= most || depth >= most) return false;
  const int64_t columns = m.is_along_depth ? depth : o.lines,
                stride = m.is_along_depth ? o.line_stride : o.depth_stride;
  if (stride < columns) return false;
  return make_tensor_map(*map, o.data, dtype_of<T>, rows, columns, stride * 2,
                         m.is_along_depth ? lines : HopperShape<1>::depth);
}

template <class T, int wide, bool a_along_depth, bool b_along_depth>
bool multiply_tiles(nr_context* ctx, const MatmulPlan& p) {
  using Shape = HopperShape<wide>;
  const TileGrid grid =
      make_tile_grid(1, p.a.lines, p.b.lines, p.depth, Shape::a_lines, Shape::b_lines, Shape::depth, 1);
  HopperProduct<T, wide, a_along_depth, b_along_depth, MatrixEnding<T>> kernel = {{}, {}, make_ending<T>(p), grid};
  if (!map_operand<T>(p.a, p.depth, Shape::a_lines, &kernel.a) ||
      !map_operand<T>(p.b, p.depth, Shape::b_lines, &kernel.b))
    return false;
  launch(ctx, grid.blocks(), kernel, Shape::shared_bytes);
  return true;
}

template <class T, int wide>
bool multiply_by_layout(nr_context* ctx, MatmulPlan p) {
  if (!p.a.is_along_depth() && p.b.is_along_depth()) p.turn();
  if (!p.a.is_along_depth()) return multiply_tiles<T, wide, false, false>(ctx, p);
  return p.b.is_along_depth() ? multiply_tiles<T, wide, true, true>(ctx, p)
                              : multiply_tiles<T, wide, true, false>(ctx, p);
}

int64_t tiles_of(const MatmulPlan& p, int lines) {
  return int64_t{tiles_for(p.a.lines, 128)} * tiles_for(p.b.lines, lines);
}

}  // namespace

bool matmul_hopper(nr_context* ctx, const MatmulPlan& p) {
  const nr_device& device = device_of(ctx);
  if (!is_built || device.capability != 90 || p.batches != 1 || p.depth == 0 ||
      tiles_of(p, 128) < device.multiprocessors)
    return false;
  bool is_done = false;
  dispatch(half_types{}, p.y.dtype, [&]<class T>() {
    is_done = tiles_of(p, 256) < 2 * device.multiprocessors ? multiply_by_layout<T, 1>(ctx, p)
                                                            : multiply_by_layout<T, 2>(ctx, p);
  });
  return is_done;
}

}  // namespace neurite::cuda
