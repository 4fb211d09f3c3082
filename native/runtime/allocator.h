// Caching, stream-ordered allocator. Blocks are 64-byte aligned and come in size classes an eighth of a power of two
// apart. A freed block may be handed out at once, although commands that use it are still queued: the stream runs in
// order, so whoever gets the block next is queued behind them.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace neurite {

// Where a device's memory comes from. Any thread may ask.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  virtual void* allocate(size_t bytes) = 0;  // nullptr when there is none
  virtual void release(void* block, size_t bytes) = 0;
};
MemorySource& host_memory();

struct Block {
  void* data = nullptr;
  size_t bytes = 0;
  uint64_t last_use = 0;  // stream position after which the block is idle
};

struct MemoryStats {
  size_t live = 0;         // bytes in blocks that tensors hold
  size_t peak = 0;         // highest `live` since the last reset_peak
  size_t cached = 0;       // bytes in free blocks kept for reuse
  size_t allocations = 0;  // blocks handed out
  size_t growths = 0;      // blocks asked from the system
};

class CachingAllocator {
 public:
  CachingAllocator(MemorySource& source, size_t limit) : source_(source), limit_(limit) {}
  ~CachingAllocator();

  static size_t class_size(size_t bytes);

  // A cached block of the right class (or at most a quarter larger); data == nullptr when there is none.
  Block take(size_t bytes);
  // A new block from the system; data == nullptr when the limit or the system refuses.
  Block grow(size_t bytes);
  void give_back(const Block& block);
  // Returns cached blocks that no queued command uses to the system, until at most `keep` bytes stay cached.
  void trim(uint64_t completed, size_t keep);

  MemoryStats stats() const;
  void reset_peak();
  size_t pool_bytes() const;  // live + cached
  size_t limit() const { return limit_; }
  void set_limit(size_t bytes);

 private:
  static constexpr int kClasses = 8 * 42;
  static int class_index(size_t class_bytes);
  void hand_out(const Block& block);

  MemorySource& source_;
  size_t limit_;
  mutable std::mutex mutex_;
  MemoryStats stats_;
  std::array<std::vector<Block>, kClasses> free_;
};

}  // namespace neurite
