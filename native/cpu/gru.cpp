// Gated recurrent unit (Cho et al. 2014): one direction of one layer. With r, z = sigmoid(x + h wᵀ), q = h wₙᵀ + b and
// n = tanh(xₙ + r q): h' = (1 - z) n + z h. What the backward reads, in the type computed in: r, z, n and q [T, B, 4H].
// It gives the gradients of r, z, n before their activation as dx, and that of q apart.
#include "cpu/vmath.h"
// after vmath.h: formulas are written in its functions
#include "activation_formulas.h"
#include "cpu/recurrent_backward.h"
#include "cpu/recurrent_forward.h"

namespace neurite::NR_ISA {
namespace {

template <class Element>
struct gru_forward_cell {
  using T = Element;
  using C = compute_t<T>;
  static constexpr int gates = 3;
  static constexpr bool has_cell = false;
  int64_t H;
  const T *x = nullptr, *b = nullptr;
  T *y = nullptr, *h = nullptr;
  C* activated = nullptr;  // NULL: not wanted

  template <class Lanes>
  void advance(int64_t at, int64_t u, Lanes lanes, const C* sums, int64_t gate_stride, const C* state, C* next,
               C*) const {
    using V = vector_t<C>;
    const T* from_x = x + at * 3 * H + u;
    const V r = sigmoid_formula(load<V>(from_x, lanes) + load<V>(sums, lanes));
    const V z = sigmoid_formula(load<V>(from_x + H, lanes) + load<V>(sums + gate_stride, lanes));
    const V product = load<V>(sums + 2 * gate_stride, lanes), q = b ? product + load<V>(b + u, lanes) : product;
    const V n = tanh(fma(r, q, load<V>(from_x + 2 * H, lanes)));
    const V hidden = fma(z, load<V>(state, lanes) - n, n);
    store(next, hidden, lanes);
    store(y + at * H + u, hidden, lanes);
    if (!activated) return;
    C* to = activated + at * 4 * H + u;
    store(to, r, lanes);
    store(to + H, z, lanes);
    store(to + 2 * H, n, lanes);
    store(to + 3 * H, q, lanes);
  }

  void foresee(int64_t at, int64_t u, fetch_list& lines) const {
    for (int k = 0; k < 3; k++) lines.add(x + (at * 3 + k) * H + u);
    lines.add(y + at * H + u);
    if (!activated) return;
    for (int k = 0; k < 4; k++) lines.add(activated + (at * 4 + k) * H + u);
  }

  void skip(int64_t at) const { clear(y + at * H, H); }

  void finish(int64_t sequence, int64_t at, const C*) const { convert_row(h + sequence * H, y + at * H, H); }
};

template <class Element>
struct gru_backward_cell {
  using T = Element;
  using C = compute_t<T>;
  static constexpr int gates = 3;
  static constexpr bool has_carry = true, carries_h = true;  // what reaches h past the candidate: dh z
  int64_t H;
  const T *y = nullptr, *h0 = nullptr;
  const C* activated = nullptr;
  T *dx = nullptr, *dq = nullptr;

  void start(int64_t, C* carry) const { clear(carry, H); }

  template <class Lanes, class V>
  void retreat(int64_t at, int64_t before, int64_t b, int64_t u, Lanes lanes, V dh, C* dgates, C* carry) const {
    const C* from = activated + at * 4 * H + u;
    const V r = load<V>(from, lanes), z = load<V>(from + H, lanes), n = load<V>(from + 2 * H, lanes),
            q = load<V>(from + 3 * H, lanes);
    const V previous = before >= 0 ? load<V>(y + before * H + u, lanes) : h0 ? load<V>(h0 + b * H + u, lanes) : V(C(0));
    const V dn = tanh_backward_formula(dh * (V(C(1)) - z), n);
    const V dr = sigmoid_backward_formula(dn * q, r), dz = sigmoid_backward_formula(dh * (previous - n), z);
    const V dproduct = dn * r;
    T* to = dx + at * 3 * H + u;
    store(to, dr, lanes);
    store(to + H, dz, lanes);
    store(to + 2 * H, dn, lanes);
    store(dq + at * H + u, dproduct, lanes);
    store(dgates, dr, lanes);
    store(dgates + H, dz, lanes);
    store(dgates + 2 * H, dproduct, lanes);
    store(carry, dh * z, lanes);
  }

  void foresee(int64_t at, int64_t before, int64_t u, fetch_list& lines) const {
    for (int k = 0; k < 4; k++) lines.add(activated + (at * 4 + k) * H + u);
    for (int k = 0; k < 3; k++) lines.add(dx + (at * 3 + k) * H + u);
    lines.add(dq + at * H + u);
    if (before >= 0) lines.add(y + before * H + u);
  }

  void skip(int64_t at) const {
    clear(dx + at * 3 * H, 3 * H);
    clear(dq + at * H, H);
  }

  void finish(int64_t, const C*) const {}
};

}  // namespace

void gru(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* b, const nr_optional* h0,
         const nr_optional* lengths, nr_tensor* y, nr_tensor* h, nr_optional* gates, bool reverse) {
  recurrence r = recurrence_of(ctx, *w, *y, reverse);
  if (!order_sequences(ctx, r, *lengths)) return;
  with_float_dtype(x->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    gru_forward_cell<T> cell = {r.H};
    if (!read(ctx, *x, cell.x) || !read(ctx, *b, cell.b)) return;
    write(*y, cell.y), write(*h, cell.h), write(*gates, cell.activated);
    forward_walk(ctx, cell, r).run(*w, *h0);
  });
}

void gru_backward(nr_context* ctx, const nr_optional* dy, const nr_optional* dh, const nr_tensor* w,
                  const nr_optional* h0, const nr_optional* lengths, const nr_tensor* y, const nr_tensor* gates,
                  nr_tensor* dx, nr_tensor* dq, nr_optional* dh0, bool reverse) {
  recurrence r = recurrence_of(ctx, *w, *y, reverse);
  if (!order_sequences(ctx, r, *lengths)) return;
  with_float_dtype(dx->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    gru_backward_cell<T> cell = {r.H};
    const T *dy_data, *dh_data;
    T* dh0_data;
    if (!read(ctx, *dy, dy_data) || !read(ctx, *dh, dh_data) || !read(ctx, *h0, cell.h0) || !read(ctx, *y, cell.y) ||
        !read(ctx, *gates, cell.activated))
      return;
    write(*dx, cell.dx), write(*dq, cell.dq), write(*dh0, dh0_data);
    backward_walk(ctx, cell, r, dy_data, dh_data, dh0_data).run(*w);
  });
}

}  // namespace neurite::NR_ISA
