// Attention forward for queries in lanes: blocked online softmax (Milakov and Gimelshein 2018; Dao 2022,
// FlashAttention). A task takes some panels of queries of one key head and a share of its keys, walks the keys block by
// block, packs each block once for all its panels, and keeps per query the maximum score so far, the sum of
// exponentials and the weighted sum of values, rescaled when the maximum grows.
#pragma once
#include "cpu/attention_partial.h"
#include "cpu/attention_scores.h"

namespace neurite::NR_ISA {
namespace {

// Scores [n][lane] become exponentials; top and sum of each lane take them in, and rescale gets the factor that what
// was summed up so far takes.
template <class T>
void absorb_scores(T* scores, int64_t n, int64_t vectors, T* top, T* sum, T* rescale) {
  using V = vector_t<T>;
  constexpr int64_t lanes = panel_lanes<T>;
  for (int64_t l = 0; l < vectors * V::width; l += V::width) {
    T* column = scores + l;
    const V before = load<V>(top + l);
    V best[2] = {before, before};
    int64_t j = 0;
    for (; j + 2 <= n; j += 2)
      for (int w = 0; w < 2; w++) best[w] = max(best[w], load<V>(column + (j + w) * lanes));
    if (j < n) best[0] = max(best[0], load<V>(column + j * lanes));
    const V after = max(best[0], best[1]);
    store(top + l, after);
    // Where nothing was seen yet there is nothing to subtract.
    const V shift = select(after == V(minus_infinity<T>), V(T(0)), after);
    const V factor = exp_score(before - shift);
    V total[2] = {load<V>(sum + l) * factor, V(T(0))};
    store(rescale + l, factor);
    const auto take = [&](int64_t at, int w) {
      const V e = exp_score(load<V>(column + at * lanes) - shift);
      store(column + at * lanes, e);
      total[w] = total[w] + e;
    };
    for (j = 0; j + 2 <= n; j += 2) {
      take(j, 0);
      take(j + 1, 1);
    }
    if (j < n) take(j, 0);
    store(sum + l, total[0] + total[1]);
  }
}

template <class T, class In>
class attention_forward {
 public:
  attention_forward(const attention_shape& shape, const score_rules<T, In>& rules, T scale, int64_t wanted_tasks)
      : s_(shape), rules_(rules), scale_(scale), plan_(shape) {
    const int64_t heads = s_.batches * s_.key_heads, panels = plan_.panels();
    // Packing a block of keys pays for itself over many panels; what they accumulate must stay in cache.
    const int64_t most = smaller(larger(2048 / larger(larger(s_.D, s_.Dv), 1), 4), most_panels);
    chunk_ = smaller(most, larger(1, heads * panels / wanted_tasks));
    chunks_ = ceil_div(panels, chunk_);
    const int64_t blocks = ceil_div(s_.S, block_keys<T>);
    shares = smaller(larger(1, wanted_tasks / larger(heads * chunks_, 1)), larger(1, blocks / 4));
    share_keys_ = ceil_div(blocks, shares) * block_keys<T>;

    queries_ = parts_.add(chunk_ * s_.D * panel_lanes<T>);
    values_ = parts_.add(chunk_ * s_.Dv * panel_lanes<T>);
    tops_ = parts_.add(chunk_ * panel_lanes<T>);
    sums_ = parts_.add(chunk_ * panel_lanes<T>);
    keys_ = parts_.add(block_keys<T> * s_.D);
    rows_ = parts_.add(block_keys<T> * round_up(s_.Dv, vector_t<T>::width));
    scores_ = parts_.add(block_keys<T> * panel_lanes<T>);
    buffer_ = parts_.add(rules_.has_mask() || rules_.drops() ? row_buffer<T> : 0);
  }

  int64_t tasks() const { return s_.batches * s_.key_heads * chunks_ * shares; }
  int64_t memory() const { return parts_.size(); }

  // Task number `task` with memory() elements of its own.
  void run(int64_t task, T* memory, const head_rows<const In>& q, const head_rows<const In>& k,
           const head_rows<const In>& v, const head_rows<In>& y, T* lse, const partial_rows<T>& partial) const {
    const int64_t share = task % shares, head = task / shares / chunks_;
    const int64_t b = head / s_.key_heads, key_head = head % s_.key_heads;
    const int64_t chunk = chunks_ - 1 - task / shares % chunks_;  // with a causal limit the last ones see most
    const int64_t first = chunk * chunk_, count = smaller(chunk_, plan_.panels() - first);
    const int64_t end = smaller((share + 1) * share_keys_, s_.keys(b));
    const int64_t at_once = smaller(block_keys<T>, end - share * share_keys_);
    prefetch_rows(k.at(b, key_head, share * share_keys_), k.stride_t, at_once, s_.D);
    query_panel<T> panels[most_panels];
    for (int64_t i = 0; i < count; i++) {
      panels[i] = query_panel<T>(s_, plan_, b, key_head, first + i);
      begin(panels[i], i, memory, q);
    }
    prefetch_rows(v.at(b, key_head, share * share_keys_), v.stride_t, at_once, s_.Dv);
    for (int64_t at = share * share_keys_; at < end; at += block_keys<T>) {
      const int64_t n = smaller(block_keys<T>, end - at);
      bool packed = false;
      dense_rows<T> rows = {};
      for (int64_t i = 0; i < count; i++) {
        if (panels[i].highest <= at) continue;
        if (!packed) {
          pack_keys(k.at(b, key_head, at), k.stride_t, k.stride_d, n, s_.D, memory + keys_);
          rows = densify(v.at(b, key_head, at), v.stride_t, v.stride_d, n, s_.Dv, memory + rows_);
          packed = true;
        }
        // The next block of keys and values comes meanwhile, a part with each panel.
        const int64_t next = smaller(block_keys<T>, end - at - n), from = i * next / count;
        prefetch_rows(k.at(b, key_head, at + n + from), k.stride_t, (i + 1) * next / count - from, s_.D);
        prefetch_rows(v.at(b, key_head, at + n + from), v.stride_t, (i + 1) * next / count - from, s_.Dv);
        add_block(panels[i], i, at, n, rows, at == share * share_keys_, memory);
      }
    }
    for (int64_t i = 0; i < count; i++) finish(panels[i], i, share, memory, y, lse, partial);
  }

  int64_t shares;

 private:
  static constexpr int64_t lanes = panel_lanes<T>, most_panels = 16;

  void begin(const query_panel<T>& p, int64_t i, T* memory, const head_rows<const In>& q) const {
    const In* rows[lanes];
    p.rows(q, rows);
    prefetch_rows(rows[0] + lanes * q.stride_t, q.stride_t, lanes, s_.D);  // the next panel's
    gather_rows(rows, lanes, q.stride_d, s_.D, scale_, memory + queries_ + i * s_.D * lanes);
    T *tops = memory + tops_ + i * lanes, *sums = memory + sums_ + i * lanes;
    for (int64_t l = 0; l < lanes; l++) tops[l] = minus_infinity<T>, sums[l] = 0;
  }

  void add_block(const query_panel<T>& p, int64_t i, int64_t k, int64_t n, const dense_rows<T>& rows, bool is_first,
                 T* memory) const {
    using V = vector_t<T>;
    alignas(64) T rescale[lanes];
    T* scores = memory + scores_;
    const int64_t visible = smaller(n, p.highest - k);
    score_block(s_, rules_, p, k, n, memory + keys_, memory + queries_ + i * s_.D * lanes, scores, lanes,
                memory + buffer_);
    absorb_scores(scores, visible, p.vectors(), memory + tops_ + i * lanes, memory + sums_ + i * lanes, rescale);
    if (rules_.drops()) {
      const T* factors = memory + buffer_;
      draw_factors(rules_, p, k, visible, memory + buffer_);
      for (int64_t j = 0; j < visible * lanes; j += V::width)
        store(scores + j, load<V>(scores + j) * load<V>(factors + j));
    }
    multiply_rows(rows.at, rows.step, s_.Dv, scores, lanes, visible, p.vectors(), memory + values_ + i * s_.Dv * lanes,
                  is_first ? onto::nothing : onto::scaled_sum, rescale);
  }

  void finish(const query_panel<T>& p, int64_t i, int64_t share, T* memory, const head_rows<In>& y, T* lse,
              const partial_rows<T>& partial) const {
    const T* tops = memory + tops_ + i * lanes;
    const T* sums = memory + sums_ + i * lanes;
    T* values = memory + values_ + i * s_.Dv * lanes;
    if (p.highest <= share * share_keys_)  // nothing was added
      for (int64_t e = 0, n = s_.Dv * lanes; e < n; e++) values[e] = 0;
    alignas(64) T factor[lanes];
    if (shares == 1) {
      for (int64_t l = 0; l < p.computed(); l++) {
        factor[l] = reciprocal_or_zero(sums[l]);
        lse[row_number(p, l)] = log_sum_exp(tops[l], sums[l]);
      }
      In* to[lanes];
      p.rows(y, to);
      scatter_lanes(values, factor, to, p.computed(), y.stride_d, s_.Dv);
    } else {
      T* to[lanes];
      for (int64_t l = 0; l < p.computed(); l++) {
        factor[l] = 1;
        to[l] = partial.values(share, row_number(p, l));
        partial.top(share, row_number(p, l)) = tops[l];
        partial.sum(share, row_number(p, l)) = sums[l];
      }
      scatter_lanes(values, factor, to, p.computed(), 1, s_.Dv);
    }
  }

  int64_t row_number(const query_panel<T>& p, int64_t l) const {
    return (p.batch * s_.heads + p.head[l]) * s_.T + p.position[l];
  }

  attention_shape s_;
  score_rules<T, In> rules_;
  T scale_;
  panel_plan<T> plan_;
  int64_t chunk_, chunks_, share_keys_;
  parts parts_;
  int64_t queries_, values_, tops_, sums_, keys_, rows_, scores_, buffer_;
};

}  // namespace
}  // namespace neurite::NR_ISA
