// Launching a kernel. A kernel is a struct: its members are its parameters, `threads` is the size of its blocks,
// operator() its body. Every launch does nothing if a check failed that its command depends on (check.h).
#pragma once
#include "check.h"
#include "error.h"
#include "simt.h"

namespace neurite::cuda {
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
  if (error != cudaSuccess) fail(ctx, error, __PRETTY_FUNCTION__);
}
#else
template <class K>
void launch(nr_context* ctx, dim3 grid, dim3 block, const K& kernel, size_t dynamic_shared = 0) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || unless_of(ctx).failed()) return;
  static_assert(std::is_trivially_copyable_v<K>, "kernels travel to the device byte by byte");
  if (const cudaError_t error = simt::launch_error()) return fail(ctx, error, __PRETTY_FUNCTION__);
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
