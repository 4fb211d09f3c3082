// Gradients of pooling, gathered: an input adds up what the windows that meet it give it, in a fixed order, in
// registers, and is written once. Each line of outputs is prepared once and kept while the lines of inputs that it
// reaches are computed.
#pragma once
#include "cpu/pool_columns.h"
#include "cpu/stream.h"

namespace neurite::NR_ISA {
namespace {

// The outputs whose windows may meet inputs that are neighbours along an axis.
inline int64_t windows_around(const pool_axis& a) {
  return smaller(a.out, (a.size - 1) * a.dilation / a.stride + 1);
}

// Whether dx is streamed: its lines are whole, aligned vectors.
template <class T>
inline bool is_streamed_result(const T* dx, const pool_shape& s) {
  return std::is_same_v<T, float> && is_streamed(s.planes * s.inputs() * int64_t{sizeof(T)}) && is_aligned(dx) &&
         s.axis[2].in * sizeof(T) % stream_alignment == 0;
}

template <class V, class T>
[[gnu::always_inline]] inline void write_result(T* to, V v, int64_t n, bool streamed) {
  if constexpr (std::is_same_v<T, float>)
    if (streamed) return stream(to, v);
  store_some(to, v, n);
}

// a[0], b[0], a[1], b[1], …
template <class V, class T>
[[gnu::always_inline]] inline void write_pairs(T* to, V a, V b, int64_t n, bool streamed) {
  write_result(to, lower_pairs(a, b), n, streamed);
  if (n > V::width) write_result(to + V::width, upper_pairs(a, b), n - V::width, streamed);
}

// Gradient: `parts` values are kept of each output; after enter(plane), prepare(d, h, to, size) writes those of a line,
// part k beginning at to + k * size, and add(sum, at, size, target(place)) adds what a vector of outputs gives to
// `place`, an index into the plane less the first columns of their windows.
template <class T, class Gradient>
class line_gatherer {
 public:
  using V = vector_t<T>;
  using lane = typename V::lane;
  static constexpr int64_t W = V::width;

  struct memory {
    int64_t before, size, lines;  // lanes of nothing before the outputs of a line, lanes of a line, lines

    memory(const pool_shape& s, const pool_columns& c)
        : before((larger(c.taps, 1) - 1) * c.axis.dilation / c.axis.stride),
          size(round_up(before + larger(c.axis.out, (c.axis.in - c.start) / c.axis.stride + 1) + 2 * W + 2, W)),
          lines(line_ring<lane>::lines(windows_around(s.axis[0]), windows_around(s.axis[1]))) {}
    int64_t total() const { return lines * size * Gradient::parts; }
  };

  using term = pool_term<lane>;

  // `lines` has room for m.total() lanes, `held` for m.lines, `terms` for each tap of as many.
  line_gatherer(const pool_shape& s, const pool_columns& columns, const pool_meeting* const (&windows)[2],
                const memory& m, const Gradient& gradient, T* dx, lane* lines, int64_t* held, term* terms)
      : s_(s),
        c_(columns),
        windows_(windows),
        m_(m),
        gradient_(gradient),
        dx_(dx),
        plane_(dx),
        is_streamed_(is_streamed_result(dx, s) && columns.start <= 0),
        ring_(lines, held, windows_around(s.axis[0]), windows_around(s.axis[1]), m.size * Gradient::parts),
        terms_(terms) {
    __builtin_memset(lines, 0, static_cast<size_t>(m.total()) * sizeof(lane));
  }
  ~line_gatherer() {
    if (is_streamed_) stream_end();
  }

  void enter(int64_t plane) {
    plane_ = dx_ + plane * s_.inputs();
    gradient_.enter(plane);
    ring_.forget();
  }

  void compute(int64_t z, int64_t r) {
    const pool_axis& c = s_.axis[2];
    find_lines(z, r);
    T* out = plane_ + (z * s_.axis[1].in + r) * c.in;
    const int64_t begin = c_.used_begin(), first = begin - c_.start;
    if (c.stride == 1) {
      for (int64_t k = begin; k < c.in; k += W) write_result(out + k, gather(0, k - c_.start), c.in - k, is_streamed_);
    } else if (c.stride == 2 && c_.taps == 3 && c.dilation == 1) {
      if (first % 2 == 0) {
        gather_triples<0>(out);
      } else {
        gather_triples<1>(out);
      }
    } else if (c.stride == 2) {
      const int64_t phase = first % 2, i = first / 2;
      for (int64_t k = 0; begin + 2 * k < c.in; k += W) {
        const V even = gather(phase, i + k), odd = gather(1 - phase, i + phase + k);
        write_pairs(out + begin + 2 * k, even, odd, c.in - begin - 2 * k, is_streamed_);
      }
    } else {
      scatter(out);
    }
    for (int64_t k = 0; k < smaller(begin, c.in); k++) out[k] = convert<T>(lane(0));
  }

 private:
  // Prepares the lines of outputs whose windows meet line (z, r), and what each of their taps gives.
  void find_lines(int64_t z, int64_t r) {
    const pool_meeting &in_a = windows_[0][z], &in_b = windows_[1][r];
    const int64_t place = (z * s_.axis[1].in + r) * s_.axis[2].in;
    lines_ = in_a.count * in_b.count;
    term* to = terms_;
    for (int64_t i = 0; i < in_a.count; i++) {
      for (int64_t j = 0; j < in_b.count; j++, to++) {
        const int64_t d = in_a.first + i * in_a.step, h = in_b.first + j * in_b.step;
        const lane* line = ring_.get(d * s_.axis[1].out + h, d, h,
                                     [&](lane* at) { gradient_.prepare(d, h, at + m_.before, m_.size); });
        for (int64_t t = 0; t < c_.taps; t++)
          to[t * lines_] = {line + m_.before - c_.tap[t].shift, place + c_.tap[t].step};
      }
    }
  }

  // The sums for elements i, i + 1, … of a phase.
  [[gnu::always_inline]] V gather(int64_t phase, int64_t i) const {
    V sum(lane(0));
    if (phase >= c_.phases) return sum;
    for (int64_t t = c_.first_tap[phase]; t < c_.taps; t += c_.tap_period)
      for (const term* from = terms_ + t * lines_; from < terms_ + (t + 1) * lines_; from++)
        sum = gradient_.add(sum, from->at + i, m_.size, gradient_.target(from->place));
    return sum;
  }

  // Windows of three columns that move by two: all taps at once. The first column is of phase `parity`.
  template <int parity>
  void gather_triples(T* out) const {
    const int64_t begin = c_.used_begin(), shift = (begin - c_.start) / 2;
    if (lines_ == 0) return write_zeros(out);
    const auto target = [&](int t) NR_INLINE { return gradient_.target(terms_[t * lines_].place); };
    const decltype(target(0)) targets[3] = {target(0), target(1), target(2)};
    for (int64_t k = 0; begin + 2 * k < c_.axis.in; k += W) {
      V even(lane(0)), odd(lane(0));
      for (int64_t q = 0; q < lines_; q++) {
        const lane* at = terms_[q].at + shift + k;
        unroll<3>([&](auto t) NR_INLINE {
          if constexpr ((parity + t) % 2 == 0) {
            even = gradient_.add(even, at + (parity - t) / 2, m_.size, targets[t]);
          } else {
            odd = gradient_.add(odd, at + (parity + 1 - t) / 2, m_.size, targets[t]);
          }
        });
      }
      write_pairs(out + begin + 2 * k, even, odd, c_.axis.in - begin - 2 * k, is_streamed_);
    }
  }

  void write_zeros(T* out) const {
    for (int64_t k = 0; k < c_.axis.in; k++) out[k] = convert<T>(lane(0));
  }

  void scatter(T* out) const {
    const int64_t stride = c_.axis.stride, in = c_.axis.in;
    write_zeros(out);
    for (int64_t phase = 0; phase < c_.phases; phase++) {
      const int64_t column = c_.start + phase;  // of element 0
      for (int64_t i = column < 0 ? ceil_div(-column, stride) : 0; column + i * stride < in; i += W) {
        alignas(64) lane sums[W];
        store(sums, gather(phase, i));
        for (int64_t k = 0; k < W && column + (i + k) * stride < in; k++)
          out[column + (i + k) * stride] = convert<T>(sums[k]);
      }
    }
  }

  const pool_shape& s_;
  const pool_columns& c_;
  const pool_meeting* const (&windows_)[2];
  const memory& m_;
  Gradient gradient_;
  T *dx_, *plane_;
  bool is_streamed_;
  line_ring<lane> ring_;
  term* terms_;  // [tap][line]
  int64_t lines_ = 0;
};

// Where windows of two columns tile the plane, each input has one window: a line of outputs writes all lines that it
// covers, and nothing is kept.
template <class T, class Gradient>
class tile_filler {
 public:
  using V = vector_t<T>;
  using lane = typename V::lane;
  static constexpr int64_t W = V::width;

  static bool tile(const pool_shape& s, const pool_columns& columns) {
    for (const pool_axis& a : s.axis)
      if (a.size != a.stride || a.padding != 0 || a.dilation != 1 || a.in != a.out * a.stride) return false;
    return columns.is_pairs();
  }
  static int64_t size(const pool_shape& s) { return round_up(s.axis[2].out, W); }

  // `line` has room for size() of each part.
  tile_filler(const pool_shape& s, const Gradient& gradient, T* dx, lane* line)
      : s_(s), gradient_(gradient), dx_(dx), plane_(dx), line_(line), is_streamed_(is_streamed_result(dx, s)) {}
  ~tile_filler() {
    if (is_streamed_) stream_end();
  }

  void enter(int64_t plane) {
    plane_ = dx_ + plane * s_.inputs();
    gradient_.enter(plane);
  }

  void compute(int64_t d, int64_t h) {
    const auto& [a, b, c] = s_.axis;
    gradient_.prepare(d, h, line_, size(s_));
    for (int64_t i = 0; i < a.stride; i++) {
      for (int64_t j = 0; j < b.stride; j++) {
        const int64_t place = ((d * a.stride + i) * b.in + h * b.stride + j) * c.in;
        for (int64_t o = 0; o < c.out; o += W) {
          const V even = gradient_.add(V(lane(0)), line_ + o, size(s_), gradient_.target(place));
          const V odd = gradient_.add(V(lane(0)), line_ + o, size(s_), gradient_.target(place + 1));
          write_pairs(plane_ + place + 2 * o, even, odd, 2 * (c.out - o), is_streamed_);
        }
      }
    }
  }

 private:
  const pool_shape& s_;
  Gradient gradient_;
  T *dx_, *plane_;
  lane* line_;
  bool is_streamed_;
};

template <class T, class Gradient>
void gather_gradients(nr_context* ctx, const pool_shape& s, const pool_columns& columns, const Gradient& gradient,
                      nr_tensor& dx) {
  using gatherer = line_gatherer<T, Gradient>;
  using lane = typename gatherer::lane;
  const auto& [a, b, c] = s.axis;
  T* out = static_cast<T*>(dx.data);
  if (tile_filler<T, Gradient>::tile(s, columns)) {
    const int64_t size = tile_filler<T, Gradient>::size(s) * Gradient::parts;
    auto* lines = scratch<lane>(ctx, ctx->threads * size);
    if (!lines) return;
    return each_line(ctx, s.planes, a.out, b.out, a.stride * b.stride * c.in,
                     [&](int32_t thread) { return tile_filler<T, Gradient>(s, gradient, out, lines + thread * size); });
  }
  const typename gatherer::memory m(s, columns);
  const pool_meeting* const windows[2] = {windows_of_inputs(ctx, a), windows_of_inputs(ctx, b)};
  auto* lines = scratch<lane>(ctx, ctx->threads * m.total());
  auto* held = scratch<int64_t>(ctx, ctx->threads * m.lines);
  auto* terms = scratch<typename gatherer::term>(ctx, ctx->threads * m.lines * columns.taps);
  if (!windows[0] || !windows[1] || !lines || !held || !terms) return;
  each_line(ctx, s.planes, a.in, b.in, c.in, [&](int32_t thread) {
    return gatherer(s, columns, windows, m, gradient, out, lines + thread * m.total(), held + thread * m.lines,
                    terms + thread * m.lines * columns.taps);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
