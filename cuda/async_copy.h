// cp.async: copies from global to shared memory that go on while a thread computes. A thread begins copies, closes them
// into a group with async_commit, and waits with async_wait<N> until all its groups but the newest N are there; what
// other threads copied is visible after a barrier behind their wait. Both addresses are aligned to `bytes`. Below sm_80
// copies are made at once.
#pragma once
#include "simt.h"

namespace neurite::cuda {
namespace {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
constexpr bool has_async_copies = false;
#else
constexpr bool has_async_copies = true;
#endif

#if defined(__CUDACC__)
// Copies `bytes` (4, 8 or 16), of which those beyond `valid` become zero.
template <int bytes>
__device__ inline void async_copy(void* shared, const void* global, int valid = bytes) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
#if __CUDA_ARCH__ >= 800
  const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  if constexpr (bytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(valid) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(global), "n"(bytes), "r"(valid)
                 : "memory");
#else
  for (int i = 0; i < bytes; i++) static_cast<char*>(shared)[i] = i < valid ? static_cast<const char*>(global)[i] : 0;
#endif
}
__device__ inline void async_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int newest>
__device__ inline void async_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(newest) : "memory");
#endif
}
#else
template <int bytes>
inline void async_copy(void* shared, const void* global, int valid = bytes) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  simt::begin_async_copy(shared, global, bytes, valid);
}
inline void async_commit() {
  simt::commit_async_copies();
}
template <int newest>
inline void async_wait() {
  simt::wait_async_copies(newest);
}
#endif

}  // namespace
}  // namespace neurite::cuda
