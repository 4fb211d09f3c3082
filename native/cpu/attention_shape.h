// What the kernels of attention work on: sizes, the keys that a query may see, and operands as rows of any strides.
// `share` query heads read the same keys and values: query head h has key head h / share.
#pragma once
#include "cpu/gemm.h"

namespace neurite::NR_ISA {
namespace {

// A tensor of rows: batch entry, head, position; the elements of a row lie stride_d apart.
template <class E>
struct head_rows {
  E* data;
  int64_t stride_b, stride_h, stride_t, stride_d;

  E* at(int64_t b, int64_t h, int64_t t) const { return data + b * stride_b + h * stride_h + t * stride_t; }
};

// An operand [B, H, T, D].
template <class E>
inline head_rows<const E> rows_of(const nr_tensor& t) {
  return {static_cast<const E*>(t.data), t.stride[0], t.stride[1], t.stride[2], t.stride[3]};
}

// A result [B, T, H, D].
template <class E>
inline head_rows<E> result_rows(const nr_tensor& t) {
  return {static_cast<E*>(t.data), t.stride[0], t.stride[2], t.stride[1], t.stride[3]};
}

struct attention_shape {
  int64_t batches, heads, key_heads, share;
  int64_t T, S, D, Dv;
  int64_t diagonal;
  const int64_t* lengths;  // NULL: S for all
  int64_t length_stride;

  int64_t keys(int64_t b) const { return lengths ? lengths[b * length_stride] : S; }
  // Query i of batch entry b sees the keys before this one.
  int64_t limit(int64_t b, int64_t i) const { return smaller(larger(i + diagonal + 1, 0), keys(b)); }
};

inline attention_shape shape_of(const nr_tensor& q, const nr_tensor& k, const nr_tensor& v, const nr_optional& lengths,
                                int64_t diagonal) {
  attention_shape s = {};
  s.batches = q.shape[0];
  s.heads = q.shape[1];
  s.key_heads = k.shape[1];
  s.share = s.key_heads > 0 ? s.heads / s.key_heads : 0;
  s.T = q.shape[2];
  s.S = k.shape[2];
  s.D = q.shape[3];
  s.Dv = v.shape[3];
  s.diagonal = diagonal;
  if (lengths.present) {
    s.lengths = static_cast<const int64_t*>(lengths.tensor.data);
    s.length_stride = lengths.tensor.stride[0];
  }
  return s;
}

inline bool check_lengths(nr_context* ctx, const attention_shape& s) {
  for (int64_t b = 0; s.lengths && b < s.batches; b++) {
    if (s.keys(b) >= 0 && s.keys(b) <= s.S) continue;
    ctx->fail(ctx, "INDEX_OUT_OF_RANGE", "expected key lengths in [0, %lld], got %lld for batch entry %lld",
              static_cast<long long>(s.S), static_cast<long long>(s.keys(b)), static_cast<long long>(b));
    return false;
  }
  return true;
}

// Asks for n rows of `depth` elements that are needed soon; they may lie behind what is there.
template <class E>
inline void prefetch_rows(const E* rows, int64_t stride, int64_t n, int64_t depth) {
  constexpr int64_t line = 64 / sizeof(E);
  if (n <= 0) return;
  if (stride == depth) depth *= n, n = 1;
  for (int64_t j = 0; j < n; j++)
    for (int64_t d = 0; d < depth; d += line) __builtin_prefetch(rows + j * stride + d);
}

// Parts of one allocation, each on a cache line of its own.
class parts {
 public:
  int64_t add(int64_t n) {
    const int64_t at = size_;
    size_ += round_up(n, 16);
    return at;
  }
  int64_t size() const { return size_; }

 private:
  int64_t size_ = 0;
};

}  // namespace
}  // namespace neurite::NR_ISA
