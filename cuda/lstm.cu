// Long short-term memory (Hochreiter & Schmidhuber 1997): one direction of one layer. With i, f, o = sigmoid and
// g = tanh of x + h wᵀ: c' = f c + i g, h' = o tanh(c'). What the backward reads, in the type computed in: the
// activated gates [T, B, 4H] and c' [T, B, H]. A step reads the weights, 4 H² elements, mostly from the second-level
// cache, and does 8 B H² operations; c stays in the type computed in, in memory of the command.
#include "recurrent.h"

namespace neurite::cuda {
namespace {

template <class T>
struct LstmForward {
  using C = compute_of<T>;
  static constexpr int gates = 4;
  const T *x, *c0;  // c0 may be NULL
  C* state;         // [B, H]
  T *h, *c;
  C *activated, *cells;  // NULL: not wanted

  __device__ T advance(const Sequences& s, int64_t at, int64_t b, int64_t u, bool begins, const C* sums, C) const {
    const T* from = x + at * 4 * s.H + u;
    const C i = sigmoid_formula(computed(from[0]) + sums[0]), f = sigmoid_formula(computed(from[s.H]) + sums[1]);
    const C g = tanh(computed(from[2 * s.H]) + sums[2]), o = sigmoid_formula(computed(from[3 * s.H]) + sums[3]);
    const int64_t n = b * s.H + u;
    const C cell = f * (begins ? (c0 ? computed(c0[n]) : C(0)) : state[n]) + i * g;
    state[n] = cell;
    if (activated) {
      C* to = activated + at * 4 * s.H + u;
      to[0] = i;
      to[s.H] = f;
      to[2 * s.H] = g;
      to[3 * s.H] = o;
      cells[at * s.H + u] = cell;
    }
    return convert<T>(o * tanh(cell));
  }
  __device__ void finish(int64_t n, T hidden) const {
    h[n] = hidden;
    c[n] = convert<T>(state[n]);
  }
};

template <class T>
struct LstmBackward {
  using C = compute_of<T>;
  static constexpr bool carries_h = false;  // the carry is the gradient of c
  const T *dc, *c0;                         // may be NULL
  const C *activated, *cells;
  T *dx, *dc0;  // dc0 may be NULL
  C* carried;   // [B, H]

  __device__ C carry(int64_t n, bool ends) const { return !ends ? carried[n] : dc ? computed(dc[n]) : C(0); }

  __device__ void retreat(const Sequences& s, int64_t at, int64_t before, int64_t b, int64_t u, C dh, C dc_here) const {
    const C* from = activated + at * 4 * s.H + u;
    const C i = from[0], f = from[s.H], g = from[2 * s.H], o = from[3 * s.H], squashed = tanh(cells[at * s.H + u]);
    const int64_t n = b * s.H + u;
    const C previous = before >= 0 ? cells[before * s.H + u] : c0 ? computed(c0[n]) : C(0);
    const C dcell = dc_here + tanh_backward_formula(dh * o, squashed);
    T* to = dx + at * 4 * s.H + u;
    to[0] = convert<T>(sigmoid_backward_formula(dcell * g, i));
    to[s.H] = convert<T>(sigmoid_backward_formula(dcell * previous, f));
    to[2 * s.H] = convert<T>(tanh_backward_formula(dcell * i, g));
    to[3 * s.H] = convert<T>(sigmoid_backward_formula(dh * squashed, o));
    carried[n] = dcell * f;
  }
  __device__ void skip(const Sequences& s, int64_t at, int64_t u) const {
    for (int k = 0; k < 4; k++) dx[at * 4 * s.H + k * s.H + u] = convert<T>(C(0));
  }
  __device__ void finish(int64_t n, C carry) const {
    if (dc0) dc0[n] = convert<T>(carry);
  }
};

}  // namespace

void lstm(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* h0, const nr_optional* c0,
          const nr_optional* lengths, nr_tensor* y, nr_tensor* h, nr_tensor* c, nr_optional* gates, nr_optional* cells,
          bool reverse) {
  const Sequences s = sequences_of(ctx, *w, *y, *lengths, reverse);
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    using C = compute_of<T>;
    LstmForward<T> cell = {};
    cell.state = state_memory<C>(ctx, s);
    if (!cell.state || !read(ctx, *x, cell.x) || !read(ctx, *c0, cell.c0)) return;
    cell.h = static_cast<T*>(h->data);
    cell.c = static_cast<T*>(c->data);
    cell.activated = elements_of<C>(*gates);
    cell.cells = elements_of<C>(*cells);
    walk_forward<T>(ctx, s, cell, *w, *h0, *y);
  });
}

void lstm_backward(nr_context* ctx, const nr_optional* dy, const nr_optional* dh, const nr_optional* dc,
                   const nr_tensor* w, const nr_optional* c0, const nr_optional* lengths, const nr_tensor* gates,
                   const nr_tensor* cells, nr_tensor* dx, nr_optional* dh0, nr_optional* dc0, bool reverse) {
  const Sequences s = sequences_of(ctx, *w, *dx, *lengths, reverse);
  dispatch(floating_types{}, dx->dtype, [&]<class T>() {
    using C = compute_of<T>;
    LstmBackward<T> cell = {};
    cell.carried = state_memory<C>(ctx, s);
    if (!cell.carried || !read(ctx, *dc, cell.dc) || !read(ctx, *c0, cell.c0) || !read(ctx, *gates, cell.activated) ||
        !read(ctx, *cells, cell.cells))
      return;
    cell.dx = static_cast<T*>(dx->data);
    cell.dc0 = elements_of<T>(*dc0);
    walk_backward<T>(ctx, s, cell, *w, *dy, *dh, *dh0, cell.dx, dh0->present || dc0->present);
  });
}

}  // namespace neurite::cuda
