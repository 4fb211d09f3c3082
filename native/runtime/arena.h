// Working memory of one command: bump allocation out of blocks that are kept between commands.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <vector>

namespace neurite {

class Arena {
 public:
  ~Arena() {
    for (auto& block : blocks_) std::free(block.data);
  }

  // 64-byte aligned; nullptr when the system has no memory.
  void* take(size_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    while (block_ < blocks_.size()) {
      if (used_ + bytes <= blocks_[block_].bytes) {
        void* data = static_cast<char*>(blocks_[block_].data) + used_;
        used_ += bytes;
        return data;
      }
      block_++;
      used_ = 0;
    }
    const size_t size = bytes > kBlock ? bytes : kBlock;
    void* data = std::aligned_alloc(64, size);
    if (!data) return nullptr;
    blocks_.push_back({data, size});
    bytes_ += size;
    used_ = bytes;
    return data;
  }

  // Frees all that was taken. Blocks beyond the first kKeep bytes go back to the system.
  void reset() {
    block_ = 0;
    used_ = 0;
    while (blocks_.size() > 1 && bytes_ > kKeep) {
      bytes_ -= blocks_.back().bytes;
      std::free(blocks_.back().data);
      blocks_.pop_back();
    }
  }

 private:
  static constexpr size_t kBlock = size_t{1} << 20;
  static constexpr size_t kKeep = size_t{64} << 20;
  struct Held {
    void* data;
    size_t bytes;
  };
  std::vector<Held> blocks_;
  size_t block_ = 0;
  size_t used_ = 0;
  size_t bytes_ = 0;
};

}  // namespace neurite
