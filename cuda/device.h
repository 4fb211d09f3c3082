// A device on the host: its stream and what belongs to it. Kernels get theirs with device_of(ctx).
#pragma once
#include "checks.h"
#include "scratch.h"
#include "staging.h"

struct nr_device {
  nr_device(int32_t index, int32_t capability, int32_t multiprocessors)
      : index(index), capability(capability), multiprocessors(multiprocessors) {}

  const int32_t index;
  const int32_t capability;       // 75, 80, 89, 90: what kernels choose their way by
  const int32_t multiprocessors;  // as many blocks can run at a time, at least
  cudaStream_t stream = nullptr;
  neurite::cuda::Checks checks;
  neurite::cuda::Scratch scratch;
  neurite::cuda::Staging staging;
  nr_precision matmul = nr_precision_highest, conv = nr_precision_high;  // as PyTorch has them
};

namespace neurite::cuda {

inline nr_device& device_of(const nr_context* ctx) {
  return *static_cast<const nr_device_context*>(ctx)->device;
}

}  // namespace neurite::cuda
