// Products by tiles on tensor cores of sm_75 and later, of 16-bit floats and of floats rounded to tf32: a block
// multiplies a tile of y, its warps a part of it each. Tiles of the operands come into shared memory several steps
// ahead of their use (cp.async), or one step ahead through registers where copies cannot be asynchronous; fragments one
// step ahead of theirs. There is one barrier for each step of a tile's depth.
//
// Whatever has the functions of matrix_operand.h may be multiplied, and what becomes of the sums is up to an ending:
//   finish(tile, row, column, v)   v[pack] are sums of y's row `row`, from `column` on; some may lie outside of y
//   turned()                       y's rows are lines of B, its columns lines of A
#pragma once
#include "async_copy.h"
#include "shared_tile.h"
#include "warp_sums.h"

namespace neurite::cuda {
namespace {

// A block's tile has a_lines × b_lines of y and depth_bytes of each line's depth; `stages` of them are in shared
// memory.
template <int block_a, int block_b, int depth_bytes, int warp_rows, int warp_columns, int stage_count, bool async>
struct MmaShape {
  static constexpr int a_lines = block_a, b_lines = block_b, warps_a = warp_rows, warps_b = warp_columns;
  static constexpr int stages = stage_count, bytes_of_depth = depth_bytes;
  static constexpr bool is_async = async;
  static constexpr int threads = warps_a * warps_b * 32;
  static constexpr int warp_a = a_lines / warps_a, warp_b = b_lines / warps_b;  // lines of a warp
  static_assert(warp_a % 16 == 0 && warp_b % 16 == 0 && (async ? stages > 2 : stages == 2));

  static constexpr int stage_bytes = (a_lines + b_lines) * depth_bytes;
  using Sums = WarpSums<warp_a, warp_b>;
  static constexpr int slabs_bytes = Sums::slab * 4 * warps_a * warps_b;
  static constexpr int shared_bytes = stages * stage_bytes > slabs_bytes ? stages* stage_bytes : slabs_bytes;
  template <class T>
  static constexpr int depth = depth_bytes / static_cast<int>(sizeof(T));
};

template <class Shape, class A, bool a_along_depth, class B, bool b_along_depth, class Ending>
struct MmaProduct {
  using T = typename A::element;
  static constexpr int threads = Shape::threads;
  static constexpr int depth = Shape::template depth<T>;
  using PartA = TilePart<T, a_along_depth, Shape::a_lines, depth, threads>;
  using PartB = TilePart<T, b_along_depth, Shape::b_lines, depth, threads>;
  using TileA = SharedTile<T, a_along_depth, Shape::a_lines, depth>;
  using TileB = SharedTile<T, b_along_depth, Shape::b_lines, depth>;
  static constexpr int steps = TileA::steps;  // of a tile's depth
  static constexpr int rows = Shape::warp_a / 16, columns = Shape::warp_b / 8;
  static_assert(steps % 2 == 0);

  A a;
  B b;
  Ending ending;
  TileGrid grid;

  __device__ void operator()() const {
    if constexpr (has_products<T> && (has_async_copies || !Shape::is_async)) {
      SIMT_DYN_SHARED(unsigned char, memory);
      const Tile tile = grid.locate(blockIdx.x, Shape::a_lines, Shape::b_lines);
      float sums[rows][columns][4] = {};
      multiply_tile(memory, tile, sums);
      __syncthreads();  // nobody reads operands any more
      const int warp = static_cast<int>(threadIdx.x) / 32;
      Shape::Sums::finish(reinterpret_cast<float*>(memory) + warp * Shape::Sums::slab, ending, tile,
                          tile.line_a + warp_line_a(), tile.line_b + warp_line_b(), sums);
    }
  }

 private:
  struct Fragments {
    uint32_t a[rows][4], b[columns][2];
  };
  struct Walks {
    decltype(A{}.template walk<PartA>(0, 0, 0, 0)) a;
    decltype(B{}.template walk<PartB>(0, 0, 0, 0)) b;
  };
  struct Chunks {
    Pack<T, PartA::lanes> a[PartA::count];
    Pack<T, PartB::lanes> b[PartB::count];
  };

  static __device__ unsigned char* stage(unsigned char* memory, int i) {
    return memory + i % Shape::stages * Shape::stage_bytes;
  }

  __device__ void advance(Walks& w) const {
    a.advance(w.a, depth);
    b.advance(w.b, depth);
  }

  // The operands' next tiles, asynchronously.
  __device__ void copy(Walks& w, unsigned char* to) const {
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < PartA::count; i++)
      if (PartA::has(thread, i))
        a.template copy<PartA>(w.a, i, to + TileA::offset(PartA::row(thread) + i * PartA::step, PartA::chunk(thread)));
    to += TileA::bytes;
#pragma unroll
    for (int i = 0; i < PartB::count; i++)
      if (PartB::has(thread, i))
        b.template copy<PartB>(w.b, i, to + TileB::offset(PartB::row(thread) + i * PartB::step, PartB::chunk(thread)));
    advance(w);
  }

  // The same through registers.
  __device__ void read(Walks& w, Chunks& chunks) const {
#pragma unroll
    for (int i = 0; i < PartA::count; i++) chunks.a[i] = a.template read<PartA>(w.a, i);
#pragma unroll
    for (int i = 0; i < PartB::count; i++) chunks.b[i] = b.template read<PartB>(w.b, i);
    advance(w);
  }
  __device__ void put(const Chunks& chunks, unsigned char* to) const {
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < PartA::count; i++)
      if (PartA::has(thread, i))
        store_pack(reinterpret_cast<T*>(to + TileA::offset(PartA::row(thread) + i * PartA::step, PartA::chunk(thread))),
                   chunks.a[i]);
    to += TileA::bytes;
#pragma unroll
    for (int i = 0; i < PartB::count; i++)
      if (PartB::has(thread, i))
        store_pack(reinterpret_cast<T*>(to + TileB::offset(PartB::row(thread) + i * PartB::step, PartB::chunk(thread))),
                   chunks.b[i]);
  }

  static __device__ int warp_line_a() {
    return static_cast<int>(threadIdx.x) / 32 / Shape::warps_b * Shape::warp_a;
  }
  static __device__ int warp_line_b() {
    return static_cast<int>(threadIdx.x) / 32 % Shape::warps_b * Shape::warp_b;
  }

  static __device__ void load(Fragments& f, const unsigned char* tiles, int step) {
#pragma unroll
    for (int i = 0; i < rows; i++) TileA::left(f.a[i], tiles, warp_line_a() + 16 * i, step);
#pragma unroll
    for (int j = 0; j < columns; j += 2)
      TileB::right(f.b[j], f.b[j + 1], tiles + TileA::bytes, warp_line_b() + 8 * j, step);
  }
  static __device__ void multiply_fragments(float (&sums)[rows][columns][4], const Fragments& f) {
#pragma unroll
    for (int i = 0; i < rows; i++)
#pragma unroll
      for (int j = 0; j < columns; j++) {
        if constexpr (sizeof(T) == 4)
          multiply_tf32(sums[i][j], f.a[i], f.b[j]);
        else
          multiply<T>(sums[i][j], f.a[i], f.b[j]);
      }
  }

  __device__ void multiply_tile(unsigned char* memory, const Tile& tile, float (&sums)[rows][columns][4]) const {
    const int thread = static_cast<int>(threadIdx.x);
    const int tiles = static_cast<int>((tile.depth_end - tile.depth + depth - 1) / depth);
    Walks walks = {a.template walk<PartA>(tile.batch, tile.line_a + PartA::first_line(thread),
                                          tile.depth + PartA::first_depth(thread), tile.depth_end),
                   b.template walk<PartB>(tile.batch, tile.line_b + PartB::first_line(thread),
                                          tile.depth + PartB::first_depth(thread), tile.depth_end)};
    [[maybe_unused]] Chunks chunks;
    if constexpr (Shape::is_async) {
#pragma unroll
      for (int i = 0; i < Shape::stages - 1; i++) {
        if (i < tiles) copy(walks, stage(memory, i));
        async_commit();
      }
      async_wait<Shape::stages - 2>();
    } else if (tiles > 0) {
      read(walks, chunks);
      put(chunks, stage(memory, 0));
    }
    __syncthreads();

    Fragments fragments[2];
    if (tiles > 0) load(fragments[0], stage(memory, 0), 0);
    for (int i = 0; i < tiles; i++) {
      const bool is_last = i + 1 == tiles;
#pragma unroll
      for (int step = 0; step < steps; step++) {
        if (step + 1 < steps) {
          load(fragments[(step + 1) % 2], stage(memory, i), step + 1);
        } else {  // the next tile's first fragments, behind the barrier at which all have loaded the last ones of this
          if constexpr (Shape::is_async)
            async_wait<Shape::stages - 2>();
          else if (!is_last)
            put(chunks, stage(memory, i + 1));
          __syncthreads();
          if (!is_last) load(fragments[(step + 1) % 2], stage(memory, i + 1), 0);
        }
        if (step == 0) {
          if constexpr (Shape::is_async) {
            if (i + Shape::stages - 1 < tiles) copy(walks, stage(memory, i + Shape::stages - 1));
            async_commit();
          } else if (!is_last) {
            read(walks, chunks);
          }
        }
        multiply_fragments(sums, fragments[step % 2]);
      }
    }
    if constexpr (Shape::is_async) async_wait<0>();
  }
};

}  // namespace
}  // namespace neurite::cuda
