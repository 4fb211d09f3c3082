// What the kernels of attention work on: sizes, the keys that a query may see, and operands as rows whose elements lie
// side by side. `share` query heads read the same keys and values; their queries are one run of rows, head after head,
// so that few queries of many heads fill a tile too.
#pragma once
#include "async_copy.h"
#include "numbers.h"
#include "pack.h"

namespace neurite::cuda {
namespace {

// A tensor of rows: batch entry, head, position.
template <class E>
struct HeadRows {
  E* data;
  int64_t stride_b, stride_h, stride_t;

  __device__ E* at(int b, int h, int t) const { return data + b * stride_b + h * stride_h + t * stride_t; }
};

// An operand [B, H, T, D].
template <class E>
HeadRows<const E> rows_of(const nr_tensor& t) {
  return {static_cast<const E*>(t.data), t.stride[0], t.stride[1], t.stride[2]};
}

// A result [B, T, H, D].
template <class E>
HeadRows<E> result_rows(const nr_tensor& t) {
  return {static_cast<E*>(t.data), t.stride[0], t.stride[2], t.stride[1]};
}

struct AttentionShape {
  int batches, heads, key_heads, share;
  int T, S, D, Dv;
  int diagonal;            // in [-T, S]
  const int64_t* lengths;  // nullptr: S for all
  int64_t length_stride;

  __host__ __device__ int queries() const { return share * T; }  // of a key head

  // Lengths were checked by a launch of their own; this one only stays inside.
  __device__ int keys(int b) const {
    if (!lengths) return S;
    const int64_t given = lengths[b * length_stride];
    return given < 0 ? 0 : given < S ? static_cast<int>(given) : S;
  }
};

// The queries of one key head of one batch entry.
struct QueryRows {
  const AttentionShape& s;
  int batch, key_head, keys;  // that this batch entry has

  __device__ int head(int row) const { return key_head * s.share + (s.share > 1 ? row / s.T : 0); }
  __device__ int position(int row) const { return s.share > 1 ? row % s.T : row; }
  // Its number among all rows of [B, Hq, T].
  __device__ int64_t number(int row) const {
    return (static_cast<int64_t>(batch) * s.heads + key_head * s.share) * s.T + row;
  }
  template <class E>
  __device__ E* at(const HeadRows<E>& of, int row) const {
    return of.at(batch, head(row), position(row));
  }

  __device__ int limit_at(int position) const {
    const int limit = position + s.diagonal + 1;
    return limit < 0 ? 0 : limit < keys ? limit : keys;
  }
  // A row sees the keys before this one.
  __device__ int limit(int row) const { return row < s.queries() ? limit_at(position(row)) : 0; }
  // The least and the greatest limit of the rows [first, last), which may lie beyond the end.
  __device__ int lowest(int first, int last) const {
    if (last > s.queries()) return 0;
    return limit_at(head(first) == head(last - 1) ? position(first) : 0);
  }
  __device__ int highest(int first, int last) const {
    if (first >= s.queries()) return 0;
    last = last < s.queries() ? last : s.queries();
    return limit_at(head(first) == head(last - 1) ? position(last - 1) : s.T - 1);
  }
};

// Rows of a tile in shared memory lie so far apart that eight of them, 16 bytes each, meet all banks.
template <class E, int width>
constexpr int row_pitch = width + pack_size<E>;

// Begins to copy `rows` rows of `width` elements to a tile: the elements from `column` on of rows of `columns`
// elements. What lies beyond those, and rows from `valid` on, become zero.
template <int threads, int width, int rows, class E, class Row>
__device__ inline void begin_rows(E* to, int valid, int column, int columns, const Row& row) {
  constexpr int lanes = pack_size<E>, packs = width / lanes;
  for (int i = static_cast<int>(threadIdx.x); i < rows * packs; i += threads) {
    const int r = i / packs, d = i % packs * lanes;
    const int left = r < valid ? columns - column - d : 0;
    const E* from = left > 0 ? row(r) + column + d : row(0);
    async_copy<16>(to + r * row_pitch<E, width> + d, from, left <= 0 ? 0 : left < lanes ? left * sizeof(E) : 16);
  }
}

template <class T>
constexpr T infinity = static_cast<T>(__builtin_huge_val());

// Log-sum-exp from a maximum score and a sum; plus infinity where no key was seen, so that exp(score - lse) is 0 for
// all. Scores are kept in units in which the exponential is cheapest: for float in powers of two, 2^(x / ln 2).
template <class T>
constexpr T score_unit = std::is_same_v<T, float> ? T(1.44269504088896340736) : T(1);

__device__ inline float exp_score(float x) {
  return fast_exp2(x);
}
__device__ inline double exp_score(double x) {
  return exp(x);
}
__device__ inline float log_sum_exp(float top, float sum) {
  return sum == 0 ? infinity<float> : top / score_unit<float> + logf(sum);
}
__device__ inline double log_sum_exp(double top, double sum) {
  return sum == 0 ? infinity<double> : top + log(sum);
}

}  // namespace
}  // namespace neurite::cuda
