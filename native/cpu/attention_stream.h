// Attention forward for few queries, a step of decoding above all: keys and values are read once, where they lie, and
// all queries that share them take part. Vector lanes run along the elements of a row for the products and along the
// keys for what is done to scores. The keys of one head may be shared out among tasks.
#pragma once
#include "cpu/attention_partial.h"
#include "cpu/pack.h"

namespace neurite::NR_ISA {
namespace {

#if defined(NR_ISA_avx512)
inline constexpr int64_t streamed_queries = 16;
inline constexpr int stream_rows = 4, stream_vectors = 4;
#elif defined(NR_ISA_avx2)
inline constexpr int64_t streamed_queries = 8;
inline constexpr int stream_rows = 2, stream_vectors = 4;
#else
inline constexpr int64_t streamed_queries = 4;
inline constexpr int stream_rows = 2, stream_vectors = 4;
#endif

template <class V, bool high, int... lane>
[[gnu::always_inline]] inline V interleave(V a, V b, std::integer_sequence<int, lane...>) {
  constexpr int W = V::width, first = high ? W / 2 : 0;
  return V(__builtin_shufflevector(a.v, b.v, (first + lane / 2 + (lane % 2 ? W : 0))...));
}

// Lane i becomes the sum of all lanes of v[i]: each round interleaves and adds two halves.
template <class V, int rows = V::width>
[[gnu::always_inline]] inline V sums_of_rows(V (&v)[rows]) {
  if constexpr (rows == 1) {
    return v[0];
  } else {
    using lanes = std::make_integer_sequence<int, V::width>;
    V next[rows / 2];
    unroll<rows / 2>([&](auto i) NR_INLINE {
      next[i] =
          interleave<V, false>(v[i], v[i + rows / 2], lanes{}) + interleave<V, true>(v[i], v[i + rows / 2], lanes{});
    });
    return sums_of_rows<V, rows / 2>(next);
  }
}

// scores[j] = x · row j, for n <= W rows of `depth` elements; x is zero up to a whole vector.
template <class T, class In>
void dot_rows(const T* x, const In* rows, int64_t stride, int64_t n, int64_t depth, T* scores) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  const In* at[W];
  V sum[W];
  unroll<W>([&](auto i) NR_INLINE {
    at[i] = rows + smaller(i, n - 1) * stride;
    sum[i] = V(T(0));
  });
  int64_t d = 0;
  for (; d + W <= depth; d += W) {
    const V factor = load<V>(x + d);
    unroll<W>([&](auto i) NR_INLINE { sum[i] = fma(factor, load<V>(at[i] + d), sum[i]); });
  }
  if (d < depth) {
    const V factor = load<V>(x + d);
    unroll<W>([&](auto i) NR_INLINE { sum[i] = fma(factor, load<V>(at[i] + d, depth - d), sum[i]); });
  }
  store(scores, sums_of_rows(sum), n);
}

// y[r] = y[r] · rescale[r] + Σ over n keys of weights[r][j] · row j, for `queries` rows of y and some of their vectors.
template <int queries, int vectors, class T, class In>
void add_weighted(const T* weights, int64_t weights_step, const T* rescale, const In* rows, int64_t stride, int64_t n,
                  int64_t columns, T* y, int64_t y_step) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  const int64_t last = columns - (vectors - 1) * W;
  V sum[queries][vectors];
  unroll<queries>([&](auto r) NR_INLINE {
    unroll<vectors>([&](auto c) NR_INLINE { sum[r][c] = load<V>(y + r * y_step + c * W) * V(rescale[r]); });
  });
  const auto add = [&](int64_t j, auto read_last) NR_INLINE {
    V row[vectors];
    unroll<vectors>([&](auto c) NR_INLINE {
      const In* at = rows + j * stride + c * W;
      row[c] = c < vectors - 1 ? load<V>(at) : read_last(at);
    });
    unroll<queries>([&](auto r) NR_INLINE {
      const V w(weights[r * weights_step + j]);
      unroll<vectors>([&](auto c) NR_INLINE { sum[r][c] = fma(w, row[c], sum[r][c]); });
    });
  };
  if (last >= W) {
    for (int64_t j = 0; j < n; j++) add(j, [](const In* at) NR_INLINE { return load<V>(at); });
  } else {
    for (int64_t j = 0; j < n; j++) add(j, [&](const In* at) NR_INLINE { return load<V>(at, last); });
  }
  unroll<queries>(
      [&](auto r) NR_INLINE { unroll<vectors>([&](auto c) NR_INLINE { store(y + r * y_step + c * W, sum[r][c]); }); });
}

template <class T, class In, class Queries, class Vectors>
struct weighted_kernels;
template <class T, class In, int... q, int... v>
struct weighted_kernels<T, In, std::integer_sequence<int, q...>, std::integer_sequence<int, v...>> {
  using kernel = void (*)(const T*, int64_t, const T*, const In*, int64_t, int64_t, int64_t, T*, int64_t);
  template <int queries>
  struct of_queries {
    static constexpr kernel at[] = {add_weighted<queries, v + 1, T, In>...};
  };
  static kernel choose(int64_t queries, int64_t vectors) {
    static constexpr const kernel* table[] = {of_queries<q + 1>::at...};
    return table[queries - 1][vectors - 1];
  }
};

template <class T, class In>
class attention_stream {
 public:
  attention_stream(const attention_shape& shape, const score_rules<T, In>& rules, T scale, int64_t wanted_tasks)
      : s_(shape), rules_(rules), scale_(scale), queries_(shape.share * shape.T) {
    const int64_t heads = s_.batches * s_.key_heads, pieces = ceil_div(s_.S, piece);
    shares = smaller(larger(1, wanted_tasks / larger(heads, 1)), larger(1, pieces / 8));
    share_keys_ = ceil_div(pieces, shares) * piece;
    // Long enough that memory sees one stream of keys, then one of values; the scores stay in cache.
    block_ = smaller(round_up(16384 / larger(queries_, 1), piece), share_keys_);
    width_ = round_up(s_.D, V::width);
    value_width_ = round_up(s_.Dv, V::width);
    x_ = parts_.add(queries_ * width_);
    values_ = parts_.add(queries_ * value_width_);
    scores_ = parts_.add(queries_ * block_);
    row_ = parts_.add(piece);
  }

  static bool suits(const attention_shape& s, const head_rows<const In>& k, const head_rows<const In>& v) {
    return s.share * s.T <= streamed_queries && k.stride_d == 1 && v.stride_d == 1;
  }

  int64_t tasks() const { return s_.batches * s_.key_heads * shares; }
  int64_t memory() const { return parts_.size(); }

  void run(int64_t task, T* memory, const head_rows<const In>& q, const head_rows<const In>& k,
           const head_rows<const In>& v, const head_rows<In>& y, T* lse, const partial_rows<T>& partial) const {
    const int64_t share = task % shares, b = task / shares / s_.key_heads, key_head = task / shares % s_.key_heads;
    T top[streamed_queries], sum[streamed_queries], rescale[streamed_queries];
    for (int64_t r = 0; r < queries_; r++) {
      const In* from = q.at(b, head_of(key_head, r), r % s_.T);
      T* x = memory + x_ + r * width_;
      for (int64_t d = 0; d < width_; d++) x[d] = d < s_.D ? convert<T>(from[d * q.stride_d]) * scale_ : T(0);
      top[r] = minus_infinity<T>;
      sum[r] = 0;
    }
    for (int64_t e = 0; e < queries_ * value_width_; e++) memory[values_ + e] = 0;
    const int64_t end = smaller((share + 1) * share_keys_, s_.limit(b, s_.T - 1));
    for (int64_t at = share * share_keys_; at < end; at += block_) {
      const int64_t n = smaller(block_, end - at);
      const In *keys = k.at(b, key_head, at), *values = v.at(b, key_head, at);
      for (int64_t j = 0; j < n; j += V::width) {
        // Rows are read several at once, a pattern that the processor does not foresee; values come in order.
        prefetch_rows(keys + (j + ahead) * k.stride_t, k.stride_t, smaller(V::width, n - j - ahead), s_.D);
        for (int64_t r = 0; r < queries_; r++)
          dot_rows(memory + x_ + r * width_, keys + j * k.stride_t, k.stride_t, smaller(V::width, n - j), s_.D,
                   memory + scores_ + r * block_ + j);
      }
      for (int64_t r = 0; r < queries_; r++) rescale[r] = weigh(b, key_head, r, at, n, memory, top[r], sum[r]);
      for (int64_t j = 0; j < n; j += piece) {
        add_values(values + j * v.stride_t, v.stride_t, j, smaller(piece, n - j), rescale, memory);
        for (int64_t r = 0; r < queries_; r++) rescale[r] = 1;
      }
    }
    for (int64_t r = 0; r < queries_; r++) {
      const int64_t h = head_of(key_head, r), i = r % s_.T, row = (b * s_.heads + h) * s_.T + i;
      const T* values = memory + values_ + r * value_width_;
      if (shares == 1) {
        lse[row] = log_sum_exp(top[r], sum[r]);
        write(values, reciprocal_or_zero(sum[r]), y.at(b, h, i));
      } else {
        partial.top(share, row) = top[r];
        partial.sum(share, row) = sum[r];
        write(values, T(1), partial.values(share, row));
      }
    }
  }

  int64_t shares;

 private:
  using V = vector_t<T>;
  static constexpr int64_t piece = 64, ahead = 32;

  int64_t head_of(int64_t key_head, int64_t r) const { return key_head * s_.share + r / s_.T; }

  // Scores of n keys for query r become weights, up to the sum that they will be divided by; returns the factor that
  // what was summed up before takes.
  T weigh(int64_t b, int64_t key_head, int64_t r, int64_t k, int64_t n, T* memory, T& top, T& sum) const {
    const int64_t h = head_of(key_head, r), i = r % s_.T;
    const int64_t visible = smaller(n, larger(s_.limit(b, i) - k, 0));
    T* scores = memory + scores_ + r * block_;
    T* row = memory + row_;
    if (rules_.has_mask())
      each_piece(visible, [&](int64_t j, int64_t count) {
        rules_.bias_row(row, b, h, i, k + j, count);
        each_vector<V>(count, [&](int64_t e, auto lanes) {
          store(scores + j + e, load<V>(scores + j + e, lanes) + load<V>(row + e, lanes), lanes);
        });
      });
    const T before = top, best = max_row<V>(visible, scores);
    top = best > before ? best : before;
    const V shift(top == minus_infinity<T> ? T(0) : top);
    alignas(64) T factor[V::width];
    store(factor, exp_score(V(before) - shift));
    sum = sum * factor[0] + static_cast<T>(sum_row<V>(visible, [&](int64_t j, auto lanes) {
            const V e = exp_score(load<V>(scores + j, lanes) - shift);
            store(scores + j, e, lanes);
            return fill_tail(e, V(T(0)), lanes);
          }));
    if (rules_.drops())
      each_piece(visible, [&](int64_t j, int64_t count) {
        rules_.factor_row(row, b, h, i, k + j, count);
        each_vector<V>(count, [&](int64_t e, auto lanes) {
          store(scores + j + e, load<V>(scores + j + e, lanes) * load<V>(row + e, lanes), lanes);
        });
      });
    for (int64_t j = visible; j < n; j++) scores[j] = 0;
    return factor[0];
  }

  template <class Body>
  static void each_piece(int64_t n, const Body& body) {
    for (int64_t j = 0; j < n; j += piece) body(j, smaller(piece, n - j));
  }

  // Adds the n rows of values that belong to the weights from j on.
  void add_values(const In* rows, int64_t stride, int64_t j, int64_t n, const T* rescale, T* memory) const {
    using kernels = weighted_kernels<T, In, std::make_integer_sequence<int, stream_rows>,
                                     std::make_integer_sequence<int, stream_vectors>>;
    constexpr int64_t widest = stream_vectors * V::width;
    for (int64_t r = 0; r < queries_; r += stream_rows)
      for (int64_t d = 0; d < s_.Dv; d += widest) {
        const int64_t columns = smaller(widest, s_.Dv - d);
        kernels::choose(smaller(stream_rows, queries_ - r), ceil_div(columns, V::width))(
            memory + scores_ + r * block_ + j, block_, rescale + r, rows + d, stride, n, columns,
            memory + values_ + r * value_width_ + d, value_width_);
      }
  }

  template <class Out>
  void write(const T* values, T factor, Out* to) const {
    each_vector<V>(s_.Dv, [&](int64_t d, auto lanes) { store(to + d, load<V>(values + d, lanes) * V(factor), lanes); });
  }

  attention_shape s_;
  score_rules<T, In> rules_;
  T scale_;
  int64_t queries_, share_keys_, block_, width_, value_width_;
  parts parts_;
  int64_t x_, values_, scores_, row_;
};

}  // namespace
}  // namespace neurite::NR_ISA
