// Softmax of rows that lie side by side, and its gradient, as work on row pieces (row_pieces.h).
#pragma once
#include "functions.h"
#include "row_pieces.h"

namespace neurite::cuda {
namespace {

// A maximum and the sum of exp(x - maximum) over some elements. Nothing but -inf sums up to 0.
template <class C>
struct Mass {
  C top, sum;

  // What this sum is over exp(x - top) with another maximum.
  __device__ C below(C other) const { return top == other ? sum : sum * exp(top - other); }
};

// Of the elements of a row that its group holds.
template <class L, class C>
__device__ inline Mass<C> mass_of(const L& l, const C (&x)[L::each]) {
  constexpr C lowest = -static_cast<C>(INFINITY);
  C top = lowest;
#pragma unroll
  for (int k = 0; k < L::each; k++) top = Maximum{}(top, x[k]);
  top = l.combine(top, lowest, Maximum{});
  const C finite = top == lowest ? C(0) : top;
  return {top, l.sum([&](int k, int) { return exp(x[k] - finite); })};
}

template <class L, class C>
__device__ inline Mass<C> join_masses(const L& l, const Mass<C>* of, int64_t n) {
  constexpr C lowest = -static_cast<C>(INFINITY);
  C top = lowest, sum = 0;
  for (int64_t i = l.lane(); i < n; i += L::group) top = Maximum{}(top, of[i].top);
  top = l.combine(top, lowest, Maximum{});
  for (int64_t i = l.lane(); i < n; i += L::group) sum += of[i].below(top);
  return {top, l.combine(sum, C(0), Sum{})};
}

template <class T, bool logarithm>
struct SoftmaxRow {
  using C = compute_of<T>;
  using State = Mass<C>;
  template <class L>
  struct Held {
    C x[L::each];
  };
  const T* x;
  T* y;

  template <class L>
  __device__ void load(const L& l, int64_t at, int64_t, Held<L>& held) const {
    l.load(x + at, held.x, -static_cast<C>(INFINITY));
  }
  template <class L>
  __device__ State measure(const L& l, const Held<L>& held) const {
    return mass_of(l, held.x);
  }
  template <class L>
  __device__ State join(const L& l, const State* states, int64_t n) const {
    return join_masses(l, states, n);
  }
  template <class L>
  __device__ void finish(const L& l, int64_t at, int64_t, int64_t, State state, const Held<L>& held) const {
    const C scale = logarithm ? log(state.sum) : 1 / state.sum;
    l.store(y + at, [&](int k, int) {
      const C below = held.x[k] - state.top;
      return logarithm ? below - scale : exp(below) * scale;
    });
  }
};

// softmax: dx = y (dy - sum(dy y)); log-softmax: dx = dy - exp(y) sum(dy)
template <class C, bool logarithm>
struct SoftmaxGradient {
  __device__ static C term(C dy, C y) { return logarithm ? dy : dy * y; }
  __device__ static C last(C dy, C y, C sum) { return logarithm ? dy - exp(y) * sum : y * (dy - sum); }
};

template <class T, bool logarithm>
struct SoftmaxRowBackward {
  using C = compute_of<T>;
  using State = C;
  using Gradient = SoftmaxGradient<C, logarithm>;
  template <class L>
  struct Held {
    C dy[L::each], y[L::each];
  };
  const T *dy, *y;
  T* dx;

  template <class L>
  __device__ void load(const L& l, int64_t at, int64_t, Held<L>& held) const {
    l.load(dy + at, held.dy, C(0));
    l.load(y + at, held.y, C(0));
  }
  template <class L>
  __device__ State measure(const L& l, const Held<L>& held) const {
    return l.sum([&](int k, int) { return Gradient::term(held.dy[k], held.y[k]); });
  }
  template <class L>
  __device__ State join(const L& l, const State* states, int64_t n) const {
    C sum = 0;
    for (int64_t i = l.lane(); i < n; i += L::group) sum += states[i];
    return l.combine(sum, C(0), Sum{});
  }
  template <class L>
  __device__ void finish(const L& l, int64_t at, int64_t, int64_t, State sum, const Held<L>& held) const {
    l.store(dx + at, [&](int k, int) { return Gradient::last(held.dy[k], held.y[k], sum); });
  }
};

}  // namespace
}  // namespace neurite::cuda
