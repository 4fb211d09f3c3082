// Products of a warp, 16 x 8 sums at a time, each lane holding those of (g, 2t..) and (g + 8, 2t..) with g = lane / 4
// and t = lane % 4. One vocabulary for all ways to multiply: tensor cores on 16-bit floats or, rounded to tf32, on
// float32, and plain arithmetic in float32 and float64. `depth` is how many elements of its rows one left operand
// holds.
#pragma once
#include "matrix.h"
#include "numbers.h"
#include "pack.h"

namespace neurite::cuda {
namespace {

__device__ inline int lane_index() {
  return static_cast<int>(threadIdx.x) % 32;
}

// 16-bit floats T on tensor cores.
template <class T>
struct HalfProduct {
  using Element = T;
  using Sum = float;
  static constexpr int depth = 16;
  static constexpr bool keeps_left = true;  // left operands that serve often stay in registers
  struct Left {
    uint32_t r[4];
  };

  // 16 rows of shared memory, `depth` elements of each.
  __device__ static void load(Left& a, const T* at, int pitch) {
    load_matrices(a.r, at + lane_index() % 16 * pitch + lane_index() / 16 * 8);
  }
  // Columns step * depth .. of sums become a left operand.
  __device__ static void from_sums(Left& a, const float (*c)[4], int step) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float* pair = c[2 * step + i / 2] + i % 2 * 2;
      a.r[i] = to_halves<T>(pair[0], pair[1]);
    }
  }
  // c += a bᵀ: column n of c takes the `depth` elements of row n at `at`.
  template <int row_tiles, int tiles>
  __device__ static void add_rows(float (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], const T* at, int pitch) {
    const int lane = lane_index();
    at += (lane / 16 * 8 + lane % 8) * pitch + lane / 8 % 2 * 8;
#pragma unroll
    for (int j = 0; j < tiles; j += 2) {
      uint32_t b[4];
      load_matrices(b, at + 8 * j * pitch);
      multiply_pair(c, a, b, j);
    }
  }
  // c += a b: `depth` rows at `at`, of which column n of c takes element n.
  template <int row_tiles, int tiles>
  __device__ static void add_columns(float (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], const T* at,
                                     int pitch) {
    at += lane_index() % 16 * pitch + lane_index() / 16 * 8;
#pragma unroll
    for (int j = 0; j < tiles; j += 2) {
      uint32_t b[4];
      load_matrices_transposed(b, at + 8 * j);
      multiply_pair(c, a, b, j);
    }
  }

 private:
  template <int row_tiles, int tiles>
  __device__ static void multiply_pair(float (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles],
                                       const uint32_t (&b)[4], int j) {
    const uint32_t first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
#pragma unroll
    for (int i = 0; i < row_tiles; i++) {
      multiply<T>(c[i][j], a[i].r, first);
      multiply<T>(c[i][j + 1], a[i].r, second);
    }
  }
};

// float32 rounded to tf32 on tensor cores. Sums serve as left operands where they are: element t of a depth of 8 stands
// for column 2t, element t + 4 for column 2t + 1, and add_columns reads its rows in that order.
struct Tf32Product {
  using Element = float;
  using Sum = float;
  static constexpr int depth = 8;
  static constexpr bool keeps_left = false;
  struct Left {
    uint32_t r[4];
  };

  __device__ static void load(Left& a, const float* at, int pitch) {
    at += lane_index() / 4 * pitch + lane_index() % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) a.r[i] = to_tf32(at[i % 2 * 8 * pitch + i / 2 * 4]);
  }
  __device__ static void from_sums(Left& a, const float (*c)[4], int step) {
#pragma unroll
    for (int i = 0; i < 4; i++) a.r[i] = to_tf32(c[step][i % 2 * 2 + i / 2]);
  }
  template <int row_tiles, int tiles>
  __device__ static void add_rows(float (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], const float* at,
                                  int pitch) {
    at += lane_index() / 4 * pitch + lane_index() % 4;
#pragma unroll
    for (int j = 0; j < tiles; j++) {
      const float* row = at + 8 * j * pitch;
      multiply_all(c, a, row[0], row[4], j);
    }
  }
  template <int row_tiles, int tiles>
  __device__ static void add_columns(float (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], const float* at,
                                     int pitch) {
    at += lane_index() % 4 * 2 * pitch + lane_index() / 4;
#pragma unroll
    for (int j = 0; j < tiles; j++) multiply_all(c, a, at[8 * j], at[pitch + 8 * j], j);
  }

 private:
  template <int row_tiles, int tiles>
  __device__ static void multiply_all(float (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], float first,
                                      float second, int j) {
    const uint32_t b[2] = {to_tf32(first), to_tf32(second)};
#pragma unroll
    for (int i = 0; i < row_tiles; i++) multiply_tf32(c[i][j], a[i].r, b);
  }
};

// Plain arithmetic in T, float or double: 16 bytes of each row at a time.
template <class T>
struct ExactProduct {
  using Element = T;
  using Sum = T;
  static constexpr int depth = pack_size<T>;
  static constexpr bool keeps_left = false;
  struct Left {
    Pack<T, depth> row[2];  // g and g + 8
  };

  __device__ static void load(Left& a, const T* at, int pitch) {
    at += lane_index() / 4 * pitch;
    a.row[0] = load_pack<T, depth>(at);
    a.row[1] = load_pack<T, depth>(at + 8 * pitch);
  }
  __device__ static void from_sums(Left& a, const T (*c)[4], int step) {
    const int first = step * depth % 8 / 2;  // of the lanes that hold these columns
#pragma unroll
    for (int k = 0; k < depth; k++)
#pragma unroll
      for (int h = 0; h < 2; h++)
        a.row[h].at[k] = __shfl_sync(0xffffffff, c[step * depth / 8][2 * h + k % 2], first + k / 2, 4);
  }
  template <int row_tiles, int tiles>
  __device__ static void add_rows(T (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], const T* at, int pitch) {
    at += lane_index() % 4 * 2 * pitch;
#pragma unroll
    for (int j = 0; j < tiles; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const auto b = load_pack<T, depth>(at + (8 * j + e) * pitch);
#pragma unroll
        for (int k = 0; k < depth; k++) multiply_all(c, a, b.at[k], j, e, k);
      }
  }
  template <int row_tiles, int tiles>
  __device__ static void add_columns(T (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], const T* at, int pitch) {
    at += lane_index() % 4 * 2;
#pragma unroll
    for (int k = 0; k < depth; k++)
#pragma unroll
      for (int j = 0; j < tiles; j++) {
        const auto b = load_pack<T, 2>(at + k * pitch + 8 * j);
        multiply_all(c, a, b.at[0], j, 0, k);
        multiply_all(c, a, b.at[1], j, 1, k);
      }
  }

 private:
  template <int row_tiles, int tiles>
  __device__ static void multiply_all(T (&c)[row_tiles][tiles][4], const Left (&a)[row_tiles], T b, int j, int e,
                                      int k) {
#pragma unroll
    for (int i = 0; i < row_tiles; i++) {
      c[i][j][e] += a[i].row[0].at[k] * b;
      c[i][j][2 + e] += a[i].row[1].at[k] * b;
    }
  }
};

}  // namespace
}  // namespace neurite::cuda
