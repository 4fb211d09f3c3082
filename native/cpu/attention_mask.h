// What is done to scores beside the product, a row of one query at a time: the mask, as numbers to add, and dropout, as
// factors. Scores are kept in units in which the exponential is cheapest: for float in powers of two, 2^(x / ln 2).
#pragma once
#include "cpu/attention_shape.h"
#include "cpu/draw.h"
#include "cpu/row.h"
#include "cpu/vmath.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
inline constexpr T minus_infinity = -__builtin_huge_val();

// A natural score times this is a score in our units.
template <class T>
inline constexpr T score_unit = std::is_same_v<T, float> ? T(1.44269504088896340736) : T(1);

// The exponential of a score that is not positive. The polynomial is a minimax fit of 2^r on [-1/2, 1/2], relative
// error 2e-9.
inline vf exp_score(vf x) {
  static constexpr float tail[] = {0x1.62e430p-1f, 0x1.ebfbdcp-3f,  0x1.c6aee8p-5f,
                                   0x1.3b2d4cp-7f, 0x1.5f3e52p-10f, 0x1.41fbbcp-13f};
  const vf t = max(vf(-200.0f), x);  // 2^-200 is 0, and -infinity has no fraction
  const vf k = round(t);
  const vf r = t - k;
  return ldexp(fma(r, polynomial(r, tail), vf(1.0f)), k);
}
inline vd exp_score(vd x) {
  return exp(x);
}

// In: the type of q; a mask is of that type or bool.
template <class T, class In>
class score_rules {
 public:
  score_rules(const attention_shape& shape, const nr_optional& mask, double p, nr_philox philox)
      : shape_(shape), mask_(mask), philox_(philox), dropped_(static_cast<int32_t>(__builtin_ceil(p * 0x1p24))) {
    keep_ = static_cast<T>(p < 1 ? 1 / (1 - p) : 0);
  }

  bool has_mask() const { return mask_.present; }
  bool drops() const { return dropped_ > 0; }

  // What the mask adds to the scores of query i for n keys from k on.
  void bias_row(T* dst, int64_t b, int64_t h, int64_t i, int64_t k, int64_t n) const {
    const nr_tensor& t = mask_.tensor;
    const int64_t at = b * t.stride[0] + h * t.stride[1] + i * t.stride[2] + k * t.stride[3];
    if (t.dtype == nr_dtype_bool8) {
      allowed_row(dst, static_cast<const bool*>(t.data) + at, t.stride[3], n);
    } else {
      added_row(dst, static_cast<const In*>(t.data) + at, t.stride[3], n);
    }
  }

  // 0, or 1 / (1 - p), for each of n <= draw_words - 4 keys: the factors that `dropout` gives an array [B, H, T, S].
  void factor_row(T* dst, int64_t b, int64_t h, int64_t i, int64_t k, int64_t n) const {
    alignas(64) uint32_t words[draw_words + 4 * blocks_at_once];
    const int64_t element = ((b * shape_.heads + h) * shape_.T + i) * shape_.S + k, skipped = element % 4;
    for (int64_t w = 0; w < skipped + n; w += 4 * blocks_at_once)
      philox_blocks(philox_, static_cast<uint64_t>((element + w) / 4), words + w);
    for (int64_t j = 0; j < n; j++)
      dst[j] = static_cast<T>(static_cast<int32_t>(words[skipped + j] >> 8) >= dropped_) * keep_;
  }

 private:
  using V = vector_t<T>;

  static void allowed_row(T* dst, const bool* from, int64_t stride, int64_t n) {
    if (stride == 1) {
      for (int64_t j = 0; j < n; j++) dst[j] = from[j] ? T(0) : minus_infinity<T>;
    } else {
      for (int64_t j = 0; j < n; j++) dst[j] = from[j * stride] ? T(0) : minus_infinity<T>;
    }
  }

  // A lowest finite number, which models write for minus infinity, must not become that by its unit.
  static void added_row(T* dst, const In* from, int64_t stride, int64_t n) {
    constexpr T lowest = std::is_same_v<T, float> ? T(-0x1.fffffep+127) : T(-0x1.fffffffffffffp+1023);
    if (stride != 1) {
      for (int64_t j = 0; j < n; j++) dst[j] = convert<T>(from[j * stride]);
    }
    const auto scale = [&](int64_t j, V x, auto lanes) {
      store(dst + j, select(x == V(minus_infinity<T>), x, max(V(lowest), x * V(score_unit<T>))), lanes);
    };
    each_vector<V>(n, [&](int64_t j, auto lanes) {
      scale(j, stride == 1 ? load<V>(from + j, lanes) : load<V>(dst + j, lanes), lanes);
    });
  }

  attention_shape shape_;
  nr_optional mask_;
  nr_philox philox_;
  int32_t dropped_;  // 24-bit numbers below it drop
  T keep_;
};

}  // namespace
}  // namespace neurite::NR_ISA
