// Every four bytes have a cell: who wrote them last and which two threads read them last, each with the clock of its
// warp and the bytes it touched. An access came before another if it is by the same thread, or if the other's warp has
// since met its warp: its entry in the other warp's vector clock is then greater. Blocks never meet, except through
// atomics. Exchanges of some lanes count as exchanges of their whole warp.
#include "race.h"

#if defined(SIMT_RACE)
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "block.h"
#include "shared.h"

namespace simt::race {

namespace {

struct Access {
  uint64_t stamp = 0;  // launch 16, block 20, thread 10, clock 17, atomic 1
  static Access of(uint64_t launch, uint64_t block, int thread, uint64_t clock, bool atomic) {
    return {(launch & 0xffff) << 48 | (block & 0xfffff) << 28 | uint64_t(thread) << 18 | (clock & 0x1ffff) << 1 |
            atomic};
  }
  uint64_t launch() const { return stamp >> 48; }
  uint64_t block() const { return stamp >> 28 & 0xfffff; }
  int thread() const { return static_cast<int>(stamp >> 18 & 1023); }
  uint64_t clock() const { return stamp >> 1 & 0x1ffff; }
  bool atomic() const { return stamp & 1; }
};
struct Cell {
  Access write, reads[2];
  uint8_t write_bytes = 0, read_bytes[2] = {};
  uint8_t known = 0;  // bytes that the block of `write` has written
};
using Clock = std::vector<uint64_t>;

}  // namespace

constexpr uintptr_t kCell = 4, kPageCells = 1024;
constexpr size_t kNear = 256;

struct Page {
  Cell cells[kPageCells];
};

struct State {
  uint64_t launch = 0, block = 0;
  std::vector<Clock> clocks;  // of each warp: what it knows of every warp
  std::unordered_map<const void*, Clock> released;
  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages;
  // Pages found lately.
  std::vector<std::pair<uintptr_t, Page*>> near = decltype(near)(kNear);

  void forget() {
    pages.clear();
    near.assign(kNear, {});
  }

  Cell& cell(uintptr_t address) {
    const uintptr_t number = address / (kCell * kPageCells);
    auto& n = near[number % kNear];
    if (n.first != number || !n.second) {
      auto& page = pages[number];
      if (!page) page = std::make_unique<Page>();
      n = {number, page.get()};
    }
    return n.second->cells[address / kCell % kPageCells];
  }
};

namespace {

State& own_state() {
  thread_local const std::unique_ptr<State> own = std::make_unique<State>();
  return *own;
}

// True if `before` may happen at the same time as what the running thread does now.
inline bool unordered(const State& state, Access before, bool in_shared) {
  if (before.launch() != (state.launch & 0xffff)) return false;
  if (before.block() != (state.block & 0xfffff)) return !in_shared;
  if (before.thread() == self->linear) return false;
  return state.clocks[self->warp][before.thread() / 32] <= before.clock();
}

void check(const void* start, size_t bytes, bool writes, bool atomic, const void* pc) {
  if (!self || on_fiber_stack(start)) return;
  State& s = *self->block->races;
  const bool in_shared = simt::in_shared(start);
  const Access now = Access::of(s.launch, s.block, self->linear, s.clocks[self->warp][self->warp], atomic);
  const auto begin = reinterpret_cast<uintptr_t>(start), end = begin + bytes;
  for (uintptr_t at = begin / kCell * kCell; at < end; at += kCell) {
    Cell& cell = s.cell(at);
    uint8_t touched = 15;
    if (at < begin) touched &= static_cast<uint8_t>(15 << (begin - at));
    if (at + kCell > end) touched &= static_cast<uint8_t>(15 >> (at + kCell - end));
    const auto clash = [&](Access before, uint8_t bytes_before) {
      return (touched & bytes_before) && !(atomic && before.atomic()) && unordered(s, before, in_shared);
    };
    const auto report = [&](const char* what, Access before) {
      fail("race: %s %s memory at %p (code at %p) that thread %d of block %llu %s, with no barrier between",
           writes ? "writes" : "reads", in_shared ? "shared" : "global", start, pc, before.thread(),
           static_cast<unsigned long long>(before.block()), what);
    };
    const bool same_block = cell.write.stamp >> 28 == now.stamp >> 28;  // and launch
    if (in_shared && !writes && (!same_block || touched & ~cell.known))
      fail("reads shared memory at %p (code at %p) that nobody has written", start, pc);
    if (clash(cell.write, cell.write_bytes)) report("writes", cell.write);
    if (writes) {
      for (int i = 0; i < 2; i++)
        if (clash(cell.reads[i], cell.read_bytes[i])) report("reads", cell.reads[i]);
      cell.known = static_cast<uint8_t>((same_block ? cell.known : 0) | touched);
      cell.write = now;
      cell.write_bytes = touched;
    }
    if (!writes || atomic) {
      if (cell.reads[0].stamp >> 18 != now.stamp >> 18) {  // another thread's
        cell.reads[1] = cell.reads[0];
        cell.read_bytes[1] = cell.read_bytes[0];
        cell.read_bytes[0] = 0;
      }
      cell.reads[0] = now;
      cell.read_bytes[0] |= touched;
    }
  }
}

}  // namespace

void begin_launch(Block& block) {
  State& state = own_state();
  block.races = &state;
  state.released.clear();
  if ((++state.launch & 0xffff) == 0) {  // stamps would come again
    state.forget();
    state.launch++;
  }
}

void begin_block(const Block& block) {
  State& state = *block.races;
  state.block = block.number;
  state.clocks.assign(block.warps.size(), Clock(block.warps.size(), 0));
  for (size_t w = 0; w < state.clocks.size(); w++) state.clocks[w][w] = 1;
}

void join(const uint32_t* warps, size_t count) {
  State& state = *self->block->races;
  Clock met(state.clocks.size(), 0);
  for (size_t i = 0; i < count; i++) {
    const Clock& clock = state.clocks[warps[i]];
    for (size_t w = 0; w < met.size(); w++) met[w] = std::max(met[w], clock[w]);
  }
  Clock next = met;
  for (size_t i = 0; i < count; i++) next[warps[i]] = met[warps[i]] + 1;
  for (size_t i = 0; i < count; i++) state.clocks[warps[i]] = next;
}

void join_lanes(int warp) {
  State& state = *self->block->races;
  state.clocks[warp][warp]++;
}

void release(const void* object) {
  State& state = *self->block->races;
  Clock& clock = state.released[object];
  Clock& mine = state.clocks[self->warp];
  clock.resize(mine.size());
  mine[self->warp]++;
  for (size_t w = 0; w < mine.size(); w++) clock[w] = std::max(clock[w], mine[w]);
}

void acquire(const void* object) {
  State& state = *self->block->races;
  const auto found = state.released.find(object);
  if (found == state.released.end()) return;
  Clock& mine = state.clocks[self->warp];
  for (size_t w = 0; w < mine.size(); w++) mine[w] = std::max(mine[w], found->second[w]);
}

void read(const void* address, size_t bytes) {
  check(address, bytes, false, false, __builtin_return_address(0));
}
void write(const void* address, size_t bytes) {
  check(address, bytes, true, false, __builtin_return_address(0));
}
void atomic(const void* address, size_t bytes) {
  check(address, bytes, true, true, __builtin_return_address(0));
}

}  // namespace simt::race

#define SIMT_HOOK extern "C" __attribute__((visibility("hidden"))) void
#define SIMT_HOOKS(n)                                                   \
  SIMT_HOOK __tsan_read##n(void* p) {                                   \
    simt::race::check(p, n, false, false, __builtin_return_address(0)); \
  }                                                                     \
  SIMT_HOOK __tsan_write##n(void* p) {                                  \
    simt::race::check(p, n, true, false, __builtin_return_address(0));  \
  }                                                                     \
  SIMT_HOOK __tsan_unaligned_read##n(void* p) {                         \
    simt::race::check(p, n, false, false, __builtin_return_address(0)); \
  }                                                                     \
  SIMT_HOOK __tsan_unaligned_write##n(void* p) {                        \
    simt::race::check(p, n, true, false, __builtin_return_address(0));  \
  }                                                                     \
  SIMT_HOOK __tsan_volatile_read##n(void* p) {                          \
    simt::race::check(p, n, false, true, __builtin_return_address(0));  \
  }                                                                     \
  SIMT_HOOK __tsan_volatile_write##n(void* p) {                         \
    simt::race::check(p, n, true, true, __builtin_return_address(0));   \
  }
SIMT_HOOKS(1)
SIMT_HOOKS(2)
SIMT_HOOKS(4)
SIMT_HOOKS(8)
SIMT_HOOKS(16)
SIMT_HOOK __tsan_read_range(void* p, size_t n) {
  simt::race::check(p, n, false, false, __builtin_return_address(0));
}
SIMT_HOOK __tsan_write_range(void* p, size_t n) {
  simt::race::check(p, n, true, false, __builtin_return_address(0));
}
SIMT_HOOK __tsan_vptr_update(void**, void*) {}
SIMT_HOOK __tsan_vptr_read(void**) {}
SIMT_HOOK __tsan_func_entry(void*) {}
SIMT_HOOK __tsan_func_exit(void) {}
SIMT_HOOK __tsan_init(void) {}
#endif
