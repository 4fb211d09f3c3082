// Long short-term memory (Hochreiter & Schmidhuber 1997): one direction of one layer. With i, f, o = sigmoid and
// g = tanh of x + h wᵀ: c' = f c + i g, h' = o tanh(c'). What the backward reads, in the type computed in: the
// activated gates [T, B, 4H] and c' [T, B, H].
#include "cpu/vmath.h"
// after vmath.h: formulas are written in its functions
#include "activation_formulas.h"
#include "cpu/recurrent_backward.h"
#include "cpu/recurrent_forward.h"

namespace neurite::NR_ISA {
namespace {

template <class Element>
struct lstm_forward_cell {
  using T = Element;
  using C = compute_t<T>;
  static constexpr int gates = 4;
  static constexpr bool has_cell = true;
  int64_t H;
  const T *x = nullptr, *c0 = nullptr;
  T *y = nullptr, *h = nullptr, *c = nullptr;
  C *activated = nullptr, *cells = nullptr;  // NULL: not wanted

  void start(int64_t b, C* state) const {
    if (c0) {
      convert_row(state, c0 + b * H, H);
    } else {
      clear(state, H);
    }
  }

  template <class Lanes>
  void advance(int64_t at, int64_t u, Lanes lanes, const C* sums, int64_t gate_stride, const C*, C* next,
               C* state) const {
    using V = vector_t<C>;
    const T* from_x = x + at * 4 * H + u;
    const auto gate = [&](int k) { return load<V>(from_x + k * H, lanes) + load<V>(sums + k * gate_stride, lanes); };
    const V i = sigmoid_formula(gate(0)), f = sigmoid_formula(gate(1)), g = tanh(gate(2)), o = sigmoid_formula(gate(3));
    const V cell = fma(f, load<V>(state, lanes), i * g), hidden = o * tanh(cell);
    store(state, cell, lanes);
    store(next, hidden, lanes);
    store(y + at * H + u, hidden, lanes);
    if (!activated) return;
    C* to = activated + at * 4 * H + u;
    store(to, i, lanes);
    store(to + H, f, lanes);
    store(to + 2 * H, g, lanes);
    store(to + 3 * H, o, lanes);
    store(cells + at * H + u, cell, lanes);
  }

  void foresee(int64_t at, int64_t u, fetch_list& lines) const {
    for (int k = 0; k < 4; k++) lines.add(x + (at * 4 + k) * H + u);
    lines.add(y + at * H + u);
    if (!activated) return;
    for (int k = 0; k < 4; k++) lines.add(activated + (at * 4 + k) * H + u);
    lines.add(cells + at * H + u);
  }

  void skip(int64_t at) const { clear(y + at * H, H); }

  void finish(int64_t b, int64_t at, const C* state) const {
    convert_row(h + b * H, y + at * H, H);
    convert_row(c + b * H, state, H);
  }
};

template <class Element>
struct lstm_backward_cell {
  using T = Element;
  using C = compute_t<T>;
  static constexpr int gates = 4;
  static constexpr bool has_carry = true, carries_h = false;  // the gradient of c
  int64_t H;
  const T *dc = nullptr, *c0 = nullptr;
  const C *activated = nullptr, *cells = nullptr;
  T *dx = nullptr, *dc0 = nullptr;  // dc0 may be NULL

  void start(int64_t b, C* carry) const {
    if (dc) {
      convert_row(carry, dc + b * H, H);
    } else {
      clear(carry, H);
    }
  }

  template <class Lanes, class V>
  void retreat(int64_t at, int64_t before, int64_t b, int64_t u, Lanes lanes, V dh, C* dgates, C* carry) const {
    const C* from = activated + at * 4 * H + u;
    const V i = load<V>(from, lanes), f = load<V>(from + H, lanes), g = load<V>(from + 2 * H, lanes),
            o = load<V>(from + 3 * H, lanes), one(C(1));
    const V squashed = tanh(load<V>(cells + at * H + u, lanes));
    const V previous = before >= 0 ? load<V>(cells + before * H + u, lanes)
                       : c0        ? load<V>(c0 + b * H + u, lanes)
                                   : V(C(0));
    const V dcell = load<V>(carry, lanes) + tanh_backward_formula(dh * o, squashed);
    const V d[] = {sigmoid_backward_formula(dcell * g, i), sigmoid_backward_formula(dcell * previous, f),
                   tanh_backward_formula(dcell * i, g), sigmoid_backward_formula(dh * squashed, o)};
    T* to = dx + at * 4 * H + u;
    for (int k = 0; k < 4; k++) {
      store(to + k * H, d[k], lanes);
      store(dgates + k * H, d[k], lanes);
    }
    store(carry, dcell * f, lanes);
  }

  void foresee(int64_t at, int64_t before, int64_t u, fetch_list& lines) const {
    for (int k = 0; k < 4; k++) {
      lines.add(activated + (at * 4 + k) * H + u);
      lines.add(dx + (at * 4 + k) * H + u);
    }
    if (before >= 0) lines.add(cells + before * H + u);
  }

  void skip(int64_t at) const { clear(dx + at * 4 * H, 4 * H); }

  void finish(int64_t b, const C* carry) const {
    if (dc0) convert_row(dc0 + b * H, carry, H);
  }
};

}  // namespace

void lstm(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* h0, const nr_optional* c0,
          const nr_optional* lengths, nr_tensor* y, nr_tensor* h, nr_tensor* c, nr_optional* gates, nr_optional* cells,
          bool reverse) {
  recurrence r = recurrence_of(ctx, *w, *y, reverse);
  if (!order_sequences(ctx, r, *lengths)) return;
  with_float_dtype(x->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    lstm_forward_cell<T> cell = {r.H};
    if (!read(ctx, *x, cell.x) || !read(ctx, *c0, cell.c0)) return;
    write(*y, cell.y), write(*h, cell.h), write(*c, cell.c), write(*gates, cell.activated), write(*cells, cell.cells);
    forward_walk(ctx, cell, r).run(*w, *h0);
  });
}

void lstm_backward(nr_context* ctx, const nr_optional* dy, const nr_optional* dh, const nr_optional* dc,
                   const nr_tensor* w, const nr_optional* c0, const nr_optional* lengths, const nr_tensor* gates,
                   const nr_tensor* cells, nr_tensor* dx, nr_optional* dh0, nr_optional* dc0, bool reverse) {
  recurrence r = recurrence_of(ctx, *w, *dx, reverse);
  if (!order_sequences(ctx, r, *lengths)) return;
  with_float_dtype(dx->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    lstm_backward_cell<T> cell = {r.H};
    const T *dy_data, *dh_data;
    T* dh0_data;
    if (!read(ctx, *dy, dy_data) || !read(ctx, *dh, dh_data) || !read(ctx, *dc, cell.dc) || !read(ctx, *c0, cell.c0) ||
        !read(ctx, *gates, cell.activated) || !read(ctx, *cells, cell.cells))
      return;
    write(*dx, cell.dx), write(*dh0, dh0_data), write(*dc0, cell.dc0);
    backward_walk(ctx, cell, r, dy_data, dh_data, dh0_data).run(*w);
  });
}

}  // namespace neurite::NR_ISA
