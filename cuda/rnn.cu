// Elman's recurrent network (1990): one direction of one layer, h' = tanh(x + h wᵀ) or relu of it. The backward reads
// the output alone. A step reads H² weights and does 2 B H² operations.
#include "recurrent.h"

namespace neurite::cuda {
namespace {

template <class T>
struct RnnForward {
  using C = compute_of<T>;
  static constexpr int gates = 1;
  const T* x;
  T* h;
  bool relu;

  __device__ T advance(const Sequences& s, int64_t at, int64_t, int64_t u, bool, const C* sums, C) const {
    const C sum = computed(x[at * s.H + u]) + sums[0];
    return convert<T>(relu ? relu_formula(sum) : tanh(sum));
  }
  __device__ void finish(int64_t n, T hidden) const { h[n] = hidden; }
};

template <class T>
struct RnnBackward {
  using C = compute_of<T>;
  static constexpr bool carries_h = false;
  const T* y;
  T* dx;
  bool relu;

  __device__ C carry(int64_t, bool) const { return 0; }
  __device__ void retreat(const Sequences& s, int64_t at, int64_t, int64_t, int64_t u, C dh, C) const {
    const C hidden = computed(y[at * s.H + u]);
    dx[at * s.H + u] = convert<T>(relu ? relu_backward_formula(dh, hidden) : tanh_backward_formula(dh, hidden));
  }
  __device__ void skip(const Sequences& s, int64_t at, int64_t u) const { dx[at * s.H + u] = convert<T>(C(0)); }
  __device__ void finish(int64_t, C) const {}
};

}  // namespace

void rnn(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* h0, const nr_optional* lengths,
         nr_tensor* y, nr_tensor* h, bool relu, bool reverse) {
  const Sequences s = sequences_of(ctx, *w, *y, *lengths, reverse);
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    RnnForward<T> cell = {nullptr, static_cast<T*>(h->data), relu};
    if (read(ctx, *x, cell.x)) walk_forward<T>(ctx, s, cell, *w, *h0, *y);
  });
}

void rnn_backward(nr_context* ctx, const nr_optional* dy, const nr_optional* dh, const nr_tensor* w,
                  const nr_optional* lengths, const nr_tensor* y, nr_tensor* dx, nr_optional* dh0, bool relu,
                  bool reverse) {
  const Sequences s = sequences_of(ctx, *w, *y, *lengths, reverse);
  dispatch(floating_types{}, dx->dtype, [&]<class T>() {
    RnnBackward<T> cell = {nullptr, static_cast<T*>(dx->data), relu};
    if (read(ctx, *y, cell.y)) walk_backward<T>(ctx, s, cell, *w, *dy, *dh, *dh0, cell.dx, dh0->present);
  });
}

}  // namespace neurite::cuda
