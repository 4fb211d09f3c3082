// The tensors of one environment. JavaScript holds ids: a slot number and the slot's generation, so that an id that was
// freed is recognised. Slots are reused oldest first, which keeps generations far apart.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <vector>

#include "runtime/device.h"

namespace neurite {

class TensorTable {
 public:
  struct Entry {
    nr_tensor view;
    Storage* storage = nullptr;  // nullptr: the slot is free
    napi_ref owner = nullptr;    // weak reference to the JavaScript tensor
    uint32_t generation = 1;
    int32_t next_free = -1;
  };

  // An id fits a small integer of every V8 build: 21 bits of slot, 9 of generation.
  static constexpr int kGenerationBits = 9;
  static constexpr int kMaxSlots = 1 << 21;
  static constexpr uint32_t kGenerationMask = (1 << kGenerationBits) - 1;

  // The live entry, or nullptr for an id that never was or is no more.
  Entry* find(int64_t id);
  // Takes over one handle of `storage`. 0 when the table is full.
  int32_t insert(const nr_tensor& view, Storage* storage, napi_ref owner);
  void erase(napi_env env, int32_t id);

  int live() const { return live_; }
  bool full() const { return first_free_ < 0 && static_cast<int>(entries_.size()) >= kMaxSlots; }
  // Frees every tensor whose owner was collected (or all of them). Returns how many.
  int sweep(napi_env env, bool all);

 private:
  static constexpr int kSlotsBeforeReuse = 256;
  int32_t take_slot();
  void free_slot(napi_env env, int32_t slot);

  std::vector<Entry> entries_;
  int32_t first_free_ = -1, last_free_ = -1;
  int free_ = 0;
  int live_ = 0;
};

}  // namespace neurite
