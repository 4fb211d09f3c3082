// Numbers sorted by their keys, stable: by the digits of eight bits from the lowest up (Satish, Harris, Garland:
// Designing Efficient Sorting Algorithms for Manycore GPUs, 2009). For each digit every tile of keys is counted, the
// counts become places, and every tile moves its keys there in order: 40 bytes of traffic for a key, three launches.
#pragma once
#include "launch.h"
#include "reduce.h"

namespace neurite::cuda {
namespace {

constexpr int digit_bits = 8, digits = 1 << digit_bits, sorting_threads = digits;
constexpr int64_t sorting_rounds = 8, sorting_tile = sorting_rounds * sorting_threads;

__device__ inline int digit_of(uint64_t key, int shift) {
  return static_cast<int>(key >> shift & (digits - 1));
}

struct CountDigits {
  static constexpr int threads = sorting_threads;
  const uint64_t* key;
  int64_t n;
  int shift;
  int64_t* counts;  // [digits, tiles]

  __device__ void operator()() const {
    SIMT_SHARED(uint32_t, count, [digits]);
    const int thread = static_cast<int>(threadIdx.x);
    count[thread] = 0;
    __syncthreads();
    for (int64_t round = 0; round < sorting_rounds; round++) {
      const int64_t i = blockIdx.x * sorting_tile + round * threads + thread;
      if (i < n) atomicAdd(&count[digit_of(key[i], shift)], 1u);
    }
    __syncthreads();
    counts[static_cast<int64_t>(thread) * gridDim.x + blockIdx.x] = count[thread];
  }
};

// A warp per digit: counts become the numbers of keys in tiles before.
struct PlaceDigits {
  static constexpr int threads = 32;
  int64_t* counts;
  int64_t* totals;
  int64_t tiles;

  __device__ void operator()() const {
    int64_t* own = counts + blockIdx.x * tiles;
    int64_t before = 0;
    for (int64_t first = 0; first < tiles; first += threads) {
      const int64_t tile = first + threadIdx.x;
      int64_t total;
      const int64_t place = scan_block<threads>(tile < tiles ? own[tile] : int64_t{0}, total);
      if (tile < tiles) own[tile] = before + place;
      before += total;
    }
    if (threadIdx.x == 0) totals[blockIdx.x] = before;
  }
};

struct MoveByDigit {
  static constexpr int threads = sorting_threads, warps = threads / 32;
  const uint64_t* key;
  const int64_t* number;  // nullptr: its position
  uint64_t* sorted_key;
  int64_t* sorted_number;
  int64_t n;
  int shift;
  const int64_t *counts, *totals;

  __device__ void operator()() const {
    SIMT_SHARED(int64_t, place, [warps][digits]);  // of each warp's next key with a digit
    const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32;
    int64_t all;
    int64_t next = scan_block<threads>(totals[thread], all);  // of the digit that is this thread's
    next += counts[static_cast<int64_t>(thread) * gridDim.x + blockIdx.x];
    for (int64_t round = 0; round < sorting_rounds; round++) {
      const int64_t i = blockIdx.x * sorting_tile + round * threads + thread;
      const bool there = i < n;
      const uint64_t own = there ? key[i] : 0;
      const int digit = digit_of(own, shift);
      uint32_t same = __ballot_sync(0xffffffff, there);  // lanes with this digit
      for (int b = 0; b < digit_bits; b++) {
        const uint32_t ones = __ballot_sync(0xffffffff, digit >> b & 1);
        same &= digit >> b & 1 ? ones : ~ones;
      }
      const int rank = __popc(same & ((1u << lane) - 1));
      for (int w = 0; w < warps; w++) place[w][thread] = 0;
      __syncthreads();
      if (there && rank == 0) place[warp][digit] = __popc(same);
      __syncthreads();
      for (int w = 0; w < warps; w++) {
        const int64_t count = place[w][thread];
        place[w][thread] = next;
        next += count;
      }
      __syncthreads();
      if (there) {
        const int64_t to = place[warp][digit] + rank;
        sorted_key[to] = own;
        sorted_number[to] = number ? number[i] : i;
      }
      __syncthreads();
    }
  }
};

struct Sorted {
  const uint64_t* key;
  const int64_t* number;  // the position that a key had
};

// Sorts n keys below `limit`, n > 0; keys are overwritten. nullptr: memory is out.
inline Sorted sort_by_key(nr_context* ctx, uint64_t* keys, int64_t n, uint64_t limit) {
  const int64_t tiles = (n + sorting_tile - 1) / sorting_tile;
  const auto words = static_cast<size_t>(3 * n + digits * (tiles + 1));
  auto* memory = static_cast<int64_t*>(ctx->scratch(ctx, words * sizeof(int64_t)));
  if (!memory) return {};
  uint64_t* key[2] = {keys, reinterpret_cast<uint64_t*>(memory)};
  int64_t* number[2] = {memory + n, memory + 2 * n};
  int64_t *counts = memory + 3 * n, *totals = counts + digits * tiles;
  int from = 0;
  for (int shift = 0; shift == 0 || (shift < 64 && (limit - 1) >> shift != 0); shift += digit_bits) {
    launch(ctx, blocks_for(tiles, 1), CountDigits{key[from], n, shift, counts});
    launch(ctx, digits, PlaceDigits{counts, totals, tiles});
    launch(ctx, blocks_for(tiles, 1),
           MoveByDigit{key[from], shift == 0 ? nullptr : number[from], key[!from], number[!from], n, shift, counts,
                       totals});
    from = !from;
  }
  return {key[from], number[from]};
}

}  // namespace
}  // namespace neurite::cuda
