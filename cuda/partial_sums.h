// Sums of products whose depth is cut into parts: each part's are kept, and a second launch adds them up, in order. An
// ending of tiled products (mma_tile.h) that is made from this has
//   finish_sums(batch, row, column, v, count)   count of v's sums are those of y's elements from there on
#pragma once
#include "launch.h"
#include "pack.h"
#include "tile.h"

namespace neurite::cuda {
namespace {

template <class Sum>
struct PartialSums {
  using C = Sum;
  C* parts;  // [parts, batches, rows, columns], or NULL: the depth is whole
  int64_t batches, rows, columns;

  __device__ int64_t place(int64_t batch, int64_t row, int64_t column) const {
    return (batch * rows + row) * columns + column;
  }

  template <class Ending, int N>
  __device__ void keep_or_finish(const Ending& ending, const Tile& tile, int64_t row, int64_t column, C (&v)[N]) const {
    if (row >= rows || column >= columns) return;
    const int count = columns - column < N ? static_cast<int>(columns - column) : N;
    if (parts)
      keep(place(tile.part * batches + tile.batch, row, column), v, count);
    else
      ending.finish_sums(tile.batch, row, column, v, count);
  }

 private:
  template <int N>
  __device__ void keep(int64_t at, const C (&v)[N], int count) const {
    constexpr int four = 16 / sizeof(C);
    if constexpr (N % four == 0) {
      if (count == N && at % four == 0) {
        for (int i = 0; i < N; i += four) {
          Pack<C, four> some;
          for (int j = 0; j < four; j++) some.at[j] = v[i + j];
          store_pack(parts + at + i, some);
        }
        return;
      }
    }
    for (int i = 0; i < N; i++)
      if (i < count) parts[at + i] = v[i];
  }
};

// The second launch. Reads each part once, writes y once.
template <class Ending>
struct FinishParts {
  static constexpr int threads = 128;
  using C = typename Ending::C;
  Ending ending;
  int32_t parts;
  int64_t packs, packs_of_row;

  __device__ void operator()() const {
    constexpr int pack = Ending::pack;
    const int64_t numel = ending.batches * ending.rows * ending.columns;
    for (int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x; i < packs; i += int64_t{gridDim.x} * threads) {
      const int64_t line = i / packs_of_row, column = i % packs_of_row * pack;
      const int64_t batch = line / ending.rows, row = line % ending.rows;
      const int count = ending.columns - column < pack ? static_cast<int>(ending.columns - column) : pack;
      const C* from = ending.parts + ending.place(batch, row, column);
      C v[pack] = {};
      for (int32_t p = 0; p < parts; p++) add_elements(from + p * numel, v, count);
      ending.finish_sums(batch, row, column, v, count);
    }
  }

 private:
  static __device__ void add_elements(const C* from, C (&v)[Ending::pack], int count) {
#pragma unroll
    for (int i = 0; i < Ending::pack; i++)
      if (i < count) v[i] += from[i];
  }
};

template <class Ending>
void finish_parts(nr_context* ctx, const Ending& ending, uint32_t parts) {
  const int64_t of_row = (ending.columns + Ending::pack - 1) / Ending::pack;
  const FinishParts<Ending> kernel = {ending, static_cast<int32_t>(parts), ending.batches * ending.rows * of_row,
                                      of_row};
  launch(ctx, blocks_for(kernel.packs, kernel.threads), kernel);
}

}  // namespace
}  // namespace neurite::cuda
