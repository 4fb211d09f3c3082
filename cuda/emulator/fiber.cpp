#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__)
#error "the emulator's switch between fibers is written for x86-64; write it for this processor in fiber.cpp"
#endif

// Saves the registers that a call keeps and the stack pointer, and takes those of the other fiber.
extern "C" __attribute__((visibility("hidden"))) void simt_switch(void** from, void* to);
asm(R"(
.text
.hidden simt_switch
.globl simt_switch
.type simt_switch, @function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch, . - simt_switch
)");

namespace simt {

namespace {

constexpr size_t kPage = 4096;

struct Stacks {
  char* begin;
  Stacks() {
    begin = static_cast<char*>(
        mmap(nullptr, kAllStacks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (begin == MAP_FAILED) std::abort();
    for (size_t i = 0; i < kMaxThreads; i++) mprotect(begin + i * kStack, kPage, PROT_NONE);
  }
  ~Stacks() { munmap(begin, kAllStacks); }
};

Stacks& stacks() {
  thread_local Stacks all;
  return all;
}

}  // namespace

void prepare_fiber(Fiber& fiber, int number, void (*entry)()) {
  char* bottom = stacks().begin + static_cast<size_t>(number) * kStack + kPage;
  // Tops that differ by a line each: all at the same offset of a page would share one set of the cache.
  char* top = bottom + kStack - kPage - static_cast<size_t>(number % 64) * 64;
  fiber.bottom = bottom;
  fiber.size = kStack - kPage;
  fiber.fake_stack = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(bottom, fiber.size);
#endif
  auto** sp = reinterpret_cast<void**>(top) - 2;  // a stack is aligned to 16 bytes before a call pushes its return
  sp[0] = reinterpret_cast<void*>(entry);
  sp[1] = nullptr;
  sp -= 6;
  for (int i = 0; i < 6; i++) sp[i] = nullptr;
  fiber.sp = sp;
}

void fiber_entered([[maybe_unused]] Fiber& caller) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &caller.bottom, &caller.size);
#endif
}

void switch_fiber(Fiber& from, Fiber& to, [[maybe_unused]] bool ends) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(ends ? nullptr : &from.fake_stack, to.bottom, to.size);
#endif
  simt_switch(&from.sp, to.sp);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

const void* fiber_stacks() {
  return stacks().begin;
}

}  // namespace simt
