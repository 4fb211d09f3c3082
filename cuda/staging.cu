#include "staging.h"

#include <algorithm>
#include <cstring>

namespace neurite::cuda {

cudaError_t Staging::open(cudaStream_t stream) {
  stream_ = stream;
  void* ring = nullptr;
  if (const auto status = cudaHostAlloc(&ring, buffers * buffer_bytes, cudaHostAllocDefault)) return status;
  ring_ = static_cast<char*>(ring);
  for (auto& event : idle_)
    if (const auto status = cudaEventCreateWithFlags(&event, cudaEventDisableTiming)) return status;
  return cudaSuccess;
}

void Staging::close() {
  for (auto& event : idle_)
    if (event) cudaEventDestroy(event);
  if (ring_) cudaFreeHost(ring_);
}

cudaError_t Staging::copy_in(void* to, const void* from, size_t bytes) {
  for (size_t done = 0; done < bytes; done += buffer_bytes) {
    const size_t n = std::min(bytes - done, buffer_bytes);
    const int buffer = next_;
    next_ = (next_ + 1) % buffers;
    if (const auto status = cudaEventSynchronize(idle_[buffer])) return status;
    memcpy(at(buffer), static_cast<const char*>(from) + done, n);
    const auto status = cudaMemcpyAsync(static_cast<char*>(to) + done, at(buffer), n, cudaMemcpyHostToDevice, stream_);
    if (status != cudaSuccess) return status;
    if (const auto status = cudaEventRecord(idle_[buffer], stream_)) return status;
  }
  return cudaSuccess;
}

cudaError_t Staging::copy_out(void* to, const void* from, size_t bytes) {
  const size_t pieces = (bytes + buffer_bytes - 1) / buffer_bytes;
  const int first = next_;
  const auto size_of = [&](size_t piece) { return std::min(bytes - piece * buffer_bytes, buffer_bytes); };
  const auto buffer_of = [&](size_t piece) { return static_cast<int>((static_cast<size_t>(first) + piece) % buffers); };
  for (size_t sent = 0, arrived = 0; arrived < pieces; arrived++) {
    for (; sent < pieces && sent < arrived + buffers; sent++) {  // the stream's order keeps earlier uses apart
      const auto status = cudaMemcpyAsync(at(buffer_of(sent)), static_cast<const char*>(from) + sent * buffer_bytes,
                                          size_of(sent), cudaMemcpyDeviceToHost, stream_);
      if (status != cudaSuccess) return status;
      if (const auto status = cudaEventRecord(idle_[buffer_of(sent)], stream_)) return status;
    }
    if (const auto status = cudaEventSynchronize(idle_[buffer_of(arrived)])) return status;
    memcpy(static_cast<char*>(to) + arrived * buffer_bytes, at(buffer_of(arrived)), size_of(arrived));
  }
  next_ = buffer_of(pieces);
  return cudaSuccess;
}

}  // namespace neurite::cuda
