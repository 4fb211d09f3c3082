// A block of emulated threads: who runs, who waits for what, and what all barriers and exchanges are made of.
#pragma once
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <unordered_map>
#include <vector>

#include "fiber.h"
#include "race.h"
#include "shared.h"
#include "types.h"

namespace simt {

// Where in a kernel something is called, for messages and to tell one barrier from another.
using Place = std::source_location;

struct Block;

// A copy that cp.async has begun: done when its group is waited for.
struct AsyncCopy {
  void* to;
  const void* from;
  int bytes, valid;  // what lies beyond `valid` becomes zero
  int group;
};

// A product that wgmma has begun: done when its group is waited for.
struct WarpgroupProduct {
  float* c;
  int columns;
  uint64_t a, b;
  bool adds, is_f16;
  int group;
};

struct Thread {
  uint3 index;
  int linear, lane, warp;
  Block* block;
  Fiber fiber;
  enum { ready, waiting, exited } state;
  const char* waits_for;
  Place waits_at;
  std::vector<AsyncCopy> copies;
  int copy_groups = 0;
  std::vector<WarpgroupProduct> products;
  int product_groups = 0;
};

// The lanes of a warp that do something together: the last one to come does it for all.
struct Exchange {
  uint32_t mask, arrived;
  const char* what;
  Place at;
  void* arguments[32];
};

struct Barrier {
  int expected = 0, arrived = 0;
  std::vector<Thread*> waiting;
  std::vector<uint32_t> warps;  // that have come
  int sum = 0, result = 0;      // for barriers that count a predicate
};

// A copy by TMA that nobody has waited for, and the barriers in shared memory.
struct alignas(64) TensorMap {
  const char* matrix;
  int64_t rows, columns, row_bytes;
  int element, tile_rows;
};
struct TileCopy {
  char* to;
  TensorMap map;
  int row, column;
};
struct Mbarrier {
  int arrivals, missing;  // of this phase
  int64_t bytes;          // that were announced and have not come
  uint32_t phase;
  std::vector<TileCopy> copies;
  std::vector<Thread*> waiting;
};

struct Warp {
  std::vector<Exchange> open;
  uint32_t lanes = 0;   // that exist
  uint32_t exited = 0;  // that have ended
  Place barrier;        // where its first lane waits
  int barrier_lanes = 0;
};

struct Block {
  uint3 index;
  dim3 threads_shape, grid_shape;
  uint64_t number;  // in its grid
  int count;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  Barrier barriers[16];
  std::unordered_map<const void*, Mbarrier> mbarriers;
  // What every access is compared with is here, because what a thread has of its own is slow to find.
  uintptr_t stacks = 0, arena = 0;
  race::State* races = nullptr;
};

extern thread_local __attribute__((tls_model("initial-exec"))) Thread* self;

// Runs body(state) as every thread of every block, block after block. Returns what a thread did wrong, or "".
std::string launch(dim3 grid, dim3 block, size_t dynamic_shared, void (*body)(const void*), const void* state);

// Whether an address is on a stack of an emulated thread, or in the block's shared memory.
inline bool on_fiber_stack(const void* address) {
  return reinterpret_cast<uintptr_t>(address) - self->block->stacks < kAllStacks;
}
inline bool in_shared(const void* address) {
  return reinterpret_cast<uintptr_t>(address) - self->block->arena < kArena;
}

// Ends the launch: a thread did something that CUDA does not allow.
[[noreturn, gnu::format(printf, 1, 2)]] void fail(const char* format, ...);
// Lets other threads run until somebody makes this one ready.
void wait(const char* what, Place at);
// Lets other threads run.
void yield();

// Barrier `id` of `count` threads (0: all of the block). Returns the sum of what they brought.
int barrier(int id, int count, int value, bool blocks, Place at);

// Runs perform(exchange) once all lanes of `mask` have come to it, each with its argument.
void exchange(uint32_t mask, const char* what, void* argument, void (*perform)(Exchange&), Place at);

// Shared memory of the running block: the same address for all who ask under one key.
void* shared(const void* key, size_t bytes, size_t alignment);
void* dynamic_shared();

}  // namespace simt
