// Streams of Philox words for the random kernels: a block per lane is computed side by side; words are handed out
// in stream order, 1024 at a time. Which words an element takes depends on its position alone.
#pragma once
#include "cpu/pairs.h"
#include "cpu/parallel.h"
#include "cpu/unroll.h"
#include "philox.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t draw_words = 1024;

#if defined(NR_ISA_avx2) || defined(NR_ISA_avx512)

constexpr int chains = 4;  // vectors of blocks side by side: a round waits for its multiplications
constexpr int64_t blocks_at_once = chains * vi::width / 2;

// The words of blocks_at_once blocks, starting `index` blocks after a position: a block per 64-bit lane, of which the
// lower half counts; the upper one is what a product left there.
inline void philox_blocks(nr_philox at, uint64_t index, uint32_t* words) {
  const auto all = [](uint64_t half) { return vi(static_cast<int32_t>(static_cast<uint32_t>(half))); };
  const vi multiplier0 = all(philox_multiplier_0), multiplier1 = all(philox_multiplier_1);
  const vi step0 = all(philox_step_0), step1 = all(philox_step_1);
  vi key0 = all(at.seed), key1 = all(at.seed >> 32);
  vi c[chains][4];
  unroll<chains>([&](auto k) NR_INLINE {
    const vi count = count_pairs(at.offset + index + static_cast<uint64_t>(k * vi::width / 2));
    c[k][0] = count, c[k][1] = upper_half(count), c[k][2] = vi(0), c[k][3] = vi(0);
  });
  for (int round = 0; round < philox_rounds; round++) {
    unroll<chains>([&](auto k) NR_INLINE {
      const vi a = mul_lower(c[k][0], multiplier0), b = mul_lower(c[k][2], multiplier1);
      c[k][0] = upper_half(b) ^ c[k][1] ^ key0;
      c[k][1] = b;
      c[k][2] = upper_half(a) ^ c[k][3] ^ key1;
      c[k][3] = a;
    });
    key0 = key0 + step0;
    key1 = key1 + step1;
  }
  unroll<chains>([&](auto k) NR_INLINE {
    store_alternating(words + k * 2 * vi::width, join_lower(c[k][0], c[k][1]), join_lower(c[k][2], c[k][3]));
  });
}

#else

constexpr int64_t blocks_at_once = 1;

inline void philox_blocks(nr_philox at, uint64_t index, uint32_t* words) {
  const PhiloxBlock block = philox_block(at, index);
  __builtin_memcpy(words, block.word, sizeof block.word);
}

#endif

// body(first, count, words) for elements [first, first + count) of n, in parallel: each element takes
// `words_per_element` words, and `words` holds those of a whole number of Philox blocks, at most 1024.
template <int words_per_element, class Body>
inline void draw(nr_context* ctx, int64_t n, nr_philox at, const Body& body) {
  constexpr int64_t step = draw_words / words_per_element;
  parallel_range(ctx, (n + step - 1) / step, 16, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[draw_words];
    for (int64_t chunk = begin; chunk < end; chunk++) {
      const int64_t first = chunk * step, count = n - first < step ? n - first : step;
      for (int64_t w = 0; w < count * words_per_element; w += 4 * blocks_at_once)
        philox_blocks(at, static_cast<uint64_t>((chunk * draw_words + w) / 4), words + w);
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
