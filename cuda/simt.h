// What kernels are written in: CUDA under nvcc, the emulator under g++. No kernel says __shared__, <<<>>> or asm:
// shared memory comes from the two macros here, launches from launch.h, instructions from numbers.h, async_copy.h,
// matrix.h and hopper.h.
#pragma once
#include <stdint.h>

#if defined(__CUDACC__)
#include <cuda_runtime.h>

// T name[4][5] is SIMT_SHARED(T, name, [4][5]).
#define SIMT_SHARED(T, name, ...) __shared__ T name __VA_ARGS__
// The launch's dynamic shared memory, aligned to 1024 bytes.
#define SIMT_DYN_SHARED(T, name)                                         \
  extern __shared__ __align__(1024) unsigned char simt_dynamic_shared[]; \
  T* name = reinterpret_cast<T*>(simt_dynamic_shared)

// Barrier `id` (1 to 15) among `threads` threads, a multiple of 32; arriving does not wait.
__device__ inline void named_barrier_sync(int id, int threads) {
  asm volatile("barrier.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
__device__ inline void named_barrier_arrive(int id, int threads) {
  asm volatile("barrier.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
#else
#include "emulator/simt.h"
#endif
