// Products of one to four lines of A: memory-bound, as each element of B is used for one to four products only. B is
// read once, 16 bytes at a time and several of them in flight in each lane; A is small and comes from the caches. Where
// B's depth lies side by side, a warp multiplies four of its lines, the lanes along the depth, and adds up what the
// lanes have; where its lines do, each lane has some of them, and the warps of a block, one behind the other along the
// depth, add up their sums in shared memory. The depth is cut until there are enough blocks to keep the memory busy.
#include "dispatch.h"
#include "matmul_operands.h"
#include "reduce.h"

namespace neurite::cuda {
namespace {

// A's elements, one at a time.
template <class T>
struct ThinLines {
  using C = sum_of<T>;
  const T* data;
  int64_t line_stride, depth_stride;
  int lines;

  __device__ C at(int line, int64_t depth) const {
    return static_cast<C>(computed(data[line * line_stride + depth * depth_stride]));
  }
};

template <class T>
__device__ inline ThinLines<T> lines_of(const MatrixOperand<T>& a, int64_t batch) {
  int64_t offset[1];
  a.batches.offsets(batch, offset);
  return {a.data + offset[0], a.line_stride, a.depth_stride, static_cast<int>(a.lines)};
}

template <class T, int lines>
struct ThinAlongDepth {
  static constexpr int threads = 128, columns = 4;  // of a warp
  static constexpr int a_lines = lines, b_lines = threads / 32 * columns, depth = 32 * pack_size<T>;
  using C = sum_of<T>;
  using PartA = TilePart<T, true, lines, depth, 32>;
  using PartB = TilePart<T, true, columns, depth, 32>;

  MatrixOperand<T> a, b;
  MatrixEnding<T> ending;
  TileGrid grid;

  __device__ void operator()() const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const Tile tile = grid.locate(blockIdx.x, a_lines, b_lines);
    const int64_t line = tile.line_b + static_cast<int>(threadIdx.x) / 32 * columns;
    const int64_t first = tile.depth + PartB::first_depth(lane);
    auto b_walk = b.template walk<PartB>(tile.batch, line, first, tile.depth_end);
    C sums[lines][columns] = {};
    if (a.is_along_depth) {
      auto a_walk = a.template walk<PartA>(tile.batch, 0, first, tile.depth_end);
      for (int64_t k = tile.depth; k < tile.depth_end; k += depth) {
        Pack<T, PartA::lanes> x[lines];
#pragma unroll
        for (int i = 0; i < lines; i++) x[i] = a.template read<PartA>(a_walk, i);
        add_products(sums, b_walk, [&](int i, int j) { return static_cast<C>(computed(x[i].at[j])); });
        a.advance(a_walk, depth);
        b.advance(b_walk, depth);
      }
    } else {
      const ThinLines<T> x = lines_of(a, tile.batch);
      for (int64_t k = first; k - PartB::first_depth(lane) < tile.depth_end; k += depth) {
        add_products(sums, b_walk,
                     [&](int i, int j) { return i < x.lines && k + j < tile.depth_end ? x.at(i, k + j) : C(0); });
        b.advance(b_walk, depth);
      }
    }
    C mine = 0;
#pragma unroll
    for (int i = 0; i < lines; i++)
#pragma unroll
      for (int j = 0; j < columns; j++) {
        const C sum = reduce_warp(sums[i][j], Sum{});
        if (lane == i * columns + j) mine = sum;
      }
    const int i = lane / columns, j = lane % columns;
    C v[1] = {mine};
    if (i < lines) {
      if (ending.turned())
        ending.finish(tile, line + j, i, v);
      else
        ending.finish(tile, i, line + j, v);
    }
  }

 private:
  template <class Walk, class X>
  __device__ void add_products(C (&sums)[lines][columns], const Walk& walk, const X& x) const {
    Pack<T, PartB::lanes> y[columns];
#pragma unroll
    for (int j = 0; j < columns; j++) y[j] = b.template read<PartB>(walk, j);
#pragma unroll
    for (int k = 0; k < PartB::lanes; k++)
#pragma unroll
      for (int i = 0; i < lines; i++) {
        const C factor = x(i, k);
#pragma unroll
        for (int j = 0; j < columns; j++) sums[i][j] += factor * static_cast<C>(computed(y[j].at[k]));
      }
  }
};

template <class T, int lines>
struct ThinAlongLines {
  static constexpr int threads = 128, warps = threads / 32, lanes = pack_size<T>;
  static constexpr int rows = lines == 1 ? 8 : 4;  // of B's depth that a warp reads at once
  static constexpr int a_lines = lines, b_lines = 32 * lanes, depth = warps * rows;
  using C = sum_of<T>;
  using PartB = TilePart<T, false, b_lines, rows, 32>;

  MatrixOperand<T> a, b;
  MatrixEnding<T> ending;
  TileGrid grid;

  __device__ void operator()() const {
    SIMT_SHARED(C, parts, [warps][b_lines + 16 / sizeof(C)]);
    const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
    const Tile tile = grid.locate(blockIdx.x, a_lines, b_lines);
    const ThinLines<T> x = lines_of(a, tile.batch);
    auto walk = b.template walk<PartB>(tile.batch, tile.line_b + PartB::first_line(lane), tile.depth + warp * rows,
                                       tile.depth_end);
    C sums[lines][lanes] = {};
    for (int64_t k = tile.depth + warp * rows; k < tile.depth_end; k += depth) {
      Pack<T, lanes> y[rows];
#pragma unroll
      for (int r = 0; r < rows; r++) y[r] = b.template read<PartB>(walk, r);
#pragma unroll
      for (int r = 0; r < rows; r++)
#pragma unroll
        for (int i = 0; i < lines; i++) {
          const C factor = i < x.lines && k + r < tile.depth_end ? x.at(i, k + r) : C(0);
#pragma unroll
          for (int j = 0; j < lanes; j++) sums[i][j] += factor * static_cast<C>(computed(y[r].at[j]));
        }
      b.advance(walk, depth);
    }
#pragma unroll
    for (int i = 0; i < lines; i++) {
      if (i > 0) __syncthreads();  // the parts of the line before have been read
#pragma unroll
      for (int j = 0; j < lanes; j++) parts[warp][lane * lanes + j] = sums[i][j];
      __syncthreads();
      for (int n = thread; n < b_lines; n += threads) {
        C v[1] = {parts[0][n]};
        for (int w = 1; w < warps; w++) v[0] += parts[w][n];
        if (ending.turned())
          ending.finish(tile, tile.line_b + n, i, v);
        else
          ending.finish(tile, i, tile.line_b + n, v);
      }
    }
  }
};

template <class T, class Kernel>
void multiply(nr_context* ctx, const MatmulPlan& p) {
  const int64_t tiles = p.batches * tiles_for(p.b.lines, Kernel::b_lines);
  const int64_t parts = matmul_parts(ctx, tiles, 4, p.depth, 4 * Kernel::depth);
  const TileGrid grid =
      make_tile_grid(p.batches, p.a.lines, p.b.lines, p.depth, Kernel::a_lines, Kernel::b_lines, Kernel::depth, parts);
  in_parts<T>(ctx, p, grid, [&](const MatrixEnding<T>& ending) {
    launch(ctx, grid.blocks(), Kernel{make_operand<T>(p.a, p.depth), make_operand<T>(p.b, p.depth), ending, grid});
  });
}

}  // namespace

void matmul_thin(nr_context* ctx, const MatmulPlan& p) {
  dispatch(types<float, double, nr_f16, nr_bf16, int32_t, int64_t>{}, p.y.dtype, [&]<class T>() {
    const bool along_depth = p.b.is_along_depth();
    if (p.a.lines == 1)
      along_depth ? multiply<T, ThinAlongDepth<T, 1>>(ctx, p) : multiply<T, ThinAlongLines<T, 1>>(ctx, p);
    else
      along_depth ? multiply<T, ThinAlongDepth<T, thin_lines>>(ctx, p)
                  : multiply<T, ThinAlongLines<T, thin_lines>>(ctx, p);
  });
}

}  // namespace neurite::cuda
