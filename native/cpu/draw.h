// Streams of Philox words for the random kernels: a block per lane is computed side by side, and words are handed out
// in stream order, 1024 at a time. Which words an element takes depends on its position alone.
#pragma once
#include "cpu/parallel.h"
#include "cpu/simd.h"
#include "philox.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t draw_words = 1024;

constexpr int64_t blocks_at_once = vi::width;

// The four words of each of blocks_at_once blocks, starting `index` blocks after a position.
inline void philox_blocks(nr_philox at, uint64_t index, uint32_t* words) {
  const auto lanes_of = [](uint64_t half) { return vi(static_cast<int32_t>(static_cast<uint32_t>(half))); };
  static constexpr int32_t iota[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const uint64_t first = at.offset + index;
  const vi sign(INT32_MIN), multiplier0 = lanes_of(philox_multiplier_0), multiplier1 = lanes_of(philox_multiplier_1);
  const vi low = lanes_of(first), high = lanes_of(first >> 32);
  vi c[4] = {low + load<vi>(iota), high, vi(0), vi(0)};
  c[1] = select((c[0] ^ sign) < (low ^ sign), high + vi(1), high);  // the lower half wrapped, unsigned
  vi key0 = lanes_of(at.seed), key1 = lanes_of(at.seed >> 32);
  for (int round = 0; round < philox_rounds; round++) {
    vi high0, low0, high1, low1;
    mul_wide(c[0], multiplier0, high0, low0);
    mul_wide(c[2], multiplier1, high1, low1);
    c[0] = high1 ^ c[1] ^ key0;
    c[1] = low1;
    c[2] = high0 ^ c[3] ^ key1;
    c[3] = low0;
    key0 = key0 + lanes_of(philox_step_0);
    key1 = key1 + lanes_of(philox_step_1);
  }
  alignas(64) int32_t lanes[4][blocks_at_once];
  for (int k = 0; k < 4; k++) store(lanes[k], c[k]);
  for (int64_t i = 0; i < blocks_at_once; i++)
    for (int k = 0; k < 4; k++) words[4 * i + k] = static_cast<uint32_t>(lanes[k][i]);
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
