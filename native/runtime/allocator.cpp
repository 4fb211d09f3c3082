#include "runtime/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace neurite {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;

class HostMemory final : public MemorySource {
 public:
  // Large blocks sit on huge pages: fewer TLB misses for matrices that stream.
  void* allocate(size_t bytes) override {
    const bool large = bytes >= kHugePage;
    const size_t alignment = large ? kHugePage : 64;
    void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
#if defined(MADV_HUGEPAGE)
    if (block && large) madvise(block, bytes, MADV_HUGEPAGE);
#endif
    return block;
  }
  void release(void* block, size_t) override {
    std::free(block);
  }
};

}  // namespace

MemorySource& host_memory() {
  static HostMemory memory;
  return memory;
}

CachingAllocator::~CachingAllocator() {
  trim(UINT64_MAX, 0);
}

size_t CachingAllocator::class_size(size_t bytes) {
  if (bytes <= 64) return 64;
  const int shift = std::max(6, static_cast<int>(std::bit_width(bytes - 1)) - 4);
  const size_t step = size_t{1} << shift;
  return (bytes + step - 1) / step * step;
}

int CachingAllocator::class_index(size_t class_bytes) {
  const int exponent = static_cast<int>(std::bit_width(class_bytes)) - 1;
  const size_t eighth = (class_bytes >> (exponent - 3)) & 7;
  return std::min((exponent - 6) * 8 + static_cast<int>(eighth), kClasses - 1);
}

void CachingAllocator::hand_out(const Block& block) {
  stats_.live += block.bytes;
  stats_.peak = std::max(stats_.peak, stats_.live);
  stats_.allocations++;
}

Block CachingAllocator::take(size_t bytes) {
  const int first = class_index(class_size(bytes));
  const int last = std::min(first + 2, kClasses - 1);
  std::lock_guard lock(mutex_);
  for (int c = first; c <= last; c++) {
    if (free_[c].empty()) continue;
    const Block block = free_[c].back();
    if (block.bytes < bytes) break;  // the open-ended last class
    if (stats_.live + block.bytes > limit_) return {};
    free_[c].pop_back();
    stats_.cached -= block.bytes;
    hand_out(block);
    return block;
  }
  return {};
}

Block CachingAllocator::grow(size_t bytes) {
  const size_t size = class_size(bytes);
  std::lock_guard lock(mutex_);
  if (stats_.live + stats_.cached + size > limit_) return {};
  Block block{source_.allocate(size), size, 0};
  if (!block.data) return {};
  stats_.growths++;
  hand_out(block);
  return block;
}

void CachingAllocator::give_back(const Block& block) {
  std::lock_guard lock(mutex_);
  stats_.live -= block.bytes;
  stats_.cached += block.bytes;
  free_[class_index(block.bytes)].push_back(block);
}

void CachingAllocator::trim(uint64_t completed, size_t keep) {
  std::lock_guard lock(mutex_);
  for (int c = kClasses - 1; c >= 0 && stats_.cached > keep; c--) {
    auto& blocks = free_[c];
    std::erase_if(blocks, [&](const Block& block) {
      if (stats_.cached <= keep || block.last_use > completed) return false;
      source_.release(block.data, block.bytes);
      stats_.cached -= block.bytes;
      return true;
    });
  }
}

MemoryStats CachingAllocator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void CachingAllocator::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak = stats_.live;
}

size_t CachingAllocator::pool_bytes() const {
  std::lock_guard lock(mutex_);
  return stats_.live + stats_.cached;
}

void CachingAllocator::set_limit(size_t bytes) {
  std::lock_guard lock(mutex_);
  limit_ = bytes;
}

}  // namespace neurite
