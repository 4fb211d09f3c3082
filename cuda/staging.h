// Transfers between ordinary memory of the host and the device, in pieces through a ring of pinned buffers: while one
// piece is on the bus the next one is copied from or to the ring.
#pragma once
#include <cstddef>

#include "runtime_api.h"

namespace neurite::cuda {

class Staging {
 public:
  cudaError_t open(cudaStream_t stream);
  void close();

  // Returns once `from` has been read.
  cudaError_t copy_in(void* to, const void* from, size_t bytes);
  // Returns once `to` has been written.
  cudaError_t copy_out(void* to, const void* from, size_t bytes);

 private:
  static constexpr int buffers = 8;
  static constexpr size_t buffer_bytes = size_t{1} << 20;

  char* at(int buffer) const { return ring_ + static_cast<size_t>(buffer) * buffer_bytes; }

  cudaStream_t stream_ = nullptr;
  char* ring_ = nullptr;
  cudaEvent_t idle_[buffers] = {};  // the bus has done with the buffer
  int next_ = 0;
};

}  // namespace neurite::cuda
