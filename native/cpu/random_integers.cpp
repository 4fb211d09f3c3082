// Random integers, two words each: scaled from 64 bits to their range by a multiplication (see scale_to).
// randperm is the inside-out Fisher-Yates shuffle, whose i-th step takes element i's words.
#include "cpu/contiguous.h"
#include "cpu/draw.h"

namespace neurite::NR_ISA {
namespace {

// offsets[i] in [0, range).
inline void integers_below(const uint32_t* words, int64_t count, uint64_t range, uint64_t* offsets) {
  if (range >> 32) {
    for (int64_t i = 0; i < count; i++) offsets[i] = scale_to(two_words(words, i), range);
    return;
  }
  for (int64_t i = 0; i < count; i++) {  // the same number by 32-bit products, which vectorise
    const uint64_t low = words[2 * i] * range >> 32;
    offsets[i] = (words[2 * i + 1] * range + low) >> 32;
  }
}

}  // namespace

void randint(nr_context* ctx, nr_tensor* y_tensor, int64_t low, int64_t high, nr_philox philox) {
  with_dtype(y_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    Target<T> target(ctx, *y_tensor);
    if (!target.data()) return;
    T* y = target.data();
    const uint64_t base = static_cast<uint64_t>(low), range = static_cast<uint64_t>(high) - base;
    draw<2>(ctx, element_count(*y_tensor), philox, [&](int64_t first, int64_t count, const uint32_t* words) {
      alignas(64) uint64_t offsets[draw_words / 2];
      integers_below(words, count, range, offsets);
      for (int64_t i = 0; i < count; i++) y[first + i] = convert<T>(static_cast<int64_t>(base + offsets[i]));
    });
    target.finish();
  });
}

void randperm(nr_context*, nr_tensor* y_tensor, nr_philox philox) {
  int64_t* y = static_cast<int64_t*>(y_tensor->data);
  const int64_t n = y_tensor->shape[0];
  constexpr int64_t step = 2 * blocks_at_once;
  alignas(64) uint32_t words[2 * step];
  for (int64_t begin = 0; begin < n; begin += step) {
    philox_blocks(philox, static_cast<uint64_t>(begin / 2), words);
    for (int64_t i = begin; i < begin + step && i < n; i++) {
      const uint64_t j = scale_to(two_words(words, i - begin), static_cast<uint64_t>(i) + 1);
      if (j != static_cast<uint64_t>(i)) y[i] = y[j];
      y[j] = i;
    }
  }
}

}  // namespace neurite::NR_ISA
