// The scores of a panel of queries against a block of keys, [key][lane]: the product, then what the mask adds, then
// minus infinity where a query may not see.
#pragma once
#include "cpu/attention_panel.h"

namespace neurite::NR_ISA {
namespace {

// Keys of a block: with a panel's scores they fill about half of the first-level cache.
template <class T>
inline constexpr int64_t panel_row_bytes = sizeof(T) * panel_lanes<T>;
template <class T>
inline constexpr int64_t block_keys =
    (panel_row_bytes<T> > 48 ? 18432 / panel_row_bytes<T> : 384) / tile_rows* tile_rows;

// Working memory for rows of a mask or of dropout on their way to lanes.
template <class T>
inline constexpr int64_t row_buffer = 2 * panel_lanes<T>* block_keys<T>;

// buffer[key][lane] = what row(lane, to) writes to[0 … n), transposed.
template <class T, class Row>
void rows_to_lanes(int64_t count, int64_t n, T* buffer, const Row& row) {
  const T* rows[panel_lanes<T>];
  for (int64_t l = 0; l < panel_lanes<T>; l++) {
    T* staged = buffer + (panel_lanes<T> + smaller(l, count - 1)) * block_keys<T>;
    rows[l] = staged;
    if (l < count) row(l, staged);
  }
  gather_rows<T, T>(rows, panel_lanes<T>, 1, n, T(1), buffer);
}

template <class T, class In>
void add_mask(const score_rules<T, In>& rules, const query_panel<T>& p, int64_t k, int64_t n, T* scores, int64_t step,
              T* buffer) {
  using V = vector_t<T>;
  rows_to_lanes(p.count, n, buffer,
                [&](int64_t l, T* to) { rules.bias_row(to, p.batch, p.head[l], p.position[l], k, n); });
  for (int64_t j = 0; j < n; j++)
    for (int64_t l = 0; l < p.count; l += V::width) {
      T* at = scores + j * step + l;
      store(at, load<V>(at) + load<V>(buffer + j * panel_lanes<T> + l));
    }
}

// The factors of dropout, buffer[key][lane].
template <class T, class In>
void draw_factors(const score_rules<T, In>& rules, const query_panel<T>& p, int64_t k, int64_t n, T* buffer) {
  rows_to_lanes(p.count, n, buffer,
                [&](int64_t l, T* to) { rules.factor_row(to, p.batch, p.head[l], p.position[l], k, n); });
}

// Minus infinity where a query's limit is below the key; keys [k, k + n).
template <class T>
void hide_keys(const query_panel<T>& p, int64_t k, int64_t n, T* scores, int64_t step) {
  using V = vector_t<T>;
  alignas(64) T limit[panel_lanes<T>];
  for (int64_t l = 0; l < panel_lanes<T>; l++) limit[l] = static_cast<T>(smaller(larger(p.limit[l] - k, 0), n));
  for (int64_t j = larger(p.lowest - k, 0); j < n; j++)
    for (int64_t l = 0; l < p.count; l += V::width) {
      T* at = scores + j * step + l;
      store(at, select(V(static_cast<T>(j)) < load<V>(limit + l), load<V>(at), V(minus_infinity<T>)));
    }
}

// Scores of the keys [k, k + n), packed; returns how many rows were written (the last that any lane sees, and the rest
// of its run). `queries` are the panel's, scaled, [D][lane].
template <class T, class In>
int64_t score_block(const attention_shape& s, const score_rules<T, In>& rules, const query_panel<T>& p, int64_t k,
                    int64_t n, const T* packed_keys, const T* queries, T* scores, int64_t step, T* buffer) {
  const int64_t rows = multiply_keys(packed_keys, n, p.highest - k, s.D, queries, p.vectors(), scores, step);
  if (rules.has_mask()) add_mask(rules, p, k, rows, scores, step, buffer);
  if (p.lowest < k + rows) hide_keys(p, k, rows, scores, step);
  return rows;
}

}  // namespace
}  // namespace neurite::NR_ISA
