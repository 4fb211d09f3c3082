#include "hopper.h"

#include "dispatch.h"

namespace neurite::cuda {

#if defined(__CUDACC__)
namespace {

// The driver's function, found at run time: nothing links to the driver.
auto encoder() {
  static const auto found = [] {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult status;
    const bool there = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault,
                                                        &status) == cudaSuccess;
    return there && status == cudaDriverEntryPointSuccess
               ? reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(function)
               : nullptr;
  }();
  return found;
}

}  // namespace

bool make_tensor_map(TensorMap& map, const void* matrix, int32_t dtype, int64_t rows, int64_t columns,
                     int64_t row_bytes, int tile_rows) {
  const auto encode = encoder();
  if (!encode) return false;
  const auto type = dtype == nr_dtype_f16    ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                    : dtype == nr_dtype_bf16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
                                             : CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  const cuuint64_t shape[] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
  const cuuint64_t stride[] = {static_cast<cuuint64_t>(row_bytes)};
  const cuuint32_t tile[] = {static_cast<cuuint32_t>(swizzled_row / size_of(dtype)),
                             static_cast<cuuint32_t>(tile_rows)};
  const cuuint32_t step[] = {1, 1};
  return encode(&map, type, 2, const_cast<void*>(matrix), shape, stride, tile, step, CU_TENSOR_MAP_INTERLEAVE_NONE,
                CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}
#else
bool make_tensor_map(TensorMap& map, const void* matrix, int32_t dtype, int64_t rows, int64_t columns,
                     int64_t row_bytes, int tile_rows) {
  map = {static_cast<const char*>(matrix), rows, columns, row_bytes, static_cast<int>(size_of(dtype)), tile_rows};
  return reinterpret_cast<uintptr_t>(matrix) % 16 == 0 && row_bytes % 16 == 0 && tile_rows <= 256;
}
#endif

}  // namespace neurite::cuda
