// How [B, C, S] is cut for work per channel. A piece is small enough to stay in cache while it is read twice, and
// gives one partial result per channel it touches. There are two kinds with one interface, so that a kernel's formula
// is written once:
//   planes   S is long: a piece belongs to one channel and walks its planes along S;
//   columns  S is short (S = 1: rows of features): a piece is a vector of neighbouring columns of [B, C * S] and walks
//            down a block of rows, a lane per column.
// In a piece, parameter(p) is the vector of p[channel], and `at` is the offset of a vector in x, y, dy or dx.
#pragma once
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/row.h"

namespace neurite::NR_ISA {
namespace {

template <class V>
struct PlanePiece {
  using C = typename V::lane;
  int64_t channel, slot;          // slot: where this piece's partials go
  int64_t first, runs, run_step;  // offsets of the runs: first + r * run_step
  int64_t length;

  V count() const { return V(static_cast<C>(runs * length)); }
  V parameter(const C* p) const { return V(p[channel]); }
  void put(C* partials, V v) const {
    C lanes[V::width];
    store(lanes, v);
    partials[slot] = lanes[0];
  }
  // f(at, lanes)
  template <class F>
  void each(const F& f) const {
    for (int64_t r = 0; r < runs; r++)
      each_vector<V>(length, [&](int64_t i, auto lanes) { f(first + r * run_step + i, lanes); });
  }
  // Sums of t[k], where term(at, lanes, t) sets t.
  template <int sums, class Term>
  void sum(V (&out)[sums], const Term& term) const {
    RowSum<V, sums> sum;
    for (int64_t r = 0; r < runs; r++) {
      sum.add(length, [&](int64_t i, auto lanes, V(&t)[sums]) {
        term(first + r * run_step + i, lanes, t);
        for (V& v : t) v = fill_tail(v, V(0), lanes);
      });
    }
    for (int k = 0; k < sums; k++) out[k] = V(static_cast<C>(sum.total(k)));
  }
};

template <class V, class Lanes>
struct ColumnPiece {
  using C = typename V::lane;
  int64_t column, slot;
  int64_t first, rows, row_step;
  Lanes lanes;

  V count() const { return V(static_cast<C>(rows)); }
  V parameter(const C* p) const { return load<V>(p + column, lanes); }
  void put(C* partials, V v) const { store(partials + slot, v, lanes); }
  template <class F>
  void each(const F& f) const {
    for (int64_t r = 0; r < rows; r++) f(first + r * row_step, lanes);
  }
  template <int sums, class Term>
  void sum(V (&out)[sums], const Term& term) const {
    constexpr int ways = 4;
    V partial[ways][sums];
    for (auto& way : partial)
      for (V& p : way) p = V(0);
    int64_t r = 0;
    const auto add = [&](int way) {
      V t[sums];
      term(first + r * row_step, lanes, t);
      for (int k = 0; k < sums; k++) partial[way][k] = partial[way][k] + t[k];
      r++;
    };
    while (r + ways <= rows)
      for (int way = 0; way < ways; way++) add(way);
    while (r < rows) add(0);
    for (int k = 0; k < sums; k++) out[k] = (partial[0][k] + partial[1][k]) + (partial[2][k] + partial[3][k]);
  }
};

template <class V>
class Pieces {
 public:
  using C = typename V::lane;

  explicit Pieces(const nr_tensor& x)
      : batch_(x.shape[0]), channels_(x.shape[1]), size_(x.shape[2]), planes_(size_ >= 16) {
    if (planes_) {
      segment_ = size_ < plane_elements ? size_ : plane_elements;
      segments_ = (size_ + segment_ - 1) / segment_;
      span_ = segments_ > 1 ? 1 : plane_elements / size_;
    } else {
      span_ = block_rows;
    }
    spans_ = (batch_ + span_ - 1) / span_;
  }

  int64_t channels() const { return channels_; }
  int64_t count() const { return batch_ * size_; }  // elements per channel
  // How many numbers one partial result takes.
  int64_t partials() const { return planes_ ? channels_ * spans_ * segments_ : spans_ * channels_ * size_; }
  // How many numbers parameter() can reach.
  int64_t parameters() const { return planes_ ? channels_ : channels_ * size_; }

  // Lays a channel's number out as parameter() reads it; out has parameters() elements.
  void spread(int64_t channel, C value, C* out) const {
    const int64_t repeat = planes_ ? 1 : size_;
    for (int64_t s = 0; s < repeat; s++) out[channel * repeat + s] = value;
  }

  // f(slot, elements) for every partial of a channel, in a fixed order.
  template <class F>
  void each_partial(int64_t channel, const F& f) const {
    if (planes_) {
      for (int64_t k = 0; k < spans_; k++)
        for (int64_t g = 0; g < segments_; g++) f((channel * spans_ + k) * segments_ + g, span(k) * segment_length(g));
    } else {
      for (int64_t k = 0; k < spans_; k++)
        for (int64_t s = 0; s < size_; s++) f((k * channels_ + channel) * size_ + s, span(k));
    }
  }

  // body(piece) for all of x, in parallel.
  template <class Body>
  void run(nr_context* ctx, const Body& body) const {
    if (channels_ * size_ == 0) return;
    planes_ ? run_planes(ctx, body) : run_columns(ctx, body);
  }

  // first(piece) for all of x, then between(channel), then second(piece), in parallel. Where enough channels are small
  // enough they are taken one by one, and `second` finds what `first` read of its `arrays` arrays in the cache.
  template <class First, class Between, class Second>
  void run_twice(nr_context* ctx, int64_t arrays, const First& first, const Between& between,
                 const Second& second) const {
    const int64_t pieces = spans_ * segments_;
    if (planes_ && channels_ >= 16 && count() * arrays <= cached_elements) {
      parallel_range(ctx, channels_, 2 * plane_elements / (count() + 1) + 1, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++) {
          for (int64_t k = 0; k < pieces; k++) first(plane_piece(c * pieces + k));
          between(c);
          for (int64_t k = 0; k < pieces; k++) second(plane_piece(c * pieces + k));
        }
        stream_end();
      });
      return;
    }
    run(ctx, first);
    for (int64_t c = 0; c < channels_; c++) between(c);
    run(ctx, second);
  }

 private:
  static constexpr int64_t plane_elements = 8192, block_rows = 256, column_vectors = 8, cached_elements = 1 << 18;

  PlanePiece<V> plane_piece(int64_t slot) const {
    const int64_t g = slot % segments_, k = slot / segments_ % spans_, channel = slot / segments_ / spans_;
    const int64_t first = (k * span_ * channels_ + channel) * size_ + g * segment_;
    return {channel, slot, first, span(k), channels_ * size_, segment_length(g)};
  }

  int64_t span(int64_t k) const { return k + 1 < spans_ ? span_ : batch_ - k * span_; }
  int64_t segment_length(int64_t g) const { return g + 1 < segments_ ? segment_ : size_ - g * segment_; }

  template <class Body>
  void run_planes(nr_context* ctx, const Body& body) const {
    parallel_tasks(ctx, partials(), [&](int64_t slot, int32_t) {
      body(plane_piece(slot));
      stream_end();
    });
  }

  template <class Body>
  void run_columns(nr_context* ctx, const Body& body) const {
    const int64_t width = channels_ * size_, wide = column_vectors * V::width, groups = (width + wide - 1) / wide;
    parallel_tasks(ctx, spans_ * groups, [&](int64_t task, int32_t) {
      const int64_t k = task / groups, begin = task % groups * wide;
      const int64_t end = begin + wide < width ? begin + wide : width;
      each_vector<V>(end - begin, [&](int64_t i, auto lanes) {
        const int64_t column = begin + i;
        body(ColumnPiece<V, decltype(lanes)>{column, k * width + column, k * span_ * width + column, span(k), width,
                                             lanes});
      });
    });
  }

  int64_t batch_, channels_, size_;
  bool planes_;
  int64_t segment_ = 1, segments_ = 1;  // a plane is cut into segments
  int64_t span_, spans_;                // the batch is cut into spans
};

}  // namespace
}  // namespace neurite::NR_ISA
