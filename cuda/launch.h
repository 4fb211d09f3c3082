// Launching a kernel. A kernel is a struct: its members are its parameters, `threads` is the size of its blocks,
// operator() its body. Every launch is told which checks its command must not outlive (native/device_library.h).
#pragma once
#include "device_library.h"
#include "simt.h"

namespace neurite::cuda {

// Checks upon whose failure a launch does nothing. A word holds the number of the last check that failed in its place.
struct Unless {
  const unsigned long long* words;
  int32_t count;
  uint64_t checks[NR_MAX_UNLESS];

  __device__ bool failed() const {
    for (int i = 0; i < count; i++)
      if (words[checks[i] % NR_MAX_PENDING_CHECKS] == checks[i]) return true;
    return false;
  }
};

// What the running command depends on, and what a launch that the driver refused means; both in device.cu.
Unless unless_of(nr_context* ctx);
void launch_failed(nr_context* ctx, int error, const char* kernel);

namespace {

template <class K>
constexpr int min_blocks_of() {
  if constexpr (requires { K::min_blocks; })
    return K::min_blocks;
  else
    return 1;
}

#if defined(__CUDACC__)
template <class K>
__global__ void __launch_bounds__(K::threads, min_blocks_of<K>())
    entry(const __grid_constant__ K kernel, const __grid_constant__ Unless unless) {
  if (!unless.failed()) kernel();
}

template <class K>
void launch(nr_context* ctx, dim3 grid, dim3 block, const K& kernel, size_t dynamic_shared = 0) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  cudaError_t error = cudaSuccess;
  if (dynamic_shared > 48 << 10)
    error =
        cudaFuncSetAttribute(entry<K>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(dynamic_shared));
  if (error == cudaSuccess) {
    entry<K><<<grid, block, dynamic_shared, static_cast<cudaStream_t>(ctx->stream)>>>(kernel, unless_of(ctx));
    error = cudaGetLastError();
  }
  if (error != cudaSuccess) launch_failed(ctx, error, __PRETTY_FUNCTION__);
}
#else
template <class K>
void launch(nr_context* ctx, dim3 grid, dim3 block, const K& kernel, size_t dynamic_shared = 0) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || unless_of(ctx).failed()) return;
  static_assert(std::is_trivially_copyable_v<K>, "kernels travel to the device byte by byte");
  if (block.x * block.y * block.z > static_cast<unsigned>(K::threads))
    return ctx->fail(ctx, "CUDA_KERNEL", "a block has more threads than the kernel says: %s", __PRETTY_FUNCTION__);
  const auto body = [](const void* state) { (*static_cast<const K*>(state))(); };
  const std::string problem = simt::launch(grid, block, dynamic_shared, body, &kernel);
  if (!problem.empty()) ctx->fail(ctx, "CUDA_KERNEL", "%s (in %s)", problem.c_str(), __PRETTY_FUNCTION__);
}
#endif

template <class K>
void launch(nr_context* ctx, dim3 grid, const K& kernel, size_t dynamic_shared = 0) {
  launch(ctx, grid, dim3(K::threads), kernel, dynamic_shared);
}

// How many blocks of `size` cover n; a grid has at most 2^31 - 1 along x, so that kernels over much walk on by the
// whole grid.
inline unsigned blocks_for(int64_t n, int64_t size) {
  const int64_t blocks = (n + size - 1) / size;
  return static_cast<unsigned>(blocks < 0x7fffffff ? blocks : 0x7fffffff);
}

}  // namespace
}  // namespace neurite::cuda
