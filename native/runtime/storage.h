// The memory behind one or more tensors. A record outlives its memory block: the block returns to the pool as soon as
// the last handle is gone, the record when the last command that names it has run.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/fault.h"

namespace neurite {

class Device;
struct Check;

struct Storage {
  Device* device = nullptr;
  void* data = nullptr;
  size_t bytes = 0;                 // what was asked for
  size_t block_bytes = 0;           // what the pool gave
  uint64_t idle_from = 0;           // stream position after which no earlier owner's command uses the block
  std::atomic<int32_t> handles{0};  // table entries of all environments, and tensors under way between Workers
  uint64_t retired_at = 0;          // position in the stream after which no command names this record
  FaultPtr fault;                   // touched by the executor alone while commands are pending
  std::vector<std::shared_ptr<Check>> checks;  // likewise: those its contents depend on; none on the CPU
};

}  // namespace neurite
