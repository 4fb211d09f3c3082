#include "shared.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "block.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define SIMT_POISON(p, n) __asan_poison_memory_region(p, n)
#define SIMT_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define SIMT_POISON(p, n) ((void)(p), (void)(n))
#define SIMT_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

namespace simt {

namespace {

struct Arena {
  char* begin = static_cast<char*>(std::aligned_alloc(1024, kArena));
  size_t used = 0, asked = 0;
  char* dynamic = nullptr;
  struct Named {
    const void* key;
    void* memory;
  };
  std::vector<Named> named;
  ~Arena() { std::free(begin); }

  // With exactly this alignment and no more, so that code that needs more fails here too.
  void* take(size_t bytes, size_t alignment) {
    asked += bytes;
    size_t at = (used + kRedzone + 2 * alignment - 1) / (2 * alignment) * (2 * alignment);
    if (alignment < 128) at += alignment;
    if (asked > kMostShared || at + bytes > kArena) return nullptr;
    SIMT_UNPOISON(begin + at, bytes);
    std::memset(begin + at, 0xff, bytes);
    used = at + bytes;
    return begin + at;
  }
};
thread_local Arena arena;

}  // namespace

bool begin_shared(size_t dynamic_bytes) {
  SIMT_POISON(arena.begin, kArena);
  arena.used = arena.asked = 0;
  arena.named.clear();
  arena.dynamic = dynamic_bytes ? static_cast<char*>(arena.take(dynamic_bytes, 1024)) : nullptr;
  return arena.dynamic || dynamic_bytes == 0;
}

const void* shared_arena() {
  return arena.begin;
}

void* shared(const void* key, size_t bytes, size_t alignment) {
  for (const auto& n : arena.named)
    if (n.key == key) return n.memory;
  void* memory = arena.take(bytes, alignment);
  if (!memory) fail("%zu bytes of shared memory, at most %zu are there", arena.asked, kMostShared);
  arena.named.push_back({key, memory});
  return memory;
}

void* dynamic_shared() {
  if (!arena.dynamic) fail("dynamic shared memory is used, but the launch gave none");
  return arena.dynamic;
}

}  // namespace simt
