// Combining values over a warp or a block. Every lane, every thread gets the result; the order is the same each time.
#pragma once
#include "simt.h"

namespace neurite::cuda {
namespace {

template <class T, class F>
__device__ inline T reduce_warp(T value, F combine) {
#pragma unroll
  for (int bits = 16; bits > 0; bits /= 2) value = combine(value, __shfl_xor_sync(0xffffffff, value, bits));
  return value;
}

// All threads of a block of `threads` (a multiple of 32) take part; `neutral` changes nothing that it is combined with.
template <int threads, class T, class F>
__device__ inline T reduce_block(T value, T neutral, F combine) {
  static_assert(threads % 32 == 0);
  constexpr int warps = threads / 32;
  SIMT_SHARED(T, parts, [warps]);
  value = reduce_warp(value, combine);
  if constexpr (warps > 1) {
    const int thread = static_cast<int>(threadIdx.x);
    __syncthreads();  // an earlier call's parts have been read
    if (thread % 32 == 0) parts[thread / 32] = value;
    __syncthreads();
    value = reduce_warp(thread % 32 < warps ? parts[thread % 32] : neutral, combine);
  }
  return value;
}

// The sum of the values of the threads before this one; `total` receives that of all.
template <int threads, class T>
__device__ inline T scan_block(T value, T& total) {
  static_assert(threads % 32 == 0 && threads <= 1024);
  constexpr int warps = threads / 32;
  SIMT_SHARED(T, sums, [warps]);
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32;
  T sum = value;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const T before = __shfl_up_sync(0xffffffff, sum, step);
    if (lane >= step) sum += before;
  }
  __syncthreads();  // an earlier call's sums have been read
  if (lane == 31) sums[thread / 32] = sum;
  __syncthreads();
  T before = 0;
  total = 0;
  for (int w = 0; w < warps; w++) {
    if (w < thread / 32) before += sums[w];
    total += sums[w];
  }
  return before + sum - value;
}

// Combines over the threads of a group: those of a block whose numbers differ only in the bits from `low` up to `high`,
// powers of two. The thread of each group for which all those bits are 0 gets the results; the whole block takes part.
template <int threads, class Op, int N>
__device__ inline void reduce_group(const Op& op, typename Op::Value (&values)[N], int low, int high) {
  for (int bits = low; bits < high && bits < 32; bits *= 2)
    for (auto& value : values) value = op.combine(value, Op::exchange(value, bits));
  if (high <= 32) return;
  SIMT_SHARED(typename Op::Value, parts, [N][threads]);
  const int thread = static_cast<int>(threadIdx.x), step = low > 32 ? low : 32;
  __syncthreads();  // an earlier call's parts have been read
  for (int i = 0; i < N; i++) parts[i][thread] = values[i];
  __syncthreads();
  if ((thread & (high - 1) & ~(low - 1)) != 0) return;
  for (int i = 0; i < N; i++)
    for (int other = thread + step; other < thread + high; other += step)
      values[i] = op.combine(values[i], parts[i][other]);
}

struct Sum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
// The greater one; NaN if either is.
struct Maximum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

}  // namespace
}  // namespace neurite::cuda
