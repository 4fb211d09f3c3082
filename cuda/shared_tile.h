// An operand's tile in shared memory, as ldmatrix and mma.sync want it: rows of chunks of 16 bytes (tile.h), whose
// places in a row are exchanged from row to row, so that eight rows of a fragment lie in all the banks.
#pragma once
#include "matrix.h"
#include "numbers.h"
#include "tile.h"

namespace neurite::cuda {
namespace {

// Fragments are of 16 lines and one step along the depth: 32 bytes of it, 16 elements of 16 bits or 8 of tf32.
template <class T, bool along_depth, int lines, int depth>
struct SharedTile {
  static constexpr int lanes = pack_size<T>;
  static constexpr int rows = along_depth ? lines : depth, chunks = (along_depth ? depth : lines) / lanes;
  static constexpr int bytes = rows * chunks * 16;
  static constexpr int steps = depth * static_cast<int>(sizeof(T)) / 32;
  static_assert((chunks & (chunks - 1)) == 0 && chunks > 1);

  // Of a chunk, in bytes.
  static __device__ int offset(int row, int chunk) {
    int turn;
    if constexpr (sizeof(T) == 4 && !along_depth)
      turn = chunks >= 8 ? row % 4 * 2 : row & 2;
    else
      turn = chunks >= 8 ? row % 8 : row / (8 / chunks) % chunks;
    return (row * chunks + (chunk ^ turn)) * 16;
  }

  // Of A (matrix.h).
  static __device__ void left(uint32_t (&a)[4], const unsigned char* tile, int line, int step) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if constexpr (along_depth)
      load_matrices(a, tile + offset(line + lane % 16, 2 * step + lane / 16));
    else if constexpr (sizeof(T) == 2)
      load_matrices_transposed(a, tile + offset(16 * step + lane / 16 * 8 + lane % 8, line / 8 + lane / 8 % 2));
    else
      for (int i = 0; i < 4; i++) a[i] = word(tile, 8 * step + i / 2 * 4 + lane % 4, line + i % 2 * 8 + lane / 4);
    round(a);
  }

  // Two of B, side by side.
  static __device__ void right(uint32_t (&b0)[2], uint32_t (&b1)[2], const unsigned char* tile, int line, int step) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    uint32_t b[4];
    if constexpr (along_depth)
      load_matrices(b, tile + offset(line + lane / 16 * 8 + lane % 8, 2 * step + lane / 8 % 2));
    else if constexpr (sizeof(T) == 2)
      load_matrices_transposed(b, tile + offset(16 * step + lane % 16, line / 8 + lane / 16));
    else
      for (int i = 0; i < 4; i++) b[i] = word(tile, 8 * step + i % 2 * 4 + lane % 4, line + i / 2 * 8 + lane / 4);
    round(b);
    b0[0] = b[0], b0[1] = b[1];
    b1[0] = b[2], b1[1] = b[3];
  }

 private:
  static __device__ uint32_t word(const unsigned char* tile, int row, int line) {
    return *reinterpret_cast<const uint32_t*>(tile + offset(row, line / 4) + line % 4 * 4);
  }
  static __device__ void round(uint32_t (&x)[4]) {
    if constexpr (sizeof(T) == 4)
      for (int i = 0; i < 4; i++) x[i] = to_tf32(__uint_as_float(x[i]));
  }
};

}  // namespace
}  // namespace neurite::cuda
