// Shared memory: one arena per thread of the operating system, filled with NaN at the start of a block.
#pragma once
#include <cstddef>

namespace simt {

constexpr size_t kMostShared = size_t{227} << 10;  // of a block, as on the chips that have most
constexpr size_t kRedzone = 256;
constexpr size_t kArena = kMostShared + 64 * kRedzone;

// False if there is not that much.
bool begin_shared(size_t dynamic_bytes);
// Where the arena of this thread begins; it takes kArena bytes.
const void* shared_arena();

}  // namespace simt

#define SIMT_SHARED(T, name, ...)                                               \
  auto& name = *static_cast<T(*) __VA_ARGS__>([]() -> void* {                   \
    static const char key = 0;                                                  \
    return ::simt::shared(&key, sizeof(T __VA_ARGS__), alignof(T __VA_ARGS__)); \
  }())
#define SIMT_DYN_SHARED(T, name) T* name = static_cast<T*>(::simt::dynamic_shared())
