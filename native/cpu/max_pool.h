// Max pooling. NaN wins, ties go to the first tap, padding never wins. Where the places of the maxima are wanted, every
// tap of a window is compared in registers, and the best tap is kept beside the best value (as lanes: int32 beside
// float, double beside double).
#pragma once
#include "cpu/pool_backward.h"
#include "cpu/pool_reduce.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
struct window_max {
  using V = vector_t<T>;
  static constexpr typename V::lane outside = -__builtin_huge_val();

  V combine(V a, V b) const { return select(b != b, b, max(b, a)); }  // max: its second operand if either is NaN
  V finish(V a, int64_t, int64_t, int64_t) const { return a; }
};

template <class V>
using place_vector = std::conditional_t<std::is_same_v<V, vf>, vi, vd>;
// Negative even when a place is added.
inline constexpr int32_t nowhere = -(1 << 30) - (1 << 29);

// The index of each output's first column, and which of its taps is the first inside the input, as columns from there.
template <class T>
struct place_table {
  using P = place_vector<vector_t<T>>;
  using place = typename P::lane;
  place *column, *first;

  place_table(nr_context* ctx, const pool_columns& c) {
    const int64_t size = round_up(c.axis.out, P::width);
    column = scratch<place>(ctx, size), first = scratch<place>(ctx, size);
    if (!is_made()) return;
    for (int64_t o = 0; o < size; o++) {
      const int64_t at = smaller(o, c.axis.out - 1) * c.axis.stride + c.start;
      const int64_t step = at < 0 ? ceil_div(-at, c.axis.dilation) * c.axis.dilation : 0;
      const bool is_inside = step <= (c.taps - 1) * c.axis.dilation && at + step < c.axis.in;
      column[o] = static_cast<place>(is_inside ? at : 0);
      first[o] = static_cast<place>(is_inside ? step : nowhere);
    }
  }
  bool is_made() const { return column && first; }
};

template <class T, class Index>
class line_maximizer {
 public:
  using V = vector_t<T>;
  using lane = typename V::lane;
  using P = place_vector<V>;
  using place = typename P::lane;
  using term = pool_term<lane>;

  static int64_t around(const pool_axis& a) { return smaller(a.in, (a.size - 1) * a.dilation + 1); }
  static int64_t lines(const pool_shape& s) { return line_ring<lane>::lines(around(s.axis[0]), around(s.axis[1])); }

  // `meeting` are those of axes 0 and 1; `sorted` has room for lines() sorted lines, `held` for as many, `terms` for
  // all taps of them.
  line_maximizer(const pool_shape& s, const pool_columns& columns, const pool_meeting* const (&meeting)[2],
                 const place_table<T>& table, const nr_tensor& x, const nr_tensor& y, const nr_tensor& index,
                 lane* sorted, int64_t* held, term* terms)
      : s_(s),
        c_(columns),
        meeting_(meeting),
        table_(table),
        x_tensor_(x),
        y_tensor_(y),
        index_tensor_(index),
        x_(x, 0),
        y_(y, 0),
        index_(index, 0),
        ring_(sorted, held, around(s.axis[0]), around(s.axis[1]), columns.size()),
        terms_(terms) {}

  void enter(int64_t plane) {
    x_ = {x_tensor_, plane}, y_ = {y_tensor_, plane}, index_ = {index_tensor_, plane};
    ring_.forget();
  }

  void compute(int64_t d, int64_t h) {
    if (c_.is_pairs()) return compute_pairs(d, h);
    find_terms(d, h);
    compare_terms(d, h);
  }

 private:
  struct best_of {
    V value;
    P at;
    [[gnu::always_inline]] void compare(V v, P here) {
      const auto better = (v > value) | (v != v);
      value = select(better, v, value);
      at = select(better, here, at);
    }
  };

  [[gnu::always_inline]] void write(int64_t d, int64_t h, int64_t o, best_of best) const {
    const int64_t n = c_.axis.out - o;
    const P at = best.at + P::load(table_.column + o);
    store_some(y_.line(d, h) + o, best.value, n);
    // A dilated window can miss the input altogether.
    store_places(index_.line(d, h) + o, select(at < P(place(0)), P(place(0)), at), n);
  }

  // Two vectors of outputs at a time: each compare waits for the one before.
  void compare_terms(int64_t d, int64_t h) const {
    int64_t o = 0;
    for (; o + V::width < c_.axis.out; o += 2 * V::width) compare_terms<2>(d, h, o);
    if (o < c_.axis.out) compare_terms<1>(d, h, o);
  }
  template <int vectors>
  [[gnu::always_inline]] void compare_terms(int64_t d, int64_t h, int64_t o) const {
    best_of best[vectors];
    unroll<vectors>([&](auto i) NR_INLINE {
      best[i] = {V(window_max<T>::outside), P(place(nowhere))};
      if (term_count_ > 0) best[i].at = P(static_cast<place>(terms_->place)) + P::load(table_.first + o + i * V::width);
    });
    for (const term* t = terms_; t < terms_ + term_count_; t++) {
      const P here(static_cast<place>(t->place));
      unroll<vectors>([&](auto i) NR_INLINE { best[i].compare(load<V>(t->at + o + i * V::width), here); });
    }
    unroll<vectors>([&](auto i) NR_INLINE { write(d, h, o + i * V::width, best[i]); });
  }

  void compute_pairs(int64_t d, int64_t h) const {
    const pool_meeting &in_a = meeting_[0][d], &in_b = meeting_[1][h];
    const int64_t step = x_.stride[2];
    const auto at = [&](int64_t z, int64_t r) NR_INLINE { return (z * s_.axis[1].in + r) * c_.axis.in; };
    for (int64_t o = 0; o < c_.axis.out; o += V::width) {
      const int64_t n = 2 * (c_.axis.out - o);
      best_of best = {V(window_max<T>::outside), P(static_cast<place>(at(in_a.first, in_b.first)))};
      for (int64_t i = 0; i < in_a.count; i++) {
        for (int64_t j = 0; j < in_b.count; j++) {
          const int64_t z = in_a.first + i * in_a.step, r = in_b.first + j * in_b.step;
          const T* from = x_.line(z, r) + 2 * o * step;
          const V a = load_strided<V>(from, step, n);
          const V b = n > V::width ? load_strided<V>(from + V::width * step, step, n - V::width) : a;
          const P here(static_cast<place>(at(z, r)));
          best.compare(even_lanes(a, b), here);
          best.compare(odd_lanes(a, b), here + P(place(1)));
        }
      }
      write(d, h, o, best);
    }
  }

  // Sorts the lines that windows of line (d, h) read, and lists their taps in the order of their indices.
  void find_terms(int64_t d, int64_t h) {
    const pool_axis &b = s_.axis[1], &c = s_.axis[2];
    const pool_meeting &in_a = meeting_[0][d], &in_b = meeting_[1][h];
    const int64_t step = x_.stride[2];
    term_count_ = 0;
    for (int64_t i = 0; i < in_a.count; i++) {
      for (int64_t j = 0; j < in_b.count; j++) {
        const int64_t z = in_a.first + i * in_a.step, r = in_b.first + j * in_b.step;
        const T* from = x_.line(z, r);
        const auto read = [&](int64_t column, int64_t n)
                              NR_INLINE { return load_strided<V>(from + column * step, step, n); };
        const lane* line = ring_.get(
            z * b.in + r, z, r, [&](lane* to) NR_INLINE { sort_columns<V>(c_, window_max<T>::outside, read, to); });
        for (int64_t t = 0; t < c_.taps; t++)
          terms_[term_count_++] = {line + c_.tap[t].at, (z * b.in + r) * c.in + c_.tap[t].step};
      }
    }
  }

  static void store_places(Index* to, P at, int64_t n) {
    if constexpr (std::is_same_v<Index, place>) {
      store_some(to, at, n);
    } else {
      alignas(64) place lanes[P::width];
      store(lanes, at);
      if (n >= P::width) {
        for (int64_t i = 0; i < P::width; i++) to[i] = static_cast<Index>(lanes[i]);
      } else {
        for (int64_t i = 0; i < n; i++) to[i] = static_cast<Index>(lanes[i]);
      }
    }
  }

  const pool_shape& s_;
  const pool_columns& c_;
  const pool_meeting* const (&meeting_)[2];
  const place_table<T>& table_;
  const nr_tensor &x_tensor_, &y_tensor_, &index_tensor_;
  pool_plane<const T> x_;
  pool_plane<T> y_;
  pool_plane<Index> index_;
  line_ring<lane> ring_;
  term* terms_;
  int64_t term_count_ = 0;
};

template <class T, class Index>
void find_maxima(nr_context* ctx, const pool_shape& s, const nr_tensor& x, nr_tensor& y, nr_tensor& index) {
  using maximizer = line_maximizer<T, Index>;
  const auto& [a, b, c] = s.axis;
  pool_columns columns;
  if (s.planes == 0 || !make_pool_columns<typename maximizer::V>(ctx, c, columns)) return;
  const place_table<T> table(ctx, columns);
  const pool_meeting* const meeting[2] = {inputs_of_windows(ctx, a), inputs_of_windows(ctx, b)};
  const int64_t lines = maximizer::lines(s), size = lines * columns.size();
  auto* sorted = scratch<typename maximizer::lane>(ctx, ctx->threads * size);
  auto* held = scratch<int64_t>(ctx, ctx->threads * lines);
  auto* terms = scratch<typename maximizer::term>(ctx, ctx->threads * lines * columns.taps);
  if (!table.is_made() || !meeting[0] || !meeting[1] || !sorted || !held || !terms) return;
  each_line(ctx, s.planes, a.out, b.out, (columns.used_end() - columns.used_begin()) * smaller(b.stride, b.in),
            [&](int32_t thread) {
              return maximizer(s, columns, meeting, table, x, y, index, sorted + thread * size, held + thread * lines,
                               terms + thread * lines * columns.taps);
            });
}

// dy goes to the place of the maximum.
template <class T, class Index>
struct max_gradient {
  using V = vector_t<T>;
  using lane = typename V::lane;
  using P = place_vector<V>;
  using place = typename P::lane;
  static constexpr int64_t parts = 2;

  nr_context* ctx;
  const pool_shape& s;
  const place_table<T>& table;
  const nr_tensor &dy_tensor, &index_tensor;
  pool_plane<const T> dy = {dy_tensor, 0};
  pool_plane<const Index> index = {index_tensor, 0};
  int64_t plane = 0;

  void enter(int64_t next) { dy = {dy_tensor, next}, index = {index_tensor, next}, plane = next; }

  void prepare(int64_t d, int64_t h, lane* to, int64_t size) const {
    const int64_t out = s.axis[2].out, inputs = s.inputs(), step = index.stride[2];
    const T* from = dy.line(d, h);
    const Index* at = index.line(d, h);
    using Unsigned = std::make_unsigned_t<Index>;
    const Unsigned last = static_cast<Unsigned>(inputs - 1);
    const auto read = [&](auto by) NR_INLINE {
      // What is written overlaps nothing that is read; the compiler cannot see it.
      const place* __restrict column = table.column;
      place* __restrict from_column = reinterpret_cast<place*>(to + size);
      Unsigned signs = 0;  // of every index and of how far it is from the last
      for (int64_t o = 0; o < out; o++) {
        const Index i = at[o * by];
        signs |= static_cast<Unsigned>(i) | (last - static_cast<Unsigned>(i));
        from_column[o] = static_cast<place>(i) - column[o];
      }
      return static_cast<Index>(signs) < 0;
    };
    bool is_bad = step == 1 ? read(std::integral_constant<int64_t, 1>{}) : read(step);
    for (int64_t o = 0; o < out; o += V::width)
      store_some(to + o, load_strided<V>(from + o * dy.stride[2], dy.stride[2], out - o), out - o);
    for (int64_t o = 0; is_bad && o < out; o++) {
      const int64_t i = at[o * step];
      if (static_cast<uint64_t>(i) < static_cast<uint64_t>(inputs)) continue;
      ctx->fail(ctx, "INDEX_OUT_OF_RANGE", "expected index in [0, %lld), got %lld in plane %lld",
                static_cast<long long>(inputs), static_cast<long long>(i), static_cast<long long>(plane));
      is_bad = false;
    }
  }
  P target(int64_t here) const { return P(static_cast<place>(here)); }
  [[gnu::always_inline]] V add(V sum, const lane* at, int64_t size, P here) const {
    return select(P::load(reinterpret_cast<const place*>(at + size)) == here, sum + load<V>(at), sum);
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
