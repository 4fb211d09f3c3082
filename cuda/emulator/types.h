// CUDA's words for g++: qualifiers, built-in types and variables.
#pragma once
#include <cstdint>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

#define threadIdx (::simt::self->index)
#define blockIdx (::simt::self->block->index)
#define blockDim (::simt::self->block->threads_shape)
#define gridDim (::simt::self->block->grid_shape)
constexpr int warpSize = 32;
