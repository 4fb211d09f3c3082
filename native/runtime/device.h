// A device: a kernel table, memory and a stream. The CPU is device 0.
#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/allocator.h"
#include "runtime/stream.h"

namespace neurite {

class Device {
 public:
  Device(const nr_backend* table, const MemorySource& source, size_t memory_limit, int threads);
  ~Device();

  const nr_backend* table() const { return table_.load(std::memory_order_relaxed); }
  // Commands enqueued from now on use this table.
  void set_table(const nr_backend* table) { table_.store(table); }

  Stream& stream() { return *stream_; }
  CachingAllocator& memory() { return memory_; }

  // A record around a block, with one handle.
  Storage* adopt(const Block& block, size_t bytes);
  // Drops one handle; the last one gives the block back to the pool.
  void release(Storage* storage);

  // Bytes that were live after the last garbage collection, of whichever environment; growth is measured against it.
  std::atomic<size_t> live_after_sweep{0};

 private:
  std::atomic<const nr_backend*> table_;
  CachingAllocator memory_;
  std::unique_ptr<Stream> stream_;
  std::mutex mutex_;
  std::deque<Storage*> retired_;  // in stream order
};

// The CPU, started on first use. Stopped by the static destructors, which also run on process.exit(): what is queued
// then is dropped, not computed.
Device& cpu_device();

// The device with this index, or nullptr.
Device* device_at(int index);

int default_threads();          // NEURITE_THREADS, or the CPUs of the affinity mask and the cgroup
size_t default_memory_limit();  // 80 % of the cgroup's limit or of the machine's memory
std::string startup_problem();  // a setting in the environment that could not be honoured, or ""

}  // namespace neurite
