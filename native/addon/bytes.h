// Tensors as rows of bytes, for transfers.
#pragma once
#include <cstddef>

#include "runtime/describe.h"

namespace neurite {

inline size_t bytes_of(const nr_tensor& t) {
  size_t bytes = dtype_size(t.dtype);
  for (int d = 0; d < t.ndim; d++) bytes *= static_cast<size_t>(t.shape[d]);
  return bytes;
}

inline bool is_contiguous(const nr_tensor& t) {
  if (bytes_of(t) == 0) return true;
  int64_t expected = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    if (t.shape[d] > 1 && t.stride[d] != expected) return false;
    expected *= t.shape[d];
  }
  return true;
}

}  // namespace neurite
