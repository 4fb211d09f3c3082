// Kernels that draw: a thread computes a block of four words and the elements that take them (see nr_philox), in
// row-major order of y. A block costs about a hundred instructions, as much time as 32 bytes take on their way.
#pragma once
#include "dispatch.h"
#include "launch.h"
#include "pack.h"
#include "philox.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

__device__ inline uint64_t two_words(const PhiloxBlock& block, int i) {
  return static_cast<uint64_t>(block.word[2 * i + 1]) << 32 | block.word[2 * i];
}

// floor(w · range / 2^64): w uniform over 64 bits gives a number in [0, range), uneven by at most range / 2^64.
__device__ inline uint64_t scale_to(uint64_t w, uint64_t range) {
  return __umul64hi(w, range);
}

// sample(block, at, out) computes `count` elements of y; at: where those of the input lie.
template <class T, int count, class Sample>
struct Draw {
  static constexpr int threads = 256;
  T* y;
  nr_philox philox;
  Sample sample;
  Strided<2> places;  // of y and the input
  bool contiguous, packs;

  __device__ void operator()() const {
    const int64_t thread = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x, first = thread * count;
    if (first >= places.numel) return;
    int64_t to[count], from[count];
    for (int e = 0; e < count; e++) {
      const int64_t last = places.numel - 1, position = first + e < last ? first + e : last;
      int64_t at[2] = {position, position};
      if (!contiguous) places.offsets(position, at);
      to[e] = at[0];
      from[e] = at[1];
    }
    Pack<T, count> out;
    sample(philox_block(philox, static_cast<uint64_t>(thread)), from, out.at);
    if (packs && first + count <= places.numel)
      store_pack(y + first, out);
    else
      for (int e = 0; e < count; e++)
        if (first + e < places.numel) y[to[e]] = out.at[e];
  }
};

// `x` has y's shape; without one, y stands in for it.
template <class T, int count, class Sample>
void draw(nr_context* ctx, const nr_tensor& y, const nr_tensor& x, nr_philox philox, const Sample& sample) {
  using Kernel = Draw<T, count, Sample>;
  Kernel kernel{static_cast<T*>(y.data), philox, sample, strided<2>({&y, &x}), false, false};
  kernel.contiguous = kernel.places.contiguous(0) && kernel.places.contiguous(1);
  kernel.packs = kernel.contiguous && is_aligned(y.data, sizeof(T) * count);
  launch(ctx, blocks_for(kernel.places.numel, count * Kernel::threads), kernel);
}

}  // namespace
}  // namespace neurite::cuda
