// Queries in vector lanes. A panel holds as many queries as a register tile has columns, one per lane, all of one key
// head: rows of queries become columns, so that everything done to scores (maximum, sum, factors) runs down the keys
// without crossing lanes, and the block of probabilities is at once the right operand of the next product.
// Panels hold rows of one query head; where a head has fewer rows than lanes, rows of all heads that share keys.
#pragma once
#include "cpu/attention_mask.h"
#include "cpu/attention_tile.h"
#include "cpu/pack.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
inline constexpr int64_t panel_lanes = tile_columns<T>;

// How the queries of one key head are cut: `sets` of `rows` rows each, in panels.
template <class T>
struct panel_plan {
  int64_t sets, rows, panels_of_set;

  explicit panel_plan(const attention_shape& s) {
    const bool joins_heads = s.T < panel_lanes<T>;
    sets = joins_heads ? 1 : s.share;
    rows = joins_heads ? s.share * s.T : s.T;
    panels_of_set = ceil_div(rows, panel_lanes<T>);
  }
  int64_t panels() const { return sets * panels_of_set; }
};

template <class T>
struct query_panel {
  static constexpr int64_t lanes = panel_lanes<T>;
  int64_t batch, count;     // lanes in use; the others repeat the last of them
  int64_t lowest, highest;  // of the limits
  int64_t head[lanes], position[lanes], limit[lanes];

  query_panel() = default;
  query_panel(const attention_shape& s, const panel_plan<T>& plan, int64_t b, int64_t key_head, int64_t panel) {
    const int64_t first = panel % plan.panels_of_set * lanes;
    int64_t h = key_head * s.share + panel / plan.panels_of_set + first / s.T, i = first % s.T;
    batch = b;
    count = smaller(lanes, plan.rows - first);
    lowest = s.S;
    highest = 0;
    for (int64_t l = 0; l < lanes; l++) {
      head[l] = h;
      position[l] = i;
      limit[l] = s.limit(b, i);
      highest = larger(highest, limit[l]);
      lowest = smaller(lowest, limit[l]);
      if (l + 1 >= count) continue;
      if (++i == s.T) h++, i = 0;
    }
  }

  int64_t vectors() const { return ceil_div(count, vector_t<T>::width); }
  // The lanes that are computed, in whole vectors.
  int64_t computed() const { return vectors() * vector_t<T>::width; }

  // Where the rows of an operand are, lane by lane.
  template <class E>
  void rows(const head_rows<E>& of, E** at) const {
    for (int64_t l = 0; l < lanes; l++) at[l] = of.at(batch, head[l], position[l]);
  }
};

// dst[d * width + i] = rows[i][d * stride] * factor for i < width: rows become columns, W × W elements at a time.
template <class T, class In>
void gather_rows(const In* const* rows, int64_t width, int64_t stride, int64_t depth, T factor, T* dst) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  if (stride == 1 && W > 1) {
    const V scale(factor);
    for (int64_t first = 0; first < width; first += W) {
      const In* at[W];
      unroll<W>([&](auto i) NR_INLINE { at[i] = rows[smaller(first + i, width - 1)]; });
      const int64_t columns = width - first;
      int64_t d = 0;
      for (; d + W <= depth; d += W) {
        V v[W];
        unroll<W>([&](auto i) NR_INLINE { v[i] = load<V>(at[i] + d); });
        turn(v);
        T* to = dst + d * width + first;
        if (columns >= W) {
          unroll<W>([&](auto k) NR_INLINE { store(to + k * width, v[k] * scale); });
        } else {
          unroll<W>([&](auto k) NR_INLINE { store(to + k * width, v[k] * scale, columns); });
        }
      }
      for (; d < depth; d++)
        for (int64_t i = first; i < smaller(first + W, width); i++)
          dst[d * width + i] = convert<T>(rows[i][d]) * factor;
    }
  } else {
    for (int64_t d = 0; d < depth; d++)
      for (int64_t i = 0; i < width; i++) dst[d * width + i] = convert<T>(rows[i][d * stride]) * factor;
  }
}

// Row of the lane, element d = src[d * panel_lanes + lane] * factor[lane], for whole vectors of lanes.
template <class T, class Out>
void scatter_lanes(const T* src, const T* factor, Out* const* rows, int64_t count, int64_t stride, int64_t depth) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  constexpr int64_t lanes = panel_lanes<T>;
  if (stride == 1 && W > 1) {
    for (int64_t first = 0; first < count; first += W) {
      const V scale = load<V>(factor + first);
      int64_t d = 0;
      for (; d + W <= depth; d += W) {
        V v[W];
        unroll<W>([&](auto k) NR_INLINE { v[k] = load<V>(src + (d + k) * lanes + first) * scale; });
        turn(v);
        unroll<W>([&](auto i) NR_INLINE { store(rows[first + i] + d, v[i]); });
      }
      for (; d < depth; d++)
        for (int64_t l = first; l < first + W; l++) rows[l][d] = convert<Out>(src[d * lanes + l] * factor[l]);
    }
  } else {
    for (int64_t d = 0; d < depth; d++)
      for (int64_t l = 0; l < count; l++) rows[l][d * stride] = convert<Out>(src[d * lanes + l] * factor[l]);
  }
}

// Keys are cut into blocks, a block into runs of nearly equal height that fill a register tile.
inline int64_t runs_of(int64_t n) {
  return ceil_div(n, tile_rows);
}

// The rows of n keys as left operands of a product over their elements: run by run, [depth][height].
template <class T, class In>
void pack_keys(const In* rows, int64_t stride_t, int64_t stride_d, int64_t n, int64_t depth, T* dst) {
  for (int64_t run = 0, runs = runs_of(n); run < runs; run++) {
    const int64_t begin = run * n / runs, height = (run + 1) * n / runs - begin;
    const In* at[tile_rows];
    for (int64_t i = 0; i < height; i++) at[i] = rows + (begin + i) * stride_t;
    gather_rows(at, height, stride_d, depth, T(1), dst + begin * depth);
  }
}

// c[key][lane] = packed keys · lanes [depth][panel_lanes], for the runs that hold any of the first `visible` of n keys.
// Returns the number of rows written.
template <class T>
int64_t multiply_keys(const T* packed, int64_t n, int64_t visible, int64_t depth, const T* lanes, int64_t vectors, T* c,
                      int64_t c_step) {
  int64_t end = 0;
  for (int64_t run = 0, runs = runs_of(n); run < runs && end < visible; run++) {
    const int64_t begin = end;
    end = (run + 1) * n / runs;
    multiply_strided<T>(end - begin, vectors,
                        {packed + begin * depth, end - begin, lanes, panel_lanes<T>, depth, c + begin * c_step, c_step,
                         onto::nothing, nullptr});
  }
  return end;
}

// c[d][lane] (+)= Σ over n keys of row element d · weight[key][lane]: rows as they lie, rows_step apart.
template <class T>
void multiply_rows(const T* rows, int64_t rows_step, int64_t depth, const T* weights, int64_t weights_step, int64_t n,
                   int64_t vectors, T* c, onto start, const T* scale) {
  for (int64_t run = 0, runs = runs_of(depth), end = 0; run < runs; run++) {
    const int64_t begin = end;
    end = (run + 1) * depth / runs;
    multiply_strided<T>(
        end - begin, vectors,
        {rows + begin, rows_step, weights, weights_step, n, c + begin * panel_lanes<T>, panel_lanes<T>, start, scale});
  }
}

// Rows of the type computed in with neighbouring elements, as multiply_rows wants them: where they lie if they are
// such, else copied to `buffer`.
template <class T>
struct dense_rows {
  const T* at;
  int64_t step;
};

template <class T, class In>
dense_rows<T> densify(const In* rows, int64_t stride_t, int64_t stride_d, int64_t n, int64_t depth, T* buffer) {
  if constexpr (std::is_same_v<T, In>) {
    if (stride_d == 1 && stride_t == depth) return {rows, stride_t};
  }
  const int64_t width = round_up(depth, vector_t<T>::width);
  pack_panel(rows, stride_d, stride_t, depth, n, buffer, width);
  return {buffer, width};
}

}  // namespace
}  // namespace neurite::NR_ISA
