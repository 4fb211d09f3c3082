// The product of a step of a recurrent layer: 16 rows of states times `columns` rows of weights, one block's tile. K is
// long and the tile small, because a step must fill the chip with a few thousand results: so the warps of a block share
// K, each adds up the whole tile, and their sums meet in shared memory, in a fixed order. Weights are read once per 16
// sequences, from the second-level cache from the second step on: 16 multiplications for each element.
//   Tensor cores (f16, bf16, float32 rounded to tf32): operands go straight from global memory to fragments, 16 bytes
//   for each lane. The order of K within 4 such pieces is the lanes' own, the same for both operands.
//   Otherwise: pieces of both operands in shared memory, converted once to what is computed in; a thread has one row.
#pragma once
#include "dispatch.h"
#include "matrix.h"
#include "pack.h"

namespace neurite::cuda {
namespace {

constexpr int recurrent_threads = 256, recurrent_warps = recurrent_threads / 32, recurrent_rows = 16;

template <class T>
constexpr bool has_tensor_cores = is_half<T> || std::is_same_v<T, float>;

// 16 bytes of a row from element k on, zero beyond its end; `row` may be NULL. Floats are rounded to tf32.
template <class T>
__device__ inline Pack<uint32_t, 4> load_piece(const T* row, int64_t k, int64_t K, bool aligned) {
  constexpr int size = pack_size<T>;
  Pack<T, size> piece = {};
  if (row && aligned && k + size <= K) {
    piece = load_pack<T, size>(row + k);
  } else if (row) {
#pragma unroll
    for (int i = 0; i < size; i++)
      if (k + i < K) piece.at[i] = row[k + i];
  }
  Pack<uint32_t, 4> words;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if constexpr (is_half<T>)
      words.at[i] = piece.at[2 * i].bits | static_cast<uint32_t>(piece.at[2 * i + 1].bits) << 16;
    else
      words.at[i] = to_tf32(piece.at[i]);
  }
  return words;
}

// row(i) for i < 16 and column(j) for j < columns give the K elements of an operand, or NULL for zeros.
template <class T, int columns>
struct TensorCoreProduct {
  static_assert(columns % 8 == 0);
  using C = float;
  static constexpr int parts = recurrent_warps, stride = columns + 8;  // pairs of columns without bank conflicts
  struct Shared {
    C sums[parts][recurrent_rows][stride];
  };

  template <class Row, class Column>
  static __device__ void run(Shared& shared, const Row& row, const Column& column, int64_t K, bool aligned) {
    constexpr int tiles = columns / 8, size = pack_size<T>;
    const int thread = static_cast<int>(threadIdx.x), warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
    const T *upper = row(g), *lower = row(g + 8);
    const T* weights[tiles];
#pragma unroll
    for (int j = 0; j < tiles; j++) weights[j] = column(8 * j + g);
    float sums[tiles][4] = {};
    for (int64_t k = warp * 4 * size; k < K; k += recurrent_warps * 4 * size) {
      const auto high = load_piece(upper, k + t * size, K, aligned), low = load_piece(lower, k + t * size, K, aligned);
      Pack<uint32_t, 4> w[tiles];
#pragma unroll
      for (int j = 0; j < tiles; j++) w[j] = load_piece(weights[j], k + t * size, K, aligned);
#pragma unroll
      for (int half = 0; half < 4; half += 2) {
        const uint32_t a[4] = {high.at[half], low.at[half], high.at[half + 1], low.at[half + 1]};
#pragma unroll
        for (int j = 0; j < tiles; j++) {
          const uint32_t b[2] = {w[j].at[half], w[j].at[half + 1]};
          if constexpr (is_half<T>)
            multiply<T>(sums[j], a, b);
          else
            multiply_tf32(sums[j], a, b);
        }
      }
    }
#pragma unroll
    for (int j = 0; j < tiles; j++)
#pragma unroll
      for (int i = 0; i < 4; i++) shared.sums[warp][g + i / 2 * 8][8 * j + 2 * t + i % 2] = sums[j][i];
  }
};

template <class T, int columns>
struct PlainProduct {
  static_assert(columns % 16 == 0);
  using C = compute_of<T>;
  static constexpr int parts = 1, stride = columns;
  static constexpr int depth = 32, lanes = pack_size<C>, pitch = depth + lanes;  // of rows of pieces
  struct Shared {
    alignas(16) C a[recurrent_rows][pitch];
    alignas(16) C w[columns][pitch];
    C sums[parts][recurrent_rows][stride];
  };

  template <class Row, class Column>
  static __device__ void run(Shared& shared, const Row& row, const Column& column, int64_t K, bool) {
    constexpr int groups = columns / 16, lines = recurrent_rows + columns, warps = recurrent_warps;
    const int thread = static_cast<int>(threadIdx.x), i = thread / 16, j = thread % 16;
    C sums[groups] = {};
    for (int64_t k = 0; k < K; k += depth) {
      __syncthreads();
      for (int line = thread / 32; line < lines; line += warps) {  // a warp loads one line at a time
        const T* from = line < recurrent_rows ? row(line) : column(line - recurrent_rows);
        C* to = line < recurrent_rows ? shared.a[line] : shared.w[line - recurrent_rows];
        const int64_t at = k + thread % 32;
        to[thread % 32] = from && at < K ? computed(from[at]) : C(0);
      }
      __syncthreads();
#pragma unroll
      for (int d = 0; d < depth; d += lanes) {
        const auto a = load_pack<C, lanes>(&shared.a[i][d]);
#pragma unroll
        for (int group = 0; group < groups; group++) {
          const auto w = load_pack<C, lanes>(&shared.w[group * 16 + j][d]);
#pragma unroll
          for (int l = 0; l < lanes; l++) sums[group] += a.at[l] * w.at[l];
        }
      }
    }
#pragma unroll
    for (int group = 0; group < groups; group++) shared.sums[0][i][group * 16 + j] = sums[group];
  }
};

// One result of the tile, after a barrier.
template <class Product>
__device__ inline typename Product::C result_of(const typename Product::Shared& shared, int i, int column) {
  typename Product::C sum = 0;
#pragma unroll
  for (int part = 0; part < Product::parts; part++) sum += shared.sums[part][i][column];
  return sum;
}

}  // namespace
}  // namespace neurite::cuda
