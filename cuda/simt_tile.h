// Products by tiles on the ordinary cores: of float32 to its full precision, of float64 and integers, and of 16-bit
// floats, widened, where tensor cores do not have them or matrices are tiny. Each thread has 8 × 8 or 4 × 4 sums in
// registers; its operands' tiles come through registers into shared memory, one tile ahead, where they lie by the
// depth, so that a thread reads 16 bytes at a time and the lanes of a warp share what they read. Operands and endings
// are those of mma_tile.h; an operand's is_along_depth may be known to its type.
#pragma once
#include "numbers.h"
#include "tile.h"

namespace neurite::cuda {
namespace {

// The lanes of a warp are 4 × 8 in y.
template <int warp_rows, int warp_columns, int sums_of_thread, int depth_of_tile>
struct SimtShape {
  static constexpr int warps_a = warp_rows, warps_b = warp_columns, side = sums_of_thread, depth = depth_of_tile;
  static constexpr int warp_a = 4 * side, warp_b = 8 * side;
  static constexpr int a_lines = warps_a * warp_a, b_lines = warps_b * warp_b;
  static constexpr int threads = warps_a * warps_b * 32;
};

// f<is_along_depth>() for an operand.
template <class Operand, class F>
__device__ inline void with_direction(const Operand& operand, const F& f) {
  if constexpr (requires { std::bool_constant<Operand::is_along_depth>{}; })
    f.template operator()<Operand::is_along_depth>();
  else if (operand.is_along_depth)
    f.template operator()<true>();
  else
    f.template operator()<false>();
}

// An operand on its way from memory to shared memory.
template <class Operand, int lines, int depth, int threads>
struct SimtSide {
  using T = typename Operand::element;
  using C = sum_of<T>;
  template <bool along_depth>
  using Part = TilePart<T, along_depth, lines, depth, threads>;
  static constexpr int lanes = pack_size<T>, stride = lines + 16 / sizeof(C);
  struct alignas(16) Rows {
    C at[depth][stride];
  };

  const Operand& operand;
  decltype(Operand{}.template walk<Part<true>>(0, 0, 0, 0)) walk;
  Pack<T, lanes> chunks[Part<true>::count];

  __device__ SimtSide(const Operand& o, int64_t batch, int64_t line, int64_t first, int64_t end) : operand(o) {
    const int thread = static_cast<int>(threadIdx.x);
    with_direction(operand, [&]<bool along_depth>() {
      using P = Part<along_depth>;
      static_assert(P::count == Part<true>::count);
      walk = operand.template walk<P>(batch, line + P::first_line(thread), first + P::first_depth(thread), end);
    });
  }

  __device__ void read() {
    with_direction(operand, [&]<bool along_depth>() {
      using P = Part<along_depth>;
      for (int i = 0; i < P::count; i++)
        if (P::has(static_cast<int>(threadIdx.x), i)) chunks[i] = operand.template read<P>(walk, i);
    });
    operand.advance(walk, depth);
  }

  __device__ void put(Rows& rows) const {
    const int thread = static_cast<int>(threadIdx.x);
    with_direction(operand, [&]<bool along_depth>() {
      using P = Part<along_depth>;
      for (int i = 0; i < P::count; i++) {
        if (!P::has(thread, i)) continue;
        const int row = P::row(thread) + i * P::step, at = P::chunk(thread) * lanes;
        if constexpr (along_depth) {
          for (int j = 0; j < lanes; j++) rows.at[at + j][row] = static_cast<C>(computed(chunks[i].at[j]));
        } else {
          constexpr int some = 16 / sizeof(C);
          for (int j = 0; j < lanes; j += some) {
            Pack<C, some> pack;
            for (int k = 0; k < some; k++) pack.at[k] = static_cast<C>(computed(chunks[i].at[j + k]));
            store_pack(&rows.at[row][at + j], pack);
          }
        }
      }
    });
  }
};

template <class Shape, class A, class B, class Ending>
struct SimtProduct {
  using C = sum_of<typename A::element>;
  static constexpr int threads = Shape::threads, side = Shape::side, depth = Shape::depth;
  static constexpr int min_blocks = 512 / threads;
  static constexpr int group =
      16 / sizeof(C);  // sums that lie side by side; a thread's groups are a warp's width apart
  using SideA = SimtSide<A, Shape::a_lines, depth, threads>;
  using SideB = SimtSide<B, Shape::b_lines, depth, threads>;

  A a;
  B b;
  Ending ending;
  TileGrid grid;

  __device__ void operator()() const {
    SIMT_SHARED(typename SideA::Rows, a_rows, [2]);
    SIMT_SHARED(typename SideB::Rows, b_rows, [2]);
    const Tile tile = grid.locate(blockIdx.x, Shape::a_lines, Shape::b_lines);
    const int tiles = static_cast<int>((tile.depth_end - tile.depth + depth - 1) / depth);
    SideA a_side(a, tile.batch, tile.line_a, tile.depth, tile.depth_end);
    SideB b_side(b, tile.batch, tile.line_b, tile.depth, tile.depth_end);
    C sums[side][side] = {};
    a_side.read();
    b_side.read();
    for (int i = 0; i < tiles; i++) {
      a_side.put(a_rows[i % 2]);
      b_side.put(b_rows[i % 2]);
      __syncthreads();
      if (i + 1 < tiles) {
        a_side.read();
        b_side.read();
      }
      multiply_tile(a_rows[i % 2], b_rows[i % 2], sums);
    }
    finish(tile, sums);
  }

 private:
  // Lines of a thread's sums i, i + 1 … of a group.
  static __device__ int a_line(int i) {
    const int thread = static_cast<int>(threadIdx.x);
    return thread / 32 / Shape::warps_b * Shape::warp_a + i / group * 4 * group + thread % 32 / 8 * group;
  }
  static __device__ int b_line(int i) {
    const int thread = static_cast<int>(threadIdx.x);
    return thread / 32 % Shape::warps_b * Shape::warp_b + i / group * 8 * group + thread % 8 * group;
  }

  static __device__ void multiply_tile(const typename SideA::Rows& a_rows, const typename SideB::Rows& b_rows,
                                       C (&sums)[side][side]) {
#pragma unroll
    for (int k = 0; k < depth; k++) {
      Pack<C, group> x[side / group], y[side / group];
#pragma unroll
      for (int i = 0; i < side; i += group) {
        x[i / group] = load_pack<C, group>(&a_rows.at[k][a_line(i)]);
        y[i / group] = load_pack<C, group>(&b_rows.at[k][b_line(i)]);
      }
#pragma unroll
      for (int i = 0; i < side; i++)
#pragma unroll
        for (int j = 0; j < side; j++) sums[i][j] += x[i / group].at[i % group] * y[j / group].at[j % group];
    }
  }

  __device__ void finish(const Tile& tile, const C (&sums)[side][side]) const {
    const bool turned = ending.turned();
#pragma unroll 1
    for (int current = 0; current < side; current++) {
      C line[side];
#pragma unroll
      for (int i = 0; i < side; i++)
#pragma unroll
        for (int j = 0; j < side; j++)
          if (i == current) line[j] = turned ? sums[j][i] : sums[i][j];
#pragma unroll
      for (int j = 0; j < side; j += group) {
        C v[group];
#pragma unroll
        for (int k = 0; k < group; k++) v[k] = line[j + k];
        if (turned)
          ending.finish(tile, tile.line_b + b_line(current) + current % group, tile.line_a + a_line(j), v);
        else
          ending.finish(tile, tile.line_a + a_line(current) + current % group, tile.line_b + b_line(j), v);
      }
    }
  }
};

}  // namespace
}  // namespace neurite::cuda
