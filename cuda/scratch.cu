#include "scratch.h"

#include "runtime_api.h"

namespace neurite::cuda {
namespace {

constexpr size_t alignment = 256;
constexpr size_t small = size_t{32} << 20;  // not worth giving back

}  // namespace

void* Scratch::take(size_t bytes) {
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  // In emulation each piece is a block of its own, so that a sanitizer knows its end.
  if (emulated || blocks_.empty() || blocks_.back().bytes - used_ < rounded) {
    // Large enough for all that the command has asked for, which next time finds it in one block.
    const size_t wanted = emulated ? bytes : command_ + rounded;
    void* data = nullptr;
    if (cudaMalloc(&data, wanted ? wanted : 1) != cudaSuccess) {
      cudaGetLastError();
      return nullptr;
    }
    blocks_.push_back({data, wanted});
    used_ = 0;
  }
  void* piece = static_cast<char*>(blocks_.back().data) + used_;
  used_ += rounded;
  command_ += rounded;
  if (command_ > peak_) peak_ = command_;
  return piece;
}

// cudaFree waits for the device, so kernels that still use a block are done with it.
void Scratch::release_all_but(size_t kept) {
  while (blocks_.size() > kept) {
    cudaFree(blocks_.front().data);
    blocks_.erase(blocks_.begin());
  }
}

void Scratch::end_command() {
  release_all_but(emulated ? 0 : 1);
  used_ = 0;
  command_ = 0;
}

void Scratch::trim() {
  if (!blocks_.empty() && blocks_.back().bytes > small && blocks_.back().bytes / 4 > peak_) release_all_but(0);
  peak_ = 0;
}

void Scratch::close() {
  release_all_but(0);
}

}  // namespace neurite::cuda
