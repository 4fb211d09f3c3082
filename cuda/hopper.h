// What Hopper chips (sm_90a) add: barriers in shared memory that count arrivals and bytes (mbarrier), copies of tiles
// by the tensor memory accelerator (TMA), products of a warpgroup of 128 threads with both operands in shared memory
// (wgmma), and registers that warps hand to one another. Kernels that use it are compiled for every chip, where they do
// nothing, and launched on capability 9.0 alone.
//
// Tiles lie in shared memory as TMA writes them with its swizzle of 128 bytes: rows of 128 bytes one after the other,
// from an address that is a multiple of 1024; the 16-byte piece p of row r is at place p ^ (r % 8).
#pragma once
#include "numbers.h"
#include "simt.h"
#if defined(__CUDACC__)
#include <cuda.h>
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define NR_HOPPER 1
#endif
#endif

namespace neurite::cuda {

#if defined(__CUDACC__)
using TensorMap = CUtensorMap;
#else
using TensorMap = simt::TensorMap;
#endif

// A matrix in global memory, `row_bytes` from row to row (a multiple of 16, as is its address), to be copied by tiles
// of tile_rows x 128 bytes, at most 256 rows. False: the driver refuses.
bool make_tensor_map(TensorMap& map, const void* matrix, int32_t dtype, int64_t rows, int64_t columns,
                     int64_t row_bytes, int tile_rows);

namespace {

constexpr int warpgroup = 128;
constexpr int swizzled_row = 128;  // bytes

struct alignas(8) Mbarrier {
  uint64_t state;
};

#if defined(__CUDACC__)
__device__ inline uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

// By one thread, and before anybody uses it fence_barriers() by that thread and a barrier of the block. A phase ends
// when `arrivals` threads have arrived and all bytes that were announced have come.
__device__ inline void init(Mbarrier& barrier, int arrivals) {
#if defined(NR_HOPPER)
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&barrier)), "r"(arrivals) : "memory");
#endif
}
__device__ inline void fence_barriers() {
#if defined(NR_HOPPER)
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}
// Orders what this thread wrote to shared memory before what tensor cores and copies read; a barrier follows.
__device__ inline void fence_async() {
#if defined(NR_HOPPER)
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
__device__ inline void arrive(Mbarrier& barrier) {
#if defined(NR_HOPPER)
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(&barrier)) : "memory");
#endif
}
// Arrives, and announces bytes that copies will bring in this phase.
__device__ inline void arrive_expecting(Mbarrier& barrier, int bytes) {
#if defined(NR_HOPPER)
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&barrier)), "r"(bytes)
               : "memory");
#endif
}
// Waits for the end of the phase with this parity: 0 the first, 1 the second, 0 the third one. A barrier whose first
// phase goes on counts as having ended one of parity 1.
__device__ inline void wait(Mbarrier& barrier, uint32_t parity) {
#if defined(NR_HOPPER)
  uint32_t done = 0;
  while (!done)
    asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}\n"
                 : "=r"(done)
                 : "r"(shared_address(&barrier)), "r"(parity)
                 : "memory");
#endif
}

// By one thread: begins to copy the tile at (row, column), in elements; what lies outside the matrix becomes zero. The
// barrier counts all bytes of the tile.
__device__ inline void copy_tile(void* shared, const TensorMap& map, int row, int column, Mbarrier& barrier) {
#if defined(NR_HOPPER)
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::
          "r"(shared_address(shared)),
      "l"(&map), "r"(column), "r"(row), "r"(shared_address(&barrier))
      : "memory");
#endif
}

// All threads of a warpgroup: before the first product, and after registers of sums were written.
__device__ inline void products_fence() {
#if defined(NR_HOPPER)
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
__device__ inline void products_commit() {
#if defined(NR_HOPPER)
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
// Until all groups but the newest ones are done. Sums may be read then, and operands overwritten.
template <int newest>
__device__ inline void products_wait() {
#if defined(NR_HOPPER)
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(newest) : "memory");
#endif
}

// Where an operand of 16 columns of 16 bits lies: rows of a swizzled tile, from element `column` (a multiple of 16) on.
__device__ inline uint64_t operand(const void* tile, int column) {
  const uint64_t start = (shared_address(tile) + static_cast<uint32_t>(column) * 2) >> 4 & 0x3fff;
  constexpr uint64_t rows_of_eight = uint64_t{8 * swizzled_row >> 4} << 32, swizzle_128 = uint64_t{1} << 62;
  return start | uint64_t{1} << 16 | rows_of_eight | swizzle_128;
}

// The same where the depth is along the rows: 16 rows of a tile of 64 rows, from `row` (a multiple of 16) on. Its
// columns are 64 lines of the operand; the next 64 are a tile of their own, right behind.
__device__ inline uint64_t turned_operand(const void* tile, int row) {
  const uint64_t start = (shared_address(tile) + static_cast<uint32_t>(row * swizzled_row)) >> 4 & 0x3fff;
  constexpr uint64_t tile_of_64 = uint64_t{64 * swizzled_row >> 4} << 16;
  constexpr uint64_t rows_of_eight = uint64_t{8 * swizzled_row >> 4} << 32, swizzle_128 = uint64_t{1} << 62;
  return start | tile_of_64 | rows_of_eight | swizzle_128;
}

#define NR_SUMS_8(c, i)                                                                                       \
  "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), "+f"(c[i + 4]), "+f"(c[i + 5]), "+f"(c[i + 6]), \
      "+f"(c[i + 7])
#define NR_PRODUCT_128(type)                                                                                       \
  asm volatile(                                                                                                    \
      "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"                                                                 \
      "wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type                                                 \
      " {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22," \
      " %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43,"  \
      " %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63},"      \
      " %64, %65, p, 1, 1, %67, %68;\n}\n"                                                                         \
      : NR_SUMS_8(c, 0), NR_SUMS_8(c, 8), NR_SUMS_8(c, 16), NR_SUMS_8(c, 24), NR_SUMS_8(c, 32), NR_SUMS_8(c, 40),  \
        NR_SUMS_8(c, 48), NR_SUMS_8(c, 56)                                                                         \
      : "l"(a), "l"(b), "r"(static_cast<int>(adds)), "n"(a_is_turned ? 1 : 0), "n"(b_is_turned ? 1 : 0))

// Begins c [64, 128] = a [64, 16] b [128, 16]ᵀ (+ c) of 16-bit floats T. Thread i of the warpgroup holds of each 8
// columns j what a product of a warp holds (matrix.h), rows 16 (i / 32) on: c[4 j ...].
template <class T, bool a_is_turned = false, bool b_is_turned = false>
__device__ inline void begin_product(float (&c)[64], uint64_t a, uint64_t b, bool adds) {
#if defined(NR_HOPPER)
  if constexpr (__is_same(T, nr_f16))
    NR_PRODUCT_128("f16");
  else
    NR_PRODUCT_128("bf16");
#endif
}
#undef NR_PRODUCT_128
#undef NR_SUMS_8

// All warps of a warpgroup: gives registers up, or waits until there are as many for each of its threads.
template <int registers>
__device__ inline void release_registers() {
#if defined(NR_HOPPER)
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
#endif
}
template <int registers>
__device__ inline void acquire_registers() {
#if defined(NR_HOPPER)
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
#endif
}
#else
inline void init(Mbarrier& barrier, int arrivals) {
  simt::init_mbarrier(&barrier, arrivals);
}
inline void fence_barriers() {}
inline void fence_async() {}
inline void arrive(Mbarrier& barrier) {
  simt::arrive_mbarrier(&barrier, 0);
}
inline void arrive_expecting(Mbarrier& barrier, int bytes) {
  simt::arrive_mbarrier(&barrier, bytes);
}
inline void wait(Mbarrier& barrier, uint32_t parity, simt::Place at = simt::Place::current()) {
  simt::wait_mbarrier(&barrier, parity, at);
}
inline void copy_tile(void* shared, const TensorMap& map, int row, int column, Mbarrier& barrier) {
  simt::begin_tile_copy(shared, map, row, column, &barrier);
}
inline void products_fence() {}
inline void products_commit() {
  simt::commit_products();
}
template <int newest>
inline void products_wait(simt::Place at = simt::Place::current()) {
  simt::wait_products(newest, at);
}
inline uint64_t operand(const void* tile, int column) {
  return simt::describe_operand(tile, column);
}
inline uint64_t turned_operand(const void* tile, int row) {
  return simt::describe_turned_operand(tile, row);
}
template <class T, bool a_is_turned = false, bool b_is_turned = false>
inline void begin_product(float (&c)[64], uint64_t a, uint64_t b, bool adds) {
  simt::expect_turned(a, a_is_turned);
  simt::expect_turned(b, b_is_turned);
  simt::begin_product(c, 128, a, b, adds, std::is_same_v<T, nr_f16> ? simt::Format::f16 : simt::Format::bf16);
}
template <int registers>
inline void release_registers() {}
template <int registers>
inline void acquire_registers() {}
#endif

}  // namespace
}  // namespace neurite::cuda
