// Gated recurrent unit (Cho et al. 2014): one direction of one layer. With r, z = sigmoid(x + h wᵀ), q = h wₙᵀ + b and
// n = tanh(xₙ + r q): h' = (1 - z) n + z h. What the backward reads, in the type computed in: r, z, n and q [T, B, 4H].
// It gives the gradients of r, z, n before their activation as dx, and that of q apart; the products want those of r, z
// and q side by side, in memory of the command. A step reads 3 H² weights and does 6 B H² operations.
#include "recurrent.h"

namespace neurite::cuda {
namespace {

template <class T>
struct GruForward {
  using C = compute_of<T>;
  static constexpr int gates = 3;
  const T *x, *bias;  // bias may be NULL
  T* h;
  C* activated;  // NULL: not wanted

  __device__ T advance(const Sequences& s, int64_t at, int64_t, int64_t u, bool, const C* sums, C previous) const {
    const T* from = x + at * 3 * s.H + u;
    const C r = sigmoid_formula(computed(from[0]) + sums[0]), z = sigmoid_formula(computed(from[s.H]) + sums[1]);
    const C q = bias ? sums[2] + computed(bias[u]) : sums[2];
    const C n = tanh(computed(from[2 * s.H]) + r * q);
    if (activated) {
      C* to = activated + at * 4 * s.H + u;
      to[0] = r;
      to[s.H] = z;
      to[2 * s.H] = n;
      to[3 * s.H] = q;
    }
    return convert<T>(z * (previous - n) + n);
  }
  __device__ void finish(int64_t n, T hidden) const { h[n] = hidden; }
};

template <class T>
struct GruBackward {
  using C = compute_of<T>;
  static constexpr bool carries_h = true;  // what reaches h past the candidate: dh z
  const T *y, *h0;                         // h0 may be NULL
  const C* activated;
  T *dx, *dq, *products;  // products [T, B, 3H]
  C* carried;             // [B, H]

  __device__ C carry(int64_t n, bool ends) const { return ends ? C(0) : carried[n]; }

  __device__ void retreat(const Sequences& s, int64_t at, int64_t before, int64_t b, int64_t u, C dh, C) const {
    const C* from = activated + at * 4 * s.H + u;
    const C r = from[0], z = from[s.H], n = from[2 * s.H], q = from[3 * s.H];
    const int64_t state = b * s.H + u;
    const C previous = before >= 0 ? computed(y[before * s.H + u]) : h0 ? computed(h0[state]) : C(0);
    const C dn = tanh_backward_formula(dh * (C(1) - z), n);
    const T dr = convert<T>(sigmoid_backward_formula(dn * q, r));
    const T dz = convert<T>(sigmoid_backward_formula(dh * (previous - n), z)), dproduct = convert<T>(dn * r);
    T *to = dx + at * 3 * s.H + u, *next = products + at * 3 * s.H + u;
    to[0] = next[0] = dr;
    to[s.H] = next[s.H] = dz;
    to[2 * s.H] = convert<T>(dn);
    dq[at * s.H + u] = next[2 * s.H] = dproduct;
    carried[state] = dh * z;
  }
  __device__ void skip(const Sequences& s, int64_t at, int64_t u) const {
    const T zero = convert<T>(C(0));
    for (int k = 0; k < 3; k++) dx[at * 3 * s.H + k * s.H + u] = zero;
    dq[at * s.H + u] = zero;
  }
  __device__ void finish(int64_t, C) const {}
};

}  // namespace

void gru(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* b, const nr_optional* h0,
         const nr_optional* lengths, nr_tensor* y, nr_tensor* h, nr_optional* gates, bool reverse) {
  const Sequences s = sequences_of(ctx, *w, *y, *lengths, reverse);
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    GruForward<T> cell = {};
    if (!read(ctx, *x, cell.x) || !read(ctx, *b, cell.bias)) return;
    cell.h = static_cast<T*>(h->data);
    cell.activated = elements_of<compute_of<T>>(*gates);
    walk_forward<T>(ctx, s, cell, *w, *h0, *y);
  });
}

void gru_backward(nr_context* ctx, const nr_optional* dy, const nr_optional* dh, const nr_tensor* w,
                  const nr_optional* h0, const nr_optional* lengths, const nr_tensor* y, const nr_tensor* gates,
                  nr_tensor* dx, nr_tensor* dq, nr_optional* dh0, bool reverse) {
  const Sequences s = sequences_of(ctx, *w, *y, *lengths, reverse);
  dispatch(floating_types{}, dx->dtype, [&]<class T>() {
    GruBackward<T> cell = {};
    cell.carried = state_memory<compute_of<T>>(ctx, s);
    cell.products = static_cast<T*>(ctx->scratch(ctx, static_cast<size_t>(numel_of(*dx)) * sizeof(T) + 1));
    if (!cell.carried || !cell.products || !read(ctx, *y, cell.y) || !read(ctx, *h0, cell.h0) ||
        !read(ctx, *gates, cell.activated))
      return;
    cell.dx = static_cast<T*>(dx->data);
    cell.dq = static_cast<T*>(dq->data);
    walk_backward<T>(ctx, s, cell, *w, *dy, *dh, *dh0, cell.products, dh0->present);
  });
}

}  // namespace neurite::cuda
