// A device: a kernel table, memory and a stream.
#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/accelerator.h"
#include "runtime/allocator.h"
#include "runtime/stream.h"

namespace neurite {

class Device {
 public:
  // The CPU.
  Device(const nr_backend* table, size_t memory_limit, int threads);
  // A device of a library.
  Device(std::string name, std::unique_ptr<Accelerator> accelerator, size_t memory_limit);
  ~Device();

  const std::string& name() const { return name_; }  // as JavaScript has it: "cpu", "cuda:0"
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
  const std::string name_;
  const std::unique_ptr<Accelerator> accelerator_;  // nullptr: the CPU
  std::atomic<const nr_backend*> table_;
  CachingAllocator memory_;
  std::unique_ptr<Stream> stream_;
  std::mutex mutex_;
  std::deque<Storage*> retired_;  // in stream order
};

int default_threads();          // NEURITE_THREADS, or the CPUs of the affinity mask and the cgroup
size_t default_memory_limit();  // 80 % of the cgroup's limit or of the machine's memory

}  // namespace neurite
