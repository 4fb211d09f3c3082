// Streams of Philox words for the random kernels: 16 blocks are computed side by side (the lane loops vectorise) and
// words are handed out in stream order, 1024 at a time. Which words an element takes depends on its position alone.
#pragma once
#include "cpu/parallel.h"
#include "philox.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t draw_words = 1024;

// The four words of each of 16 blocks, starting `index` blocks after a position.
inline void philox_16_blocks(nr_philox at, uint64_t index, uint32_t* words) {
  constexpr int lanes = 16;
  alignas(64) uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
  for (int i = 0; i < lanes; i++) {
    const uint64_t counter = at.offset + index + static_cast<uint64_t>(i);
    c0[i] = static_cast<uint32_t>(counter);
    c1[i] = static_cast<uint32_t>(counter >> 32);
    c2[i] = c3[i] = 0;
  }
  uint32_t key0 = static_cast<uint32_t>(at.seed), key1 = static_cast<uint32_t>(at.seed >> 32);
  for (int round = 0; round < philox_rounds; round++) {
    for (int i = 0; i < lanes; i++) {
      const uint64_t a = static_cast<uint64_t>(philox_multiplier_0) * c0[i];
      const uint64_t b = static_cast<uint64_t>(philox_multiplier_1) * c2[i];
      c0[i] = static_cast<uint32_t>(b >> 32) ^ c1[i] ^ key0;
      c2[i] = static_cast<uint32_t>(a >> 32) ^ c3[i] ^ key1;
      c1[i] = static_cast<uint32_t>(b);
      c3[i] = static_cast<uint32_t>(a);
    }
    key0 += philox_step_0;
    key1 += philox_step_1;
  }
  for (int i = 0; i < lanes; i++) {
    words[4 * i] = c0[i];
    words[4 * i + 1] = c1[i];
    words[4 * i + 2] = c2[i];
    words[4 * i + 3] = c3[i];
  }
}

// body(first, count, words) for elements [first, first + count) of n, in parallel: each element takes
// `words_per_element` words, and `words` holds those of a whole number of Philox blocks, at most 1024.
template <int words_per_element, class Body>
inline void draw(nr_context* ctx, int64_t n, nr_philox at, const Body& body) {
  constexpr int64_t step = draw_words / words_per_element;
  parallel_range(ctx, (n + step - 1) / step, 16, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[draw_words];
    for (int64_t chunk = begin; chunk < end; chunk++) {
      const int64_t first = chunk * step, count = n - first < step ? n - first : step;
      for (int64_t w = 0; w < count * words_per_element; w += 64)
        philox_16_blocks(at, static_cast<uint64_t>((chunk * draw_words + w) / 4), words + w);
      body(first, count, words);
    }
  });
}

// Two words of element i as one number.
inline uint64_t two_words(const uint32_t* words, int64_t i) {
  return static_cast<uint64_t>(words[2 * i + 1]) << 32 | words[2 * i];
}

// floor(w · range / 2^64): w uniform over 64 bits gives a number in [0, range), uneven by at most range / 2^64.
inline uint64_t scale_to(uint64_t w, uint64_t range) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(w) * range >> 64);
}

}  // namespace
}  // namespace neurite::NR_ISA
