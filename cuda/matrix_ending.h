// How tiled products end in a contiguous y [batches, rows, columns]: the bias of a column is added and the epilogue
// applied; or, where the depth is cut, the sums of each part are kept and a second launch adds them up, in order.
#pragma once
#include "epilogue.h"
#include "launch.h"
#include "tile.h"

namespace neurite::cuda {
namespace {

template <class T>
struct MatrixEnding {
  using C = compute_of<T>;
  static constexpr int pack = pack_size<T>;
  Epilogue<T> epilogue;
  const T* bias;  // or NULL
  int64_t bias_stride;
  C* parts;  // [parts, batches, rows, columns], or NULL
  int64_t batches, rows, columns;
  bool is_turned;

  __device__ bool turned() const { return is_turned; }

  template <int N>
  __device__ void finish(const Tile& tile, int64_t row, int64_t column, C (&v)[N]) const {
    if (row >= rows || column >= columns) return;
    const int count = columns - column < N ? static_cast<int>(columns - column) : N;
    const int64_t at = (tile.batch * rows + row) * columns + column;
    if (parts)
      keep(tile.part * (batches * rows * columns) + at, v, count);
    else
      finish_sums(at, column, v, count);
  }

  // Of y's elements at, at + 1 …, in the columns from `column` on.
  template <int N>
  __device__ void finish_sums(int64_t at, int64_t column, C (&v)[N], int count) const {
    if (bias) {
      for (int i = 0; i < N; i++)
        if (i < count) v[i] += computed(bias[(column + i) * bias_stride]);
    }
    epilogue.finish(at, v, count);
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
template <class T>
struct FinishParts {
  static constexpr int threads = 128;
  using C = compute_of<T>;
  MatrixEnding<T> ending;
  int32_t parts;
  int64_t packs, packs_of_row;

  __device__ void operator()() const {
    constexpr int pack = MatrixEnding<T>::pack;
    const int64_t numel = ending.batches * ending.rows * ending.columns;
    for (int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x; i < packs; i += int64_t{gridDim.x} * threads) {
      const int64_t column = i % packs_of_row * pack, at = i / packs_of_row * ending.columns + column;
      const int count = ending.columns - column < pack ? static_cast<int>(ending.columns - column) : pack;
      C v[pack] = {};
      for (int32_t p = 0; p < parts; p++) add_elements(ending.parts + p * numel + at, v, count);
      ending.finish_sums(at, column, v, count);
    }
  }

 private:
  static __device__ void add_elements(const C* from, C (&v)[MatrixEnding<T>::pack], int count) {
#pragma unroll
    for (int i = 0; i < MatrixEnding<T>::pack; i++)
      if (i < count) v[i] += from[i];
  }
};

template <class T>
void finish_parts(nr_context* ctx, const MatrixEnding<T>& ending, uint32_t parts) {
  const int64_t of_row = (ending.columns + pack_size<T> - 1) / pack_size<T>;
  const FinishParts<T> kernel = {ending, static_cast<int32_t>(parts), ending.batches * ending.rows * of_row, of_row};
  launch(ctx, blocks_for(kernel.packs, kernel.threads), kernel);
}

}  // namespace
}  // namespace neurite::cuda
