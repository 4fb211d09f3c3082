#include "runtime/device.h"

namespace neurite {

Device::Device(const nr_backend* table, size_t memory_limit, int threads)
    : name_("cpu"), table_(table), memory_(host_memory(), memory_limit), stream_(std::make_unique<Stream>(threads)) {}

Device::Device(std::string name, std::unique_ptr<Accelerator> accelerator, size_t memory_limit)
    : name_(std::move(name)),
      accelerator_(std::move(accelerator)),
      table_(accelerator_->library().table),
      memory_(*accelerator_, memory_limit),
      stream_(std::make_unique<Stream>(*accelerator_)) {}

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
  storage->checks.clear();
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

}  // namespace neurite
