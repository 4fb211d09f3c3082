// What is done to scores beside the product: the mask, as a number to add, and dropout, as bits of the weights that are
// kept.
#pragma once
#include "attention_shape.h"
#include "philox.h"

namespace neurite::cuda {
namespace {

// In: the type of q; a mask is of that type or bool.
template <class In>
struct ScoreRules {
  using Sum = compute_of<In>;

  const void* mask;  // nullptr: none
  bool is_bool;
  int64_t stride[4];
  nr_philox philox;
  uint32_t dropped;  // 24-bit numbers below it drop
  Sum keep;

  ScoreRules(const nr_optional& given, double p, nr_philox at)
      : mask(given.present ? given.tensor.data : nullptr),
        is_bool(given.present && given.tensor.dtype == nr_dtype_bool8),
        philox(at),
        dropped(static_cast<uint32_t>(__builtin_ceil(p * 0x1p24))),
        keep(static_cast<Sum>(p < 1 ? 1 / (1 - p) : 0)) {
    for (int d = 0; d < 4; d++) stride[d] = given.present ? given.tensor.stride[d] : 0;
  }

  __device__ bool has_mask() const { return mask != nullptr; }
  __device__ bool drops() const { return dropped > 0; }

  // What the mask adds to a score. A lowest finite number, which models write for minus infinity, must not become that
  // by its unit.
  __device__ Sum bias(const QueryRows& queries, int row, int key) const {
    const int64_t at =
        queries.batch * stride[0] + queries.head(row) * stride[1] + queries.position(row) * stride[2] + key * stride[3];
    if (is_bool) return static_cast<const bool*>(mask)[at] ? Sum(0) : -infinity<Sum>;
    constexpr Sum lowest = std::numeric_limits<Sum>::lowest();
    const Sum given = computed(static_cast<const In*>(mask)[at]), scaled = given * score_unit<Sum>;
    return scaled < lowest && given >= lowest ? lowest : scaled;
  }

  // Bit j: the weight of key `key` + j is kept, as `dropout` keeps it in an array [B, H, T, S]; count <= 32.
  __device__ uint32_t kept(const QueryRows& queries, int row, int key, int count) const {
    const auto element = static_cast<uint64_t>(queries.number(row)) * queries.s.S + key;
    const int skipped = static_cast<int>(element % 4);
    uint64_t bits = 0;
    for (int at = 0; at < skipped + count; at += 4) {
      const PhiloxBlock block = philox_block(philox, (element + at) / 4);
      for (int w = 0; w < 4; w++) bits |= static_cast<uint64_t>(block.word[w] >> 8 >= dropped) << (at + w);
    }
    return static_cast<uint32_t>(bits >> skipped);
  }
};

}  // namespace
}  // namespace neurite::cuda
