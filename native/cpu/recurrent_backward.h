// The walk back through time: what reaches a state from its later step is the product of that step's gate gradients and
// the weights; per unit block it stays in the first-level cache until the cell has turned it, with the gradient of the
// output, into the gate gradients of this step. A cell is
//   using T, C;                       elements of the tensors, and what they are computed in
//   static constexpr int gates;       matrices of weights
//   static constexpr bool has_carry;  something goes from step to step beside that product
//   static constexpr bool carries_h;  and adds to the gradient of h
//   void start(int64_t b, C* carry)
//   void retreat(int64_t at, int64_t before, int64_t b, int64_t u, lanes, V dh, C* dgates, C* carry)
//       one vector of units from u on; `at` and `before`, the step before it in time (-1: none), count sequences [T,
//       B]; the last two pointers are at unit u; dgates, H apart, is what the next product takes
//   void foresee(int64_t at, int64_t before, int64_t u, fetch_list& lines)    what retreat will read and write
//   void skip(int64_t at)             the gradients beyond a sequence's end
//   void finish(int64_t b, const C* carry)
#pragma once
#include "cpu/recurrent_product.h"

namespace neurite::NR_ISA {
namespace {

template <class Cell>
class backward_walk {
  using T = typename Cell::T;
  using C = typename Cell::C;
  using V = vector_t<C>;
  static constexpr int gates = Cell::gates;
  static constexpr int64_t unit_block = tile_columns<C>;

 public:
  // Gradients of the outputs, of the final h and, to be computed, of the first h; each may be NULL.
  backward_walk(nr_context* ctx, const Cell& cell, const recurrence& r, const T* dy, const T* dh, T* dh0)
      : ctx_(ctx), cell_(cell), r_(r), dy_(dy), dh_(dh), dh0_(dh0) {}

  void run(const nr_tensor& w) {
    const C* weights = elements<C>(ctx_, w);
    if (!weights) return;
    if (r_.is_packed) {
      walk_blocks(weights);
    } else {
      walk_products(weights);
    }
  }

 private:
  // The sequences at `rows` places from `place` on. The gate gradients of two steps take turns.
  struct block_state {
    int64_t place, rows;
    state_rows<C> dgates[2];
    C* carry;
  };

  // One step: time t, how many sequences run at it and how many at the step before (later in time, if not reversed),
  // and for how many something is left to do: the first h of those that end here has its gradient.
  struct moment {
    int64_t step, t, running, arriving, rows;
  };

  int64_t stride() const { return round_up(gates * r_.H, 16); }
  int64_t carry_stride() const { return round_up(r_.H, 16); }

  int64_t state_size(int64_t rows) const { return rows * (3 * stride() + (Cell::has_carry ? carry_stride() : 0)); }

  block_state start_block(int64_t place, int64_t rows, C* memory) const {
    const int64_t size = rows * stride();
    const block_state s = {place,
                           rows,
                           {{memory, stride(), memory + 2 * size}, {memory + size, stride(), memory + 2 * size}},
                           memory + 3 * size};
    if constexpr (Cell::has_carry)
      for (int64_t i = 0; i < rows; i++) cell_.start(r_.sequence(place + i), s.carry + i * carry_stride());
    return s;
  }

  moment moment_at(const block_state& s, int64_t step, int64_t arriving) const {
    const int64_t t = r_.reverse ? step : r_.T - 1 - step;
    const int64_t running = step < r_.T ? r_.running(s.place, s.rows, t) : 0;
    return {step, t, running, dh0_ ? arriving : smaller(arriving, running), dh0_ ? larger(arriving, running) : running};
  }

  // Where in [T, B] the sequence's step before this one is, -1 if there is none.
  int64_t place_before(const moment& m, int64_t b) const {
    return m.t == r_.first_time(b) ? -1 : (m.t + (r_.reverse ? 1 : -1)) * r_.B + b;
  }

  // `count` units of one sequence from u on; sums: what arrives at them.
  void retreat(const block_state& s, const moment& m, int64_t i, int64_t u, int64_t count, const C* sums) const {
    const int64_t b = r_.sequence(s.place + i), at = m.t * r_.B + b;
    C* dgates = s.dgates[(m.step + 1) & 1].at + i * stride() + u;
    C* carry = s.carry + i * carry_stride() + u;
    each_vector<V>(count, [&](int64_t j, auto lanes) {
      V dh = i < m.arriving ? load<V>(sums + j, lanes) : dh_ ? load<V>(dh_ + b * r_.H + u + j, lanes) : V(C(0));
      if constexpr (Cell::carries_h) dh = dh + load<V>(carry + j, lanes);
      if (i >= m.running) return store(dh0_ + b * r_.H + u + j, dh, lanes);
      if (dy_) dh = dh + load<V>(dy_ + at * r_.H + u + j, lanes);
      cell_.retreat(at, place_before(m, b), b, u + j, lanes, dh, dgates + j, carry + j);
    });
  }

  void skip(const block_state& s, const moment& m) const {
    if (m.step == r_.T) return;
    for (int64_t i = m.running; i < s.rows; i++) cell_.skip(m.t * r_.B + r_.sequence(s.place + i));
  }

  void finish(const block_state& s) const {
    if constexpr (Cell::has_carry)
      for (int64_t i = 0; i < s.rows; i++) cell_.finish(r_.sequence(s.place + i), s.carry + i * carry_stride());
  }

  void walk_units(const block_state& s, const recurrent_weights<C>& w, const moment& m, int64_t first_block,
                  int64_t last_block) const {
    alignas(64) C sums[recurrent_rows * unit_block];
    fetch_list lines;
    for (int64_t n = first_block; n < last_block; n++) {
      // There and back: a step begins with the weights that the one before has left in the caches.
      const int64_t block = m.step & 1 ? first_block + last_block - 1 - n : n;
      const int64_t u = block * unit_block, count = smaller(unit_block, r_.H - u);
      for (int64_t i = 0; i < m.running; i++) {
        const int64_t b = r_.sequence(s.place + i), at = m.t * r_.B + b;
        lines.add(dy_ ? dy_ + at * r_.H + u : dy_);
        cell_.foresee(at, place_before(m, b), u, lines);
      }
      if (m.arriving > 0) {
        multiply_state(s.dgates[m.step & 1], m.arriving, w, block, sums, lines);
      } else {
        lines.fetch_rest();
      }
      for (int64_t i = 0; i < m.rows; i++) retreat(s, m, i, u, count, sums + i * unit_block);
    }
  }

  void walk_blocks(const C* weights) {
    recurrent_weights<C> w = {weights, 1, 0, r_.H, 1, r_.H, gates * r_.H};
    const int64_t size = round_up(state_size(ceil_div(r_.B, r_.blocks)), 16);
    C* memory = scratch<C>(ctx_, size * ctx_->threads);
    if (!memory || !w.pack(ctx_)) return;
    each_block(ctx_, r_, [&](int64_t block, int32_t thread) {
      const int64_t place = r_.first_place(block), rows = r_.first_place(block + 1) - place;
      const block_state s = start_block(place, rows, memory + thread * size);
      for (int64_t step = 0, arriving = 0; step <= r_.T; step++) {
        const moment m = moment_at(s, step, arriving);
        skip(s, m);
        arriving = m.running;
        if (m.rows == 0) continue;
        s.dgates[step & 1].pack(m.arriving, w.depth);
        const int64_t tasks = smaller(r_.unit_tasks, w.unit_blocks());
        if (tasks == 1) {
          walk_units(s, w, m, 0, w.unit_blocks());
        } else {
          parallel_tasks(ctx_, tasks, [&](int64_t task, int32_t) {
            walk_units(s, w, m, task * w.unit_blocks() / tasks, (task + 1) * w.unit_blocks() / tasks);
          });
        }
      }
      finish(s);
    });
  }

  // A step or two: each is a matrix product over the whole batch and then the cells.
  void walk_products(const C* weights) {
    C* memory = scratch<C>(ctx_, state_size(r_.B));
    C* sums = scratch<C>(ctx_, r_.B * r_.H);
    if (!memory || !sums) return;
    const block_state s = start_block(0, r_.B, memory);
    for (int64_t step = 0, arriving = 0; step <= r_.T; step++) {
      const moment m = moment_at(s, step, arriving);
      skip(s, m);
      arriving = m.running;
      if (m.arriving > 0)
        multiply_whole(ctx_, s.dgates[step & 1].at, m.arriving, gates * r_.H, stride(), weights, r_.H, false, sums);
      parallel_range(ctx_, m.rows, larger(1, 8192 / larger(1, gates * r_.H)), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) retreat(s, m, i, 0, r_.H, sums + i * r_.H);
      });
    }
    finish(s);
  }

  nr_context* ctx_;
  const Cell& cell_;
  const recurrence& r_;
  const T* dy_;
  const T* dh_;
  T* dh0_;
};

}  // namespace
}  // namespace neurite::NR_ISA
