// The kernels of one instruction set. Every file of this folder is compiled once per ISA with NR_ISA = scalar, avx2 or
// avx512; the only external names are the kernels below and `backend`, in that ISA's namespace. Everything else has
// internal linkage, and no header shared between ISAs brings in the standard library's inline functions (they could be
// merged across ISAs by the linker).
#pragma once
#include "backend.h"

#define NR_ISA_NAME_(isa) #isa
#define NR_ISA_NAME(isa) NR_ISA_NAME_(isa)

namespace neurite::NR_ISA {

#define NR_KERNEL(name, ...) void name(nr_context* ctx, __VA_ARGS__);
#include "kernels.def"

extern const nr_backend backend;

}  // namespace neurite::NR_ISA
