// What the threads of a warp or a block do together: shuffles, votes, barriers, atomics.
#pragma once
#include "run.h"

namespace fragments {

// Words that only the thread's own place decides.
__device__ inline uint32_t& own(uint32_t* out, int words, int i) {
  return out[(blockIdx.x * blockDim.x + threadIdx.x) * words + i];
}

struct Shuffles {
  static constexpr int threads = 64, words = 12;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    const uint32_t x = in[blockIdx.x * threads + threadIdx.x];
    const uint64_t both = static_cast<uint64_t>(x) << 32 | ~x;
    const int source = static_cast<int>(x >> 5);
    own(out, words, 0) = __shfl_sync(0xffffffff, x, source & 31);
    own(out, words, 1) = __shfl_sync(0xffffffff, x, source & 7, 8);
    own(out, words, 2) = __shfl_xor_sync(0xffffffff, x, 5);
    own(out, words, 3) = __shfl_xor_sync(0xffffffff, x, 17);
    own(out, words, 4) = __shfl_up_sync(0xffffffff, x, 3);
    own(out, words, 5) = __shfl_up_sync(0xffffffff, x, 3, 16);
    own(out, words, 6) = __shfl_down_sync(0xffffffff, x, 9);
    own(out, words, 7) = __shfl_down_sync(0xffffffff, x, 9, 16);
    const uint64_t other = __shfl_sync(0xffffffff, both, source & 15, 16);
    own(out, words, 8) = static_cast<uint32_t>(other);
    own(out, words, 9) = static_cast<uint32_t>(other >> 32);
    own(out, words, 10) = own(out, words, 11) = 0;
    // Lanes by themselves, in a mask of their own.
    const uint32_t odd = 0xaaaaaaaa;
    if (threadIdx.x % 2) {
      own(out, words, 10) = __shfl_sync(odd, x, (threadIdx.x + 6) % 32);
      own(out, words, 11) = __ballot_sync(odd, x & 1);
    }
  }
};

struct Votes {
  static constexpr int threads = 96, words = 7;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    const uint32_t x = in[blockIdx.x * threads + threadIdx.x];
    own(out, words, 0) = __ballot_sync(0xffffffff, x & 1);
    own(out, words, 1) = __any_sync(0xffffffff, (x & 31) == 0) != 0;
    own(out, words, 2) = __all_sync(0xffffffff, (x & 31) != 0) != 0;
    own(out, words, 3) = __syncthreads_or((x & 63) == 0) != 0;
    own(out, words, 4) = __syncthreads_and((x & 63) != 0) != 0;
    own(out, words, 5) = static_cast<uint32_t>(__syncthreads_count(x & 1));
    own(out, words, 6) = blockIdx.x * 1000 + threadIdx.x + gridDim.x * 7 + blockDim.x;
  }
};

// Warps 0 and 1 make what warps 2 and 3 read, and are told when it has been read.
struct Barriers {
  static constexpr int threads = 128, words = 4;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    SIMT_SHARED(uint32_t, shared, [64]);
    const int thread = static_cast<int>(threadIdx.x);
    for (int i = 0; i < words; i++) {
      if (thread < 64) {
        shared[thread] = in[blockIdx.x * threads + thread] + static_cast<uint32_t>(i);
        named_barrier_arrive(1, threads);
        named_barrier_sync(2, threads);
        own(out, words, i) = 0;
      } else {
        named_barrier_sync(1, threads);
        own(out, words, i) = shared[127 - thread];
        named_barrier_arrive(2, threads);
      }
    }
  }
};

// Each block's words of `out` are added to, and so on, by all of its threads.
struct Atomics {
  static constexpr int threads = 128, words = 12;
  const uint32_t* in;
  uint32_t* out;
  __device__ void operator()() const {
    uint32_t* to = out + blockIdx.x * words;
    const uint32_t x = in[blockIdx.x * threads + threadIdx.x];
    atomicAdd(to, x);
    atomicMax(to + 1, x);
    atomicMin(to + 2, x);
    atomicOr(to + 3, x);
    atomicAnd(to + 4, x | 0xff);
    atomicMax(reinterpret_cast<int*>(to + 5), static_cast<int>(x));
    atomicMin(reinterpret_cast<int*>(to + 6), static_cast<int>(x));
    atomicAdd(reinterpret_cast<float*>(to + 7), static_cast<float>(x % 1000));  // exact in any order
    atomicAdd(reinterpret_cast<unsigned long long*>(to + 8), static_cast<unsigned long long>(x) << 8);
    atomicExch(to + 10, 5u);
    uint32_t before = to[11];  // a maximum once more, by comparing
    for (uint32_t seen; before < x; before = seen)
      if ((seen = atomicCAS(to + 11, before, x)) == before) break;
  }
};

inline void try_exchanges() {
  constexpr int blocks = 16;
  Random random(2);
  const Words words = Random::many(128 * blocks, [&] { return random.word(); });
  try_out<Shuffles>("shuffles", bits, blocks, words, Shuffles::words);
  try_out<Votes>("votes", bits, blocks, words, Votes::words);
  try_out<Barriers>("named_barriers", bits, blocks, words, Barriers::words);
  Words start(static_cast<size_t>(blocks * Atomics::words), 0);
  for (size_t i = 0; i < start.size(); i++)
    if (i % Atomics::words == 2 || i % Atomics::words == 4) start[i] = 0xffffffff;
  record("atomics", bits, run<Atomics>("atomics", blocks, words, start));
}

}  // namespace fragments
