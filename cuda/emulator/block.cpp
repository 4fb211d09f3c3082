// The scheduler. Blocks of a grid run one after the other; the threads of a block take turns, each until it waits or
// ends. NEURITE_EMULATED_ORDER changes who goes first: forward, reverse or random (a race shows in some order).
#include "block.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "race.h"
#include "shared.h"

namespace simt {

thread_local __attribute__((tls_model("initial-exec"))) Thread* self = nullptr;

namespace {

struct Scheduler {
  Fiber fiber;
  Block block;
  void (*body)(const void*) = nullptr;
  const void* state = nullptr;
  std::string failure;
  std::vector<int> order;
  std::minstd_rand random{1};
};

// On the heap, because a library has little room for what each thread has of its own.
Scheduler& scheduler() {
  thread_local const std::unique_ptr<Scheduler> own = std::make_unique<Scheduler>();
  return *own;
}

std::string name_of(const Thread& t) {
  char text[96];
  std::snprintf(text, sizeof text, "thread (%u, %u, %u) of block (%u, %u, %u)", t.index.x, t.index.y, t.index.z,
                t.block->index.x, t.block->index.y, t.block->index.z);
  return text;
}

void enter() {
  fiber_entered(scheduler().fiber);
  scheduler().body(scheduler().state);
  self->state = Thread::exited;
  self->block->warps[self->warp].exited |= 1u << self->lane;
  switch_fiber(self->fiber, scheduler().fiber, true);
  std::abort();  // nobody comes back
}

void set_up(Block& block, const dim3& shape) {
  block.threads_shape = shape;
  block.count = static_cast<int>(shape.x * shape.y * shape.z);
  block.threads.resize(block.count);
  block.warps.assign((block.count + 31) / 32, {});
  for (Barrier& b : block.barriers) b = {};
  block.mbarriers.clear();
  for (int i = 0; i < block.count; i++) {
    Thread& t = block.threads[i];
    const auto n = static_cast<unsigned>(i);
    t.index = {n % shape.x, n / shape.x % shape.y, n / shape.x / shape.y};
    t.linear = i;
    t.lane = i % 32;
    t.warp = i / 32;
    t.block = &block;
    t.state = Thread::ready;
    t.copies.clear();
    t.copy_groups = 0;
    t.products.clear();
    t.product_groups = 0;
    block.warps[t.warp].lanes |= 1u << t.lane;
    prepare_fiber(t.fiber, i, enter);
  }
}

// Who waits where, for the message when nobody can go on.
std::string describe_waiting(const Block& block) {
  int waiting = 0, exited = 0;
  const Thread* first = nullptr;
  for (const Thread& t : block.threads) {
    if (t.state == Thread::waiting) {
      if (!first) first = &t;
      waiting++;
    }
    exited += t.state == Thread::exited;
  }
  std::string text = std::to_string(waiting) + " threads wait for ever and " + std::to_string(exited) + " have ended: ";
  std::vector<std::string> seen;
  for (const Thread& t : block.threads) {
    if (t.state != Thread::waiting || seen.size() == 4) continue;
    std::string place =
        std::string(t.waits_for) + " at " + t.waits_at.file_name() + ":" + std::to_string(t.waits_at.line());
    if (std::find(seen.begin(), seen.end(), place) != seen.end()) continue;
    seen.push_back(place);
    text += (seen.size() > 1 ? "; " : "") + name_of(t) + " in " + place;
  }
  return text;
}

void run_block(Block& block) {
  Scheduler& s = scheduler();
  static const char* const setting = std::getenv("NEURITE_EMULATED_ORDER");
  const bool random = setting && std::strcmp(setting, "random") == 0;
  s.order.resize(block.count);
  for (int i = 0; i < block.count; i++) s.order[i] = i;
  if (setting && std::strcmp(setting, "reverse") == 0) std::reverse(s.order.begin(), s.order.end());
  for (int left = block.count; left > 0;) {
    bool progress = false;
    if (random) std::shuffle(s.order.begin(), s.order.end(), s.random);
    for (int i : s.order) {
      Thread& t = block.threads[i];
      if (t.state != Thread::ready) continue;
      progress = true;
      self = &t;
      switch_fiber(s.fiber, t.fiber);
      self = nullptr;
      if (!s.failure.empty()) return;
      left -= t.state == Thread::exited;
    }
    if (!progress) s.failure = describe_waiting(block);
    if (!progress) return;
  }
}

void make_ready(Thread& t) {
  t.state = Thread::ready;
}

}  // namespace

std::string launch(dim3 grid, dim3 shape, size_t dynamic, void (*body)(const void*), const void* state) {
  const uint64_t threads = uint64_t{shape.x} * shape.y * shape.z;
  if (threads == 0 || threads > kMaxThreads) return "a block of " + std::to_string(threads) + " threads";
  if (grid.y > 65535 || grid.z > 65535) return "a grid of more than 65535 blocks along y or z";
  Scheduler& s = scheduler();
  s.body = body;
  s.state = state;
  s.failure.clear();
  s.block.grid_shape = grid;
  s.block.number = 0;
  s.block.stacks = reinterpret_cast<uintptr_t>(fiber_stacks());
  s.block.arena = reinterpret_cast<uintptr_t>(shared_arena());
  race::begin_launch(s.block);
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++, s.block.number++) {
        s.block.index = {x, y, z};
        set_up(s.block, shape);
        race::begin_block(s.block);
        if (!begin_shared(dynamic)) return std::to_string(dynamic) + " bytes of shared memory are more than there are";
        run_block(s.block);
        if (!s.failure.empty()) return s.failure;
      }
  return {};
}

void fail(const char* format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  scheduler().failure = name_of(*self) + ": " + text;
  switch_fiber(self->fiber, scheduler().fiber, true);
  std::abort();  // nobody comes back
}

void wait(const char* what, Place at) {
  self->state = Thread::waiting;
  self->waits_for = what;
  self->waits_at = at;
  switch_fiber(self->fiber, scheduler().fiber);
}

void yield() {
  switch_fiber(self->fiber, scheduler().fiber);
}

int barrier(int id, int count, int value, bool blocks, Place at) {
  Block& block = *self->block;
  if (id < 0 || id >= 16) fail("barrier %d at %s:%u: there are 16", id, at.file_name(), at.line());
  Barrier& b = block.barriers[id];
  const int expected = count > 0 ? count : block.count;
  if (b.arrived == 0) b.expected = expected;
  if (b.expected != expected)
    fail("barrier %d at %s:%u counts %d threads, others %d", id, at.file_name(), at.line(), expected, b.expected);
  // The lanes of a warp must come to one barrier, not to several ones.
  Warp& warp = block.warps[self->warp];
  if (warp.barrier_lanes > 0 &&
      (warp.barrier.line() != at.line() || std::strcmp(warp.barrier.file_name(), at.file_name()) != 0))
    fail("the lanes of warp %d diverge: one is at the barrier of line %u, another at that of line %u of %s", self->warp,
         warp.barrier.line(), at.line(), at.file_name());
  warp.barrier = at;
  warp.barrier_lanes++;
  b.sum += value;
  b.warps.push_back(static_cast<uint32_t>(self->warp));
  if (++b.arrived < b.expected) {
    if (!blocks) {
      warp.barrier_lanes--;
      return 0;
    }
    b.waiting.push_back(self);
    wait("a barrier", at);
    return b.result;
  }
  b.result = b.sum;
  race::join(b.warps.data(), b.warps.size());
  for (Thread* t : b.waiting) {
    make_ready(*t);
    block.warps[t->warp].barrier_lanes = 0;
  }
  warp.barrier_lanes = 0;
  b.waiting.clear();
  b.warps.clear();
  b.arrived = b.sum = 0;
  return b.result;
}

void exchange(uint32_t mask, const char* what, void* argument, void (*perform)(Exchange&), Place at) {
  Warp& warp = self->block->warps[self->warp];
  const uint32_t bit = 1u << self->lane;
  mask &= warp.lanes;
  if (!(mask & bit)) fail("%s at %s:%u: lane %d is not in its own mask", what, at.file_name(), at.line(), self->lane);
  if (mask & warp.exited)
    fail("%s at %s:%u waits for lanes %08x that have ended", what, at.file_name(), at.line(), mask & warp.exited);
  Exchange* mine = nullptr;
  for (Exchange& open : warp.open) {
    if (!(open.mask & mask)) continue;
    if (open.mask != mask || std::strcmp(open.what, what) != 0)
      fail("the lanes of warp %d diverge: some are in %s of %s:%u (mask %08x), this one in %s of %s:%u (mask %08x)",
           self->warp, open.what, open.at.file_name(), open.at.line(), open.mask, what, at.file_name(), at.line(),
           mask);
    mine = &open;
  }
  if (!mine) {
    warp.open.push_back({mask, 0, what, at, {}});
    mine = &warp.open.back();
  }
  mine->arrived |= bit;
  mine->arguments[self->lane] = argument;
  if (mine->arrived != mask) return wait(what, at);
  Exchange complete = *mine;
  warp.open.erase(warp.open.begin() + (mine - warp.open.data()));
  if (perform) perform(complete);
  race::join_lanes(self->warp);
  for (int lane = 0; lane < 32; lane++)
    if (mask >> lane & 1) make_ready(self->block->threads[self->warp * 32 + lane]);
}

}  // namespace simt
