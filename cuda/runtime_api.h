// CUDA's runtime API: the toolkit's under nvcc, under any other compiler the emulator's.
#pragma once
#ifdef __CUDACC__
#include <cuda_runtime_api.h>
namespace neurite::cuda {
constexpr bool emulated = false;
}
#else
#include "emulator/runtime.h"
namespace neurite::cuda {
constexpr bool emulated = true;
}
#endif
