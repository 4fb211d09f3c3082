// Rows of attention whose keys were shared out among tasks: each share leaves its maximum score, its sum of
// exponentials and its weighted sum of values, and here they become one. Also what ends a row that had no shares.
#pragma once
#include "cpu/attention_mask.h"

namespace neurite::NR_ISA {
namespace {

// Log-sum-exp in natural units from a maximum score and a sum; plus infinity where no key was seen, so that
// exp(score - lse) is 0 for all.
template <class T>
inline T log_sum_exp(T top, T sum) {
  if (sum == T(0)) return -minus_infinity<T>;
  return static_cast<T>(static_cast<double>(top) / static_cast<double>(score_unit<T>) +
                        __builtin_log(static_cast<double>(sum)));
}

template <class T>
inline T reciprocal_or_zero(T sum) {
  return sum == T(0) ? T(0) : T(1) / sum;
}

// One share of one row: its numbers lie behind each other, the values first.
template <class T>
struct partial_rows {
  T* data = nullptr;
  int64_t rows = 0, depth = 0;

  int64_t row_size() const { return depth + 2; }
  T* values(int64_t share, int64_t row) const { return data + (share * rows + row) * row_size(); }
  T& top(int64_t share, int64_t row) const { return values(share, row)[depth]; }
  T& sum(int64_t share, int64_t row) const { return values(share, row)[depth + 1]; }
};

// y [T, Dv] of each batch entry and head, and lse, from all shares. Row (b, h, i) is number (b · heads + h) · T + i.
template <class T, class Out>
void combine_shares(nr_context* ctx, const attention_shape& s, const partial_rows<T>& partial, int64_t shares,
                    const head_rows<Out>& y, T* lse) {
  using V = vector_t<T>;
  T* sums = scratch<T>(ctx, ctx->threads * round_up(s.Dv, 16));
  if (!sums) return;
  constexpr int64_t grain = 16;
  parallel_tasks(ctx, ceil_div(partial.rows, grain), [&](int64_t task, int32_t thread) {
    T* total = sums + thread * round_up(s.Dv, 16);
    for (int64_t row = task * grain; row < smaller((task + 1) * grain, partial.rows); row++) {
      T top = minus_infinity<T>, sum = 0;
      for (int64_t i = 0; i < shares; i++) top = partial.top(i, row) > top ? partial.top(i, row) : top;
      for (int64_t d = 0; d < s.Dv; d++) total[d] = 0;
      for (int64_t i = 0; i < shares; i++) {
        const T own = partial.top(i, row);
        if (own == minus_infinity<T>) continue;  // it saw no key
        alignas(64) T weights[V::width];
        store(weights, exp_score(V(own - top)));
        sum += partial.sum(i, row) * weights[0];
        const T* from = partial.values(i, row);
        each_vector<V>(s.Dv, [&](int64_t d, auto lanes) {
          store(total + d, fma(V(weights[0]), load<V>(from + d, lanes), load<V>(total + d, lanes)), lanes);
        });
      }
      lse[row] = log_sum_exp(top, sum);
      const V scale(reciprocal_or_zero(sum));
      Out* to = y.at(row / (s.heads * s.T), row / s.T % s.heads, row % s.T);
      each_vector<V>(s.Dv, [&](int64_t d, auto lanes) { store(to + d, load<V>(total + d, lanes) * scale, lanes); });
    }
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
