#include "runtime/device.h"

#include "runtime/cpu_features.h"

namespace neurite {

Device::Device(const nr_backend* table, const MemorySource& source, size_t memory_limit, int threads)
    : table_(table), memory_(source, memory_limit), stream_(std::make_unique<Stream>(threads)) {}

Device::~Device() {
  stream_.reset();
  for (Storage* storage : retired_) delete storage;
}

Storage* Device::adopt(const Block& block, size_t bytes) {
  Storage* storage = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (!retired_.empty() && retired_.front()->retired_at <= stream_->queue().completed()) {
      storage = retired_.front();
      retired_.pop_front();
    }
  }
  if (!storage) storage = new Storage;
  storage->device = this;
  storage->data = block.data;
  storage->bytes = bytes;
  storage->block_bytes = block.bytes;
  storage->idle_from = block.last_use;
  storage->fault.reset();
  storage->handles.store(1, std::memory_order_relaxed);
  return storage;
}

void Device::release(Storage* storage) {
  if (storage->handles.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const uint64_t position = stream_->queue().pushed();
  memory_.give_back({storage->data, storage->block_bytes, position});
  std::lock_guard lock(mutex_);
  storage->retired_at = position;
  retired_.push_back(storage);
}

Device& cpu_device() {
  static Device device(choose_cpu_backend(nullptr), host_memory, default_memory_limit(), default_threads());
  return device;
}

Device* device_at(int index) {
  return index == 0 ? &cpu_device() : nullptr;
}

std::string startup_problem() {
  std::string problem;
  choose_cpu_backend(&problem);
  return problem;
}

}  // namespace neurite
