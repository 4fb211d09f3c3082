// Pooling by an operation whose order is free, such as a sum: the rows of a window are combined first, whole lines at
// a time, then the columns of what comes out.
#pragma once
#include "cpu/pool_columns.h"

namespace neurite::NR_ISA {
namespace {

// Op: outside, combine(a, b), and finish(sum, d, h, o), which makes outputs o, o + 1, … of line (d, h).
template <class T, class Op>
class line_reducer {
 public:
  using V = vector_t<T>;
  using lane = typename V::lane;

  // `rows` are the meetings of axes 0 and 1; `line` has room for columns.size() lanes.
  line_reducer(const pool_columns& columns, const pool_meeting* const (&rows)[2], const nr_tensor& x,
               const nr_tensor& y, const Op& op, lane* line)
      : c_(columns), rows_(rows), x_tensor_(x), y_tensor_(y), x_(x, 0), y_(y, 0), op_(op), line_(line) {}

  void enter(int64_t plane) { x_ = {x_tensor_, plane}, y_ = {y_tensor_, plane}; }

  void compute(int64_t d, int64_t h) const {
    if (x_.stride[2] == 1) return compute(d, h, std::integral_constant<int64_t, 1>{});
    compute(d, h, x_.stride[2]);
  }

 private:
  template <class Step>
  [[gnu::always_inline]] void compute(int64_t d, int64_t h, Step step) const {
    const pool_meeting &in_a = rows_[0][d], &in_b = rows_[1][h];
    const int64_t step_a = in_a.step * x_.stride[0], step_b = in_b.step * x_.stride[1];
    const T* first = x_.line(in_a.first, in_b.first);
    const auto read = [&](int64_t column, int64_t n) NR_INLINE {
      V sum(Op::outside);
      const T* plane = first + column * step;
      for (int64_t i = 0; i < in_a.count; i++, plane += step_a) {
        const T* from = plane;
        for (int64_t j = 0; j < in_b.count; j++, from += step_b) sum = op_.combine(sum, load_strided<V>(from, step, n));
      }
      return sum;
    };
    const int64_t out = c_.axis.out;
    T* to = y_.line(d, h);
    const auto write = [&](int64_t o, V v) NR_INLINE { store_some(to + o, op_.finish(v, d, h, o), out - o); };
    if (c_.is_pairs()) {
      for (int64_t o = 0; o < out; o += V::width) {
        const int64_t n = 2 * (out - o);
        const V a = read(2 * o, n), b = n > V::width ? read(2 * o + V::width, n - V::width) : a;
        write(o, op_.combine(even_lanes(a, b), odd_lanes(a, b)));
      }
      return;
    }
    sort_columns<V>(c_, Op::outside, read, line_);
    for (int64_t o = 0; o < out; o += V::width) {
      V sum(Op::outside);
      for (int64_t t = 0; t < c_.taps; t++) sum = op_.combine(sum, load<V>(line_ + c_.tap[t].at + o));
      write(o, sum);
    }
  }

  const pool_columns& c_;
  const pool_meeting* const (&rows_)[2];
  const nr_tensor &x_tensor_, &y_tensor_;
  pool_plane<const T> x_;
  pool_plane<T> y_;
  const Op& op_;
  lane* line_;
};

template <class T, class Op>
void reduce_windows(nr_context* ctx, const pool_shape& s, const nr_tensor& x, nr_tensor& y, const Op& op) {
  using reducer = line_reducer<T, Op>;
  const auto& [a, b, c] = s.axis;
  pool_columns columns;
  if (s.planes == 0 || !make_pool_columns<typename reducer::V>(ctx, c, columns)) return;
  const pool_meeting* const rows[2] = {inputs_of_windows(ctx, a), inputs_of_windows(ctx, b)};
  auto* lines = scratch<typename reducer::lane>(ctx, ctx->threads * columns.size());
  if (!rows[0] || !rows[1] || !lines) return;
  each_line(ctx, s.planes, a.out, b.out, (columns.used_end() - columns.used_begin()) * smaller(b.stride, b.in),
            [&](int32_t thread) { return reducer(columns, rows, x, y, op, lines + thread * columns.size()); });
}

}  // namespace
}  // namespace neurite::NR_ISA
