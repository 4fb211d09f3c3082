#include "addon/tensor_table.h"

namespace neurite {

TensorTable::Entry* TensorTable::find(int64_t id) {
  if (id <= 0) return nullptr;
  const int64_t slot = id >> kGenerationBits;
  if (slot >= static_cast<int64_t>(entries_.size())) return nullptr;
  Entry& entry = entries_[slot];
  return entry.storage && entry.generation == (id & kGenerationMask) ? &entry : nullptr;
}

int32_t TensorTable::take_slot() {
  const bool may_grow = static_cast<int>(entries_.size()) < kMaxSlots;
  if (free_ <= kSlotsBeforeReuse && may_grow) {
    entries_.emplace_back();
    return static_cast<int32_t>(entries_.size()) - 1;
  }
  const int32_t slot = first_free_;
  if (slot < 0) return -1;
  first_free_ = entries_[slot].next_free;
  if (first_free_ < 0) last_free_ = -1;
  free_--;
  return slot;
}

int32_t TensorTable::insert(const nr_tensor& view, Storage* storage, napi_ref owner) {
  const int32_t slot = take_slot();
  if (slot < 0) return 0;
  Entry& entry = entries_[slot];
  entry.view = view;
  entry.storage = storage;
  entry.owner = owner;
  live_++;
  return slot << kGenerationBits | static_cast<int32_t>(entry.generation);
}

void TensorTable::free_slot(napi_env env, int32_t slot) {
  Entry& entry = entries_[slot];
  if (entry.owner) napi_delete_reference(env, entry.owner);
  Storage* storage = entry.storage;
  entry.owner = nullptr;
  entry.storage = nullptr;
  entry.generation = entry.generation == kGenerationMask ? 1 : entry.generation + 1;
  entry.next_free = -1;
  if (last_free_ >= 0) {
    entries_[last_free_].next_free = slot;
  } else {
    first_free_ = slot;
  }
  last_free_ = slot;
  free_++;
  live_--;
  storage->device->release(storage);
}

void TensorTable::erase(napi_env env, int32_t id) {
  if (find(id)) free_slot(env, id >> kGenerationBits);
}

int TensorTable::sweep(napi_env env, bool all) {
  constexpr int kPerScope = 512;  // each live owner costs a handle until its scope closes
  int freed = 0;
  const int count = static_cast<int>(entries_.size());
  for (int begin = 0; begin < count; begin += kPerScope) {
    napi_handle_scope scope = nullptr;
    napi_open_handle_scope(env, &scope);
    for (int slot = begin; slot < count && slot < begin + kPerScope; slot++) {
      if (!entries_[slot].storage) continue;
      napi_value owner = nullptr;
      if (!all && entries_[slot].owner) {
        napi_get_reference_value(env, entries_[slot].owner, &owner);
        if (owner) continue;
      }
      free_slot(env, slot);
      freed++;
    }
    napi_close_handle_scope(env, scope);
  }
  return freed;
}

}  // namespace neurite
