// How windows see one line: sorted by residue modulo the stride, so that neighbouring outputs read neighbouring
// elements, whatever the stride and the dilation are. Column start + i · stride + phase of the line is element i of its
// phase, and element phase · pitch + i of the sorted line; tap t of output o reads element o + tap[t].at.
#pragma once
#include "cpu/every_second.h"
#include "cpu/pool_shape.h"
#include "cpu/unroll.h"

namespace neurite::NR_ISA {
namespace {

struct pool_tap {
  int64_t at, shift, step;  // shift: elements within its phase; step: columns from the window's first one
};

// What a tap of a prepared line is: element o of it belongs to output or input o, and its index in the plane is `place`
// plus a column.
template <class Lane>
struct pool_term {
  const Lane* at;
  int64_t place;
};

struct pool_columns {
  pool_axis axis;
  int64_t taps;                   // those that meet the input for some output
  int64_t start;                  // the column that the first of them reads for output 0
  int64_t phases, length, pitch;  // phases that a tap reads, elements of each that count, room for whole vectors
  const pool_tap* tap;
  const int64_t* first_tap;  // of each phase; the next ones follow in steps of tap_period
  int64_t tap_period;
  const int64_t* outside;  // the elements that are no columns of the input
  int64_t outside_count;

  // The columns of the input that lie in some window, as far as whole strides go.
  int64_t used_begin() const { return larger(0, start); }
  int64_t used_end() const { return smaller(axis.in, start + length * axis.stride); }
  int64_t size() const { return phases * pitch; }
  // Windows of two columns that neither overlap nor reach outside: pairs of lanes.
  bool is_pairs() const {
    return axis.stride == 2 && taps == 2 && start == 0 && axis.dilation == 1 && outside_count == 0;
  }
};

// False: memory is out.
template <class V>
bool make_pool_columns(nr_context* ctx, const pool_axis& a, pool_columns& c) {
  const pool_taps taps(a, 0, a.out);
  const int64_t span = (larger(taps.count(), 1) - 1) * a.dilation;
  c = {};
  c.axis = a;
  c.taps = taps.count();
  c.start = taps.first * a.dilation - a.padding;
  c.phases = smaller(a.stride, span + 1);
  c.length = a.out + span / a.stride;
  c.pitch = round_up(c.length, V::width) + V::width;
  pool_tap* tap = scratch<pool_tap>(ctx, c.taps);
  int64_t *first = scratch<int64_t>(ctx, c.phases), *outside = scratch<int64_t>(ctx, c.phases * c.length);
  if (!tap || !first || !outside) return false;
  c.tap = tap, c.first_tap = first, c.outside = outside;
  c.tap_period = c.taps;
  for (int64_t p = 0; p < c.phases; p++) first[p] = c.taps;
  for (int64_t t = c.taps - 1; t >= 0; t--) {
    const int64_t step = t * a.dilation, phase = step % a.stride, shift = step / a.stride;
    tap[t] = {phase * c.pitch + shift, shift, step};
    first[phase] = t;
    if (t > 0 && phase == 0) c.tap_period = t;
  }
  for (int64_t phase = 0; phase < c.phases; phase++)
    for (int64_t i = 0; i < c.length; i++)
      if (const int64_t column = c.start + i * a.stride + phase; column < 0 || column >= a.in)
        outside[c.outside_count++] = phase * c.pitch + i;
  return true;
}

// Sorts a line into `to`; read(column, n) gives n <= V::width elements of it, and what lies beyond is `outside`.
template <class V, class Read>
[[gnu::always_inline]] inline void sort_columns(const pool_columns& c, typename V::lane outside, const Read& read,
                                                typename V::lane* to) {
  constexpr int64_t W = V::width;
  const int64_t begin = c.used_begin(), end = c.used_end(), from = begin - c.start, stride = c.axis.stride;
  if (stride == 1) {
    for (int64_t i = begin; i < end; i += W) store(to + (i - c.start), read(i, end - i));
  } else if (stride == 2 && c.phases == 2) {
    typename V::lane* even = to + from % 2 * c.pitch + from / 2;
    typename V::lane* odd = from % 2 == 0 ? to + c.pitch + from / 2 : to + from / 2 + 1;
    for (int64_t i = begin; i < end; i += 2 * W, even += W, odd += W) {
      const V a = read(i, end - i), b = i + W < end ? read(i + W, end - i - W) : a;
      store(even, even_lanes(a, b));
      store(odd, odd_lanes(a, b));
    }
  } else {
    int64_t phase = from % stride, at = from / stride;
    alignas(64) typename V::lane lanes[W];
    for (int64_t i = begin; i < end; i += W) {
      const int64_t n = smaller(W, end - i);
      store(lanes, read(i, n));
      for (int64_t k = 0; k < n; k++) {
        if (phase < c.phases) to[phase * c.pitch + at] = lanes[k];
        if (++phase == stride) phase = 0, at++;
      }
    }
  }
  for (int64_t i = 0; i < c.outside_count; i++) to[c.outside[i]] = outside;
}

// The last lines that a task has prepared, as many as are wanted at a time: neighbouring windows share most of theirs.
template <class Lane>
class line_ring {
 public:
  // How many lines are kept for windows of `depth` × `height` of them: powers of two, so that finding one is cheap.
  static int64_t lines(int64_t depth, int64_t height) { return power_of_two(depth) * power_of_two(height); }

  line_ring(Lane* lines, int64_t* held, int64_t depth, int64_t height, int64_t size)
      : lines_(lines), held_(held), depth_(power_of_two(depth)), height_(power_of_two(height)), size_(size) {
    forget();
  }
  void forget() {
    for (int64_t i = 0; i < depth_ * height_; i++) held_[i] = -1;
  }

  // Line (d, h), whose number among all lines of the plane is `id`; fill(line) prepares it.
  template <class Fill>
  const Lane* get(int64_t id, int64_t d, int64_t h, const Fill& fill) {
    const int64_t slot = (d & (depth_ - 1)) * height_ + (h & (height_ - 1));
    Lane* line = lines_ + slot * size_;
    if (held_[slot] != id) fill(line);
    held_[slot] = id;
    return line;
  }

 private:
  static int64_t power_of_two(int64_t n) {
    int64_t p = 1;
    while (p < n) p *= 2;
    return p;
  }

  Lane* lines_;
  int64_t* held_;
  int64_t depth_, height_, size_;
};

}  // namespace
}  // namespace neurite::NR_ISA
