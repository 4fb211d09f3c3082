// The kernels of this library. Each is known to the linker as neurite_cuda_<name>, so that a kernel which is neither
// written nor listed in unsupported.cu, or both, is a link error.
#pragma once
#include "backend.h"

namespace neurite::cuda {

#define NR_KERNEL(name, ...) void name(nr_context* ctx, __VA_ARGS__) __asm__("neurite_cuda_" #name);
#include "kernels.def"

extern const nr_backend backend;

}  // namespace neurite::cuda
