// The walk of a recurrent layer through time. Per step and unit block the product of state and weights stays in the
// first-level cache until the cell has turned it, with what the input contributes, into the next state. A cell is
//   using T, C;                      elements of the tensors, and what they are computed in
//   static constexpr int gates;      matrices of weights
//   static constexpr bool has_cell;  there is a second state (the c of an LSTM) beside h
//   void start(int64_t b, C* c)      the second state to start from
//   void advance(int64_t at, int64_t u, lanes, const C* sums, int64_t gate_stride, const C* h, C* next, C* c)
//       one vector of units from u on; `at` counts sequences [T, B], the other pointers are at unit u
//   void foresee(int64_t at, int64_t u, fetch_list& lines)    what advance will read and write
//   void skip(int64_t at)            the outputs beyond a sequence's end
//   void finish(int64_t b, int64_t at, const C* c)    the final states; the last step was `at`
#pragma once
#include "cpu/recurrent_product.h"

namespace neurite::NR_ISA {
namespace {

template <class Cell>
class forward_walk {
  using C = typename Cell::C;
  using V = vector_t<C>;
  static constexpr int gates = Cell::gates;
  static constexpr int64_t unit_block = tile_columns<C>;

 public:
  forward_walk(nr_context* ctx, const Cell& cell, const recurrence& r) : ctx_(ctx), cell_(cell), r_(r) {}

  void run(const nr_tensor& w, const nr_optional& h0) {
    const C* weights = elements<C>(ctx_, w);
    const C* start = h0.present ? elements<C>(ctx_, h0.tensor) : nullptr;
    if (!weights || (h0.present && !start)) return;
    if (r_.is_packed) {
      walk_blocks(weights, start);
    } else {
      walk_products(weights, start);
    }
  }

 private:
  // The sequences at `rows` places from `place` on. The states of two steps take turns.
  struct block_state {
    int64_t place, rows;
    state_rows<C> h[2];
    C* c;
  };

  int64_t stride() const { return round_up(r_.H, 16); }

  int64_t state_size(int64_t rows) const { return rows * stride() * (Cell::has_cell ? 4 : 3); }

  block_state start_block(int64_t place, int64_t rows, C* memory, const C* h0) const {
    const int64_t size = rows * stride();
    block_state s = {place,
                     rows,
                     {{memory, stride(), memory + 2 * size}, {memory + size, stride(), memory + 2 * size}},
                     memory + 3 * size};
    for (int64_t i = 0; i < rows; i++) {
      const int64_t b = r_.sequence(place + i);
      for (const state_rows<C>& h : s.h) {
        if (h0) {
          convert_row(h.at + i * stride(), h0 + b * r_.H, r_.H);
        } else {
          clear(h.at + i * stride(), r_.H);
        }
      }
      if constexpr (Cell::has_cell) cell_.start(b, s.c + i * stride());
    }
    return s;
  }

  // `count` units of one sequence from u on.
  void advance(const block_state& s, int64_t step, int64_t t, int64_t i, int64_t u, int64_t count, const C* sums,
               int64_t gate_stride) const {
    const int64_t at = t * r_.B + r_.sequence(s.place + i), offset = i * stride() + u;
    const C* h = s.h[step & 1].at + offset;
    C* next = s.h[(step + 1) & 1].at + offset;
    C* c = s.c + offset;
    each_vector<V>(count, [&](int64_t j, auto lanes) {
      cell_.advance(at, u + j, lanes, sums + j, gate_stride, h + j, next + j, c + j);
    });
  }

  void skip(const block_state& s, int64_t running, int64_t t) const {
    for (int64_t i = running; i < s.rows; i++) cell_.skip(t * r_.B + r_.sequence(s.place + i));
  }

  void finish(const block_state& s) const {
    for (int64_t i = 0; i < s.rows; i++) {
      const int64_t b = r_.sequence(s.place + i);
      cell_.finish(b, r_.last_time(b) * r_.B + b, s.c + i * stride());
    }
  }

  void walk_units(const block_state& s, const recurrent_weights<C>& w, int64_t step, int64_t t, int64_t running,
                  bool has_state, int64_t first_block, int64_t last_block) const {
    alignas(64) C sums[recurrent_rows * gates * unit_block];
    fetch_list lines;
    const int64_t row = gates * unit_block;
    if (!has_state) clear(sums, running * row);
    for (int64_t n = first_block; n < last_block; n++) {
      // There and back: a step begins with the weights that the one before has left in the caches.
      const int64_t block = step & 1 ? first_block + last_block - 1 - n : n;
      const int64_t u = block * unit_block, count = smaller(unit_block, r_.H - u);
      for (int64_t i = 0; i < running; i++) cell_.foresee(t * r_.B + r_.sequence(s.place + i), u, lines);
      if (has_state) {
        multiply_state(s.h[step & 1], running, w, block, sums, lines);
      } else {
        lines.fetch_rest();
      }
      for (int64_t i = 0; i < running; i++) advance(s, step, t, i, u, count, sums + i * row, unit_block);
    }
  }

  void walk_blocks(const C* weights, const C* h0) {
    recurrent_weights<C> w = {weights, gates, r_.H * r_.H, 1, r_.H, r_.H, r_.H};
    const int64_t size = round_up(state_size(ceil_div(r_.B, r_.blocks)), 16);
    C* memory = scratch<C>(ctx_, size * ctx_->threads);
    if (!memory || !w.pack(ctx_)) return;
    each_block(ctx_, r_, [&](int64_t block, int32_t thread) {
      const int64_t place = r_.first_place(block), rows = r_.first_place(block + 1) - place;
      const block_state s = start_block(place, rows, memory + thread * size, h0);
      for (int64_t step = 0; step < r_.T; step++) {
        const int64_t t = r_.reverse ? r_.T - 1 - step : step, running = r_.running(place, rows, t);
        const bool has_state = h0 || step > 0;
        skip(s, running, t);
        if (running == 0) continue;
        s.h[step & 1].pack(running, r_.H);
        const int64_t tasks = smaller(r_.unit_tasks, w.unit_blocks());
        if (tasks == 1) {
          walk_units(s, w, step, t, running, has_state, 0, w.unit_blocks());
        } else {
          parallel_tasks(ctx_, tasks, [&](int64_t task, int32_t) {
            walk_units(s, w, step, t, running, has_state, task * w.unit_blocks() / tasks,
                       (task + 1) * w.unit_blocks() / tasks);
          });
        }
      }
      finish(s);
    });
  }

  // A step or two: each is a matrix product over the whole batch and then the cells.
  void walk_products(const C* weights, const C* h0) {
    const int64_t row = gates * r_.H;
    C* memory = scratch<C>(ctx_, state_size(r_.B));
    C* sums = scratch<C>(ctx_, r_.B * row);
    if (!memory || !sums) return;
    const block_state s = start_block(0, r_.B, memory, h0);
    for (int64_t step = 0; step < r_.T; step++) {
      const int64_t t = r_.reverse ? r_.T - 1 - step : step, running = r_.running(0, r_.B, t);
      if (h0 || step > 0) {
        multiply_whole(ctx_, s.h[step & 1].at, running, r_.H, stride(), weights, row, true, sums);
      } else {
        clear(sums, running * row);
      }
      skip(s, running, t);
      parallel_range(ctx_, running, larger(1, 8192 / larger(1, row)), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) advance(s, step, t, i, 0, r_.H, sums + i * row, r_.H);
      });
    }
    finish(s);
  }

  nr_context* ctx_;
  const Cell& cell_;
  const recurrence& r_;
};

}  // namespace
}  // namespace neurite::NR_ISA
