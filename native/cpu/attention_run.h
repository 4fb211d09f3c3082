// A task of the backward pass: the gradient with respect to a run of keys of one key head, and what these keys add to
// dq. Blocks of scores are [key][query], several panels of queries wide, so that P and dS serve as the broadcast
// operand of dv and dk (queries are neighbours) and dS as the vector operand of dq (queries are lanes) without being
// moved.
#pragma once
#include "cpu/attention_scores.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t group_panels = 4;
template <class T>
inline constexpr int64_t group_lanes = group_panels* panel_lanes<T>;
template <class T>
inline constexpr int64_t block_runs = 57344 / (sizeof(T) * group_lanes<T> * tile_rows);
template <class T>
inline constexpr int64_t run_block = (block_runs<T> < 16 ? block_runs<T> : 16) * tile_rows;

// How the keys of a head are cut into runs, and what a task keeps in memory.
template <class T>
struct run_plan {
  panel_plan<T> queries;
  int64_t runs, run_keys;
  int64_t width, value_width;  // of rows, in whole vectors
  parts memory;
  int64_t keys, values, key_rows, dk, dv;                              // of the run
  int64_t query_lanes, dy_lanes, query_rows, dy_rows, dq, lse, delta;  // of a set of queries
  int64_t p, ds, buffer;                                               // of a block

  run_plan(const attention_shape& s, bool has_rows, int64_t wanted_tasks) : queries(s) {
    const int64_t blocks = ceil_div(s.S, run_block<T>), set = queries.panels_of_set * panel_lanes<T>;
    runs = smaller(larger(1, wanted_tasks / (s.batches * s.key_heads)), larger(1, blocks / 2));
    run_keys = ceil_div(blocks, runs) * run_block<T>;
    width = round_up(s.D, vector_t<T>::width);
    value_width = round_up(s.Dv, vector_t<T>::width);
    keys = memory.add(run_keys * s.D);
    values = memory.add(run_keys * s.Dv);
    key_rows = memory.add(run_keys * width);
    dk = memory.add(run_keys * width);
    dv = memory.add(run_keys * value_width);
    query_lanes = memory.add(set * s.D);
    dy_lanes = memory.add(set * s.Dv);
    query_rows = memory.add(set * width);
    dy_rows = memory.add(set * value_width);
    dq = memory.add(runs == 1 ? set * s.D : 0);
    lse = memory.add(set);
    delta = memory.add(set);
    p = memory.add(run_block<T> * group_lanes<T>);
    ds = memory.add(run_block<T> * group_lanes<T>);
    buffer = memory.add(has_rows ? row_buffer<T> : 0);
  }

  int64_t tasks(const attention_shape& s) const { return s.batches * s.key_heads * runs; }
  int64_t share_size(const attention_shape& s) const { return queries.panels() * s.D * panel_lanes<T>; }
  int64_t share_at(const attention_shape& s, int64_t head, int64_t run) const {
    return (head * runs + run) * share_size(s);
  }
  int64_t shares_size(const attention_shape& s) const { return s.batches * s.key_heads * runs * share_size(s); }
};

// The rows of a panel from [depth][lane], times `scale`.
template <class T, class Out>
void store_panel(const query_panel<T>& p, const T* from, T scale, int64_t depth, const head_rows<Out>& to) {
  alignas(64) T factor[panel_lanes<T>];
  for (T& f : factor) f = scale;
  Out* rows[panel_lanes<T>];
  p.rows(to, rows);
  scatter_lanes(from, factor, rows, p.computed(), to.stride_d, depth);
}

template <class T, class In>
struct attention_gradient {
  attention_shape s;
  score_rules<T, In> rules;
  run_plan<T> plan;
  T scale;
  head_rows<const In> dy, q, k, v, y;
  const T* lse;
  head_rows<In> dq, dk, dv;

  // Task number `task`, with plan.memory.size() elements of its own.
  void run(int64_t task, T* memory, T* shares) const {
    const int64_t head = task / plan.runs, run = task % plan.runs;
    const int64_t b = head / s.key_heads, key_head = head % s.key_heads;
    const int64_t first = run * plan.run_keys, last = smaller(first + plan.run_keys, s.S);
    const int64_t count = larger(smaller(last, s.keys(b)) - first, 0);
    const dense_rows<T> key_rows = begin_keys(b, key_head, first, count, memory);
    for (int64_t set = 0; set < plan.queries.sets; set++) {
      const int64_t panel = set * plan.queries.panels_of_set;
      T* dq_lanes =
          plan.runs == 1 ? memory + plan.dq : shares + plan.share_at(s, head, run) + panel * s.D * panel_lanes<T>;
      const set_rows rows = begin_set(b, key_head, panel, memory, dq_lanes);
      for (int64_t at = 0; at < count; at += run_block<T>) {
        const int64_t n = smaller(run_block<T>, count - at);
        for (int64_t group = 0; group < plan.queries.panels_of_set; group += group_panels)
          add_block(b, key_head, panel, group, first, at, n, key_rows, rows, dq_lanes, memory);
      }
      for (int64_t i = 0; plan.runs == 1 && i < plan.queries.panels_of_set; i++)
        store_panel(query_panel<T>(s, plan.queries, b, key_head, panel + i), dq_lanes + i * s.D * lanes, scale, s.D,
                    dq);
    }
    write_rows(memory + plan.dk, plan.width, count, last - first, scale, s.D, dk, b, key_head, first);
    write_rows(memory + plan.dv, plan.value_width, count, last - first, T(1), s.Dv, dv, b, key_head, first);
  }

 private:
  using V = vector_t<T>;
  static constexpr int64_t lanes = panel_lanes<T>, step = group_lanes<T>;

  // The queries of a set as rows of `width` and `value_width` elements.
  struct set_rows {
    const T *q, *dy;
  };

  // Whether the rows of a set can be used where they are.
  bool lie_dense(const head_rows<const In>& of, int64_t depth) const {
    return std::is_same_v<T, In> && plan.queries.sets == s.share && of.stride_d == 1 && of.stride_t == depth &&
           depth % V::width == 0;
  }

  dense_rows<T> begin_keys(int64_t b, int64_t key_head, int64_t first, int64_t count, T* memory) const {
    for (int64_t at = 0; at < count; at += run_block<T>) {
      const int64_t n = smaller(run_block<T>, count - at), next = smaller(run_block<T>, count - at - n);
      prefetch_rows(v.at(b, key_head, first + at), v.stride_t, n, s.Dv);
      pack_keys(k.at(b, key_head, first + at), k.stride_t, k.stride_d, n, s.D, memory + plan.keys + at * s.D);
      prefetch_rows(k.at(b, key_head, first + at + n), k.stride_t, next, s.D);
      pack_keys(v.at(b, key_head, first + at), v.stride_t, v.stride_d, n, s.Dv, memory + plan.values + at * s.Dv);
    }
    clear(memory + plan.dk, count * plan.width);
    clear(memory + plan.dv, count * plan.value_width);
    return densify(k.at(b, key_head, first), k.stride_t, k.stride_d, count, s.D, memory + plan.key_rows);
  }

  set_rows begin_set(int64_t b, int64_t key_head, int64_t panel, T* memory, T* dq_lanes) const {
    for (int64_t i = 0; i < plan.queries.panels_of_set; i++) {
      const query_panel<T> p(s, plan.queries, b, key_head, panel + i);
      const In *q_rows[lanes], *dy_rows[lanes], *y_rows[lanes];
      p.rows(q, q_rows);
      p.rows(dy, dy_rows);
      p.rows(y, y_rows);
      gather_rows(q_rows, lanes, q.stride_d, s.D, scale * score_unit<T>, memory + plan.query_lanes + i * s.D * lanes);
      gather_rows(dy_rows, lanes, dy.stride_d, s.Dv, T(1), memory + plan.dy_lanes + i * s.Dv * lanes);
      for (int64_t l = 0; l < lanes; l++) {
        memory[plan.lse + i * lanes + l] = lse[(b * s.heads + p.head[l]) * s.T + p.position[l]] * score_unit<T>;
        memory[plan.delta + i * lanes + l] = dot(dy_rows[l], dy.stride_d, y_rows[l], y.stride_d);
      }
      const int64_t h = p.head[0], next = p.position[0] + lanes;
      prefetch_rows(q.at(b, h, next), q.stride_t, lanes, s.D);
      prefetch_rows(dy.at(b, h, next), dy.stride_t, lanes, s.Dv);
      prefetch_rows(y.at(b, h, next), y.stride_t, lanes, s.Dv);
      if (!lie_dense(q, s.D)) copy_rows(q_rows, p.count, q.stride_d, s.D, plan.width, memory + plan.query_rows, i);
      if (!lie_dense(dy, s.Dv))
        copy_rows(dy_rows, p.count, dy.stride_d, s.Dv, plan.value_width, memory + plan.dy_rows, i);
    }
    clear(dq_lanes, plan.queries.panels_of_set * s.D * lanes);
    const int64_t h = key_head * s.share + panel / plan.queries.panels_of_set;
    const auto rows = [&](const head_rows<const In>& of, int64_t depth, T* copy) {
      return lie_dense(of, depth) ? reinterpret_cast<const T*>(of.at(b, h, 0)) : copy;
    };
    return {rows(q, s.D, memory + plan.query_rows), rows(dy, s.Dv, memory + plan.dy_rows)};
  }

  static void clear(T* at, int64_t n) {
    for (int64_t e = 0; e < n; e++) at[e] = 0;
  }

  T dot(const In* a, int64_t a_stride, const In* c, int64_t c_stride) const {
    if (a_stride == 1 && c_stride == 1) {
      return static_cast<T>(sum_row<V>(s.Dv, [&](int64_t d, auto n) { return load<V>(a + d, n) * load<V>(c + d, n); }));
    }
    T sum = 0;
    for (int64_t d = 0; d < s.Dv; d++) sum += convert<T>(a[d * a_stride]) * convert<T>(c[d * c_stride]);
    return sum;
  }

  static void copy_rows(const In* const* rows, int64_t count, int64_t stride, int64_t depth, int64_t width, T* dst,
                        int64_t panel) {
    for (int64_t l = 0; l < count; l++)
      pack_panel(rows[l], stride, 0, depth, 1, dst + (panel * lanes + l) * width, width);
  }

  void add_block(int64_t b, int64_t key_head, int64_t set, int64_t group, int64_t first, int64_t at, int64_t n,
                 const dense_rows<T>& key_rows, const set_rows& rows, T* dq_lanes, T* memory) const {
    T *p = memory + plan.p, *ds = memory + plan.ds;
    const int64_t panels = smaller(group_panels, plan.queries.panels_of_set - group);
    int64_t seen[group_panels], queries = 0, most = 0;
    for (int64_t i = 0; i < panels; i++) {
      const query_panel<T> panel(s, plan.queries, b, key_head, set + group + i);
      seen[i] = panel.highest > first + at
                    ? score_gradient(panel, group + i, first, at, n, p + i * lanes, ds + i * lanes, memory)
                    : 0;
      for (int64_t j = seen[i]; j < n; j++)
        for (int64_t l = 0; l < lanes; l++) p[j * step + i * lanes + l] = ds[j * step + i * lanes + l] = 0;
      queries = i * lanes + panel.count;
      most = larger(most, seen[i]);
      if (seen[i] > 0)
        multiply_rows(key_rows.at + at * key_rows.step, key_rows.step, s.D, ds + i * lanes, step, seen[i],
                      panel.vectors(), dq_lanes + (group + i) * s.D * lanes, onto::sum, static_cast<const T*>(nullptr));
    }
    for (int64_t run = 0, runs = runs_of(n), end = 0; run < runs && end < most; run++) {
      const int64_t begin = end;
      end = (run + 1) * n / runs;
      int64_t i = 0;  // earlier queries see none of these keys
      while (seen[i] <= begin) i++;
      const int64_t skipped = i * lanes, query = group * lanes + skipped;
      add_keys(p + begin * step + skipped, end - begin, queries - skipped, rows.dy + query * plan.value_width,
               plan.value_width, memory + plan.dv + (at + begin) * plan.value_width);
      add_keys(ds + begin * step + skipped, end - begin, queries - skipped, rows.q + query * plan.width, plan.width,
               memory + plan.dk + (at + begin) * plan.width);
    }
  }

  // P and dS of a panel, with dropout's factors in both; returns how many rows were written.
  int64_t score_gradient(const query_panel<T>& panel, int64_t i, int64_t first, int64_t at, int64_t n, T* p, T* ds,
                         T* memory) const {
    T* buffer = memory + plan.buffer;
    const int64_t rows = score_block(s, rules, panel, first + at, n, memory + plan.keys + at * s.D,
                                     memory + plan.query_lanes + i * s.D * lanes, p, step, buffer);
    multiply_keys(memory + plan.values + at * s.Dv, n, rows, s.Dv, memory + plan.dy_lanes + i * s.Dv * lanes,
                  panel.vectors(), ds, step);
    if (rules.drops()) draw_factors(rules, panel, first + at, rows, buffer);
    for (int64_t l = 0; l < panel.count; l += V::width) {
      const V top = load<V>(memory + plan.lse + i * lanes + l), delta = load<V>(memory + plan.delta + i * lanes + l);
      for (int64_t j = 0; j < rows; j++) {
        T *p_at = p + j * step + l, *ds_at = ds + j * step + l;
        const V weight = exp_score(load<V>(p_at) - top), dp = load<V>(ds_at);
        if (rules.drops()) {
          const V factor = load<V>(buffer + j * lanes + l);
          store(p_at, weight * factor);
          store(ds_at, weight * (dp * factor - delta));
        } else {
          store(p_at, weight);
          store(ds_at, weight * (dp - delta));
        }
      }
    }
    return rows;
  }

  // c[key][d] += Σ over queries of weights[key][query] · rows[query][d].
  static void add_keys(const T* weights, int64_t keys, int64_t queries, const T* rows, int64_t width, T* c) {
    for (int64_t d = 0; d < width; d += lanes)
      multiply_strided<T, step>(keys, smaller(tile_vectors, (width - d) / V::width),
                                {weights, 0, rows + d, width, queries, c + d, width, onto::sum, nullptr});
  }

  // Rows [first, first + all) of dk or dv, of which `count` are in `from` and the others 0.
  static void write_rows(const T* from, int64_t width, int64_t count, int64_t all, T factor, int64_t depth,
                         const head_rows<In>& to, int64_t b, int64_t key_head, int64_t first) {
    for (int64_t j = 0; j < all; j++) {
      In* row = to.at(b, key_head, first + j);
      each_vector<V>(depth, [&](int64_t d, auto n) {
        store(row + d, j < count ? load<V>(from + j * width + d, n) * V(factor) : V(T(0)), n);
      });
    }
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
