// Philox4x32-10, a counter-based random generator (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as
// 1, 2, 3, SC 2011): four words are a function of a 128-bit counter and a 64-bit key, so any thread computes any part
// of a stream. One block at a time; shared by all devices.
#pragma once
#include "backend.h"

#ifdef __CUDACC__
#define NR_PHILOX_FUNCTION static __host__ __device__ inline
#else
#define NR_PHILOX_FUNCTION static inline
#endif

namespace neurite {

struct PhiloxBlock {
  uint32_t word[4];
};

constexpr uint32_t philox_multiplier_0 = 0xD2511F53, philox_multiplier_1 = 0xCD9E8D57;
constexpr uint32_t philox_step_0 = 0x9E3779B9, philox_step_1 = 0xBB67AE85;  // the key's: golden ratio, sqrt(3) - 1
constexpr int philox_rounds = 10;

NR_PHILOX_FUNCTION PhiloxBlock philox_block(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  PhiloxBlock c = counter;
  for (int round = 0; round < philox_rounds; round++) {
    const uint64_t a = static_cast<uint64_t>(philox_multiplier_0) * c.word[0];
    const uint64_t b = static_cast<uint64_t>(philox_multiplier_1) * c.word[2];
    c = {{static_cast<uint32_t>(b >> 32) ^ c.word[1] ^ key0, static_cast<uint32_t>(b),
          static_cast<uint32_t>(a >> 32) ^ c.word[3] ^ key1, static_cast<uint32_t>(a)}};
    key0 += philox_step_0;
    key1 += philox_step_1;
  }
  return c;
}

// The block `index` blocks after a position.
NR_PHILOX_FUNCTION PhiloxBlock philox_block(nr_philox at, uint64_t index) {
  const uint64_t counter = at.offset + index;
  return philox_block({{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0}},
                      static_cast<uint32_t>(at.seed), static_cast<uint32_t>(at.seed >> 32));
}

}  // namespace neurite
