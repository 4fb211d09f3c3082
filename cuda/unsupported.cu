// What is missing: kernels of the table that CUDA does not have yet, and why. Such a kernel fails its command.
// The definitions here have the linker's names of the kernels and take only their first argument.
#include "table.h"

#define NR_UNSUPPORTED(name, reason)                                                                                 \
  extern "C" void neurite_cuda_##name(nr_context* ctx) {                                                             \
    ctx->fail(ctx, "NOT_SUPPORTED", "%s is not available on CUDA devices yet (%s); move its inputs to 'cpu'", #name, \
              reason);                                                                                               \
  }

// None is missing.
