// The caching allocator: alignment, size classes, reuse, limits, trimming.
#include "runtime/allocator.h"

#include "harness.h"

using namespace neurite;

int main() {
  // A class wastes at most an eighth (beyond the smallest), and classes of growing sizes never shrink.
  size_t last = 0;
  for (size_t bytes = 1; bytes < (size_t{1} << 34); bytes += bytes / 7 + 1) {
    const size_t size = CachingAllocator::class_size(bytes);
    CHECK(size >= bytes && size >= last && size % 64 == 0, "%zu -> %zu", bytes, size);
    CHECK(bytes < 1024 || size <= bytes + bytes / 8, "%zu -> %zu", bytes, size);
    CHECK(CachingAllocator::class_size(size) == size, "%zu", size);
    last = size;
  }

  CachingAllocator memory(host_memory(), size_t{64} << 20);
  CHECK(memory.take(1000).data == nullptr, "nothing is cached at first");
  Block a = memory.grow(1000);
  CHECK(a.data && reinterpret_cast<uintptr_t>(a.data) % 64 == 0);
  CHECK(memory.stats().live == a.bytes && memory.stats().cached == 0);
  a.last_use = 7;
  memory.give_back(a);
  CHECK(memory.stats().live == 0 && memory.stats().cached == a.bytes && memory.stats().peak == a.bytes);

  const Block again = memory.take(1000);
  CHECK(again.data == a.data && again.last_use == 7, "the same block, with the position it is idle from");
  CHECK(memory.take(1000).data == nullptr);
  memory.give_back(again);
  CHECK(memory.take(2000).data == nullptr, "too small for it");
  CHECK(memory.take(100).data == nullptr, "far too large for it");

  memory.trim(6, 0);
  CHECK(memory.stats().cached == a.bytes, "a queued command still uses it");
  memory.trim(7, 0);
  CHECK(memory.stats().cached == 0);

  CHECK(memory.grow(size_t{65} << 20).data == nullptr, "over the limit");
  const Block large = memory.grow(size_t{8} << 20);
  CHECK(large.data != nullptr);
  std::memset(large.data, 1, large.bytes);
  memory.set_limit(0);
  CHECK(memory.grow(64).data == nullptr);
  memory.give_back(large);
  CHECK(memory.take(size_t{8} << 20).data == nullptr, "cached, but over the limit");
  memory.reset_peak();
  CHECK(memory.stats().peak == 0 && memory.pool_bytes() == large.bytes);
  return harness::report();
}
