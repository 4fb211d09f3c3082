// The race check: two accesses to one byte, one of them a write and not both atomic, that no barrier orders. Kernels
// are compiled with -fsanitize=thread, whose hooks are answered here instead of by its library, with a vector clock per
// warp. Without SIMT_RACE nothing of it is there.
#pragma once
#include <cstddef>
#include <cstdint>

namespace simt {
struct Block;
}

namespace simt::race {

struct State;  // of one thread of the operating system

#if defined(SIMT_RACE)
void begin_launch(Block& block);
void begin_block(const Block& block);
// Threads of these warps met: what each did before comes before what any does from now on.
void join(const uint32_t* warps, size_t count);
void join_lanes(int warp);
// One thread lets others go on (an mbarrier's arrival), others take that as their past.
void release(const void* object);
void acquire(const void* object);
// What hooks do not see, because the emulator does it for a thread.
void read(const void* address, size_t bytes);
void write(const void* address, size_t bytes);
void atomic(const void* address, size_t bytes);
#else
inline void begin_launch(Block&) {}
inline void begin_block(const Block&) {}
inline void join(const uint32_t*, size_t) {}
inline void join_lanes(int) {}
inline void release(const void*) {}
inline void acquire(const void*) {}
inline void read(const void*, size_t) {}
inline void write(const void*, size_t) {}
inline void atomic(const void*, size_t) {}
#endif

}  // namespace simt::race
