// Layer norm (`centred`) and RMS norm of rows as work on row pieces (row_pieces.h): y = (x - mean) rstd w + b, with the
// variance taken around the mean of the elements held in registers. A residual is added to x first, and the sum, as it
// is when stored, is what is normalised.
#pragma once
#include "functions.h"
#include "row_pieces.h"

namespace neurite::cuda {
namespace {

// v as it will be when it was stored as T.
template <class T>
__device__ inline compute_of<T> rounded(compute_of<T> v) {
  return computed(convert<T>(v));
}

template <class C>
struct RowMoments {
  C mean, squares;  // squares: the sum of (x - mean)^2, or of x^2 if not centred
};

template <class T, bool centred>
struct RowNorm {
  using C = compute_of<T>;
  using State = RowMoments<C>;
  template <class L>
  struct Held {
    C x[L::each];
  };
  const T *x, *residual;  // residual and sum: null without one
  const C *w, *b;         // null: 1, 0
  T *y, *sum;
  C *mean, *rstd;
  int64_t n;
  C eps;

  template <class L>
  __device__ void load(const L& l, int64_t at, int64_t, Held<L>& held) const {
    l.load(x + at, held.x, C(0));
    if (!residual) return;
    C addend[L::each];
    l.load(residual + at, addend, C(0));
#pragma unroll
    for (int k = 0; k < L::each; k++) held.x[k] = rounded<T>(held.x[k] + addend[k]);
  }
  template <class L>
  __device__ State measure(const L& l, const Held<L>& held) const {
    const C average = centred ? l.sum([&](int k, int) { return held.x[k]; }) / static_cast<C>(l.count) : C(0);
    return {average, l.sum([&](int k, int) { return (held.x[k] - average) * (held.x[k] - average); })};
  }
  // Chan, Golub, LeVeque 1979.
  template <class L>
  __device__ State join(const L& l, const State* states, int64_t pieces) const {
    const auto count = [&](int64_t i) {
      const int64_t left = n - i * L::capacity;
      return static_cast<C>(left < L::capacity ? left : L::capacity);
    };
    C average = 0, squares = 0;
    for (int64_t i = l.lane(); i < pieces; i += L::group) average += states[i].mean * count(i);
    average = l.combine(average, C(0), Sum{}) / static_cast<C>(n);
    for (int64_t i = l.lane(); i < pieces; i += L::group) {
      const C apart = states[i].mean - average;
      squares += states[i].squares + apart * apart * count(i);
    }
    return {average, l.combine(squares, C(0), Sum{})};
  }
  template <class L>
  __device__ void finish(const L& l, int64_t at, int64_t row, int64_t column, State state, const Held<L>& held) const {
    const C r = 1 / sqrt(state.squares / static_cast<C>(n) + eps);
    if (column == 0 && l.lane() == 0) {
      if constexpr (centred) mean[row] = state.mean;
      rstd[row] = r;
    }
    C scale[L::each], shift[L::each];
    if (w) l.load_shared(w + column, scale);
    if (b) l.load_shared(b + column, shift);
    if (sum) l.store(sum + at, [&](int k, int) { return held.x[k]; });
    l.store(y + at, [&](int k, int) {
      C v = (held.x[k] - state.mean) * r;
      if (w) v *= scale[k];
      return b ? v + shift[k] : v;
    });
  }
};

// dx = rstd (g - mean(g) - z mean(g z)) + dsum with g = dy w and z the normalised row; RMS norm has no mean(g).
template <class T, bool centred>
struct RowNormBackward {
  using C = compute_of<T>;
  struct State {
    C g, gz;  // sums
  };
  template <class L>
  struct Held {
    C g[L::each], z[L::each];
    C rstd;
  };
  const T *dy, *x, *dsum;  // dsum: null without one
  const C *w, *mean, *rstd;
  T* dx;
  int64_t n;

  template <class L>
  __device__ void load(const L& l, int64_t at, int64_t column, Held<L>& held) const {
    const int64_t row = l.count > 0 ? at / n : 0;
    held.rstd = l.count > 0 ? rstd[row] : C(0);
    const C average = centred && l.count > 0 ? mean[row] : C(0);
    l.load(dy + at, held.g, C(0));
    l.load(x + at, held.z, average);
    if (w) {
      C scale[L::each];
      l.load_shared(w + column, scale);
#pragma unroll
      for (int k = 0; k < L::each; k++)
        if (l.index(k) < l.count) held.g[k] *= scale[k];
    }
#pragma unroll
    for (int k = 0; k < L::each; k++) held.z[k] = (held.z[k] - average) * held.rstd;
  }
  template <class L>
  __device__ State measure(const L& l, const Held<L>& held) const {
    return {centred ? l.sum([&](int k, int) { return held.g[k]; }) : C(0),
            l.sum([&](int k, int) { return held.g[k] * held.z[k]; })};
  }
  template <class L>
  __device__ State join(const L& l, const State* states, int64_t pieces) const {
    State total = {0, 0};
    for (int64_t i = l.lane(); i < pieces; i += L::group) {
      total.g += states[i].g;
      total.gz += states[i].gz;
    }
    return {l.combine(total.g, C(0), Sum{}), l.combine(total.gz, C(0), Sum{})};
  }
  template <class L>
  __device__ void finish(const L& l, int64_t at, int64_t, int64_t, State state, const Held<L>& held) const {
    const C mean_g = state.g / static_cast<C>(n), mean_gz = state.gz / static_cast<C>(n);
    C addend[L::each];
    if (dsum) l.load(dsum + at, addend, C(0));
    l.store(dx + at, [&](int k, int) {
      const C v = held.rstd * (held.g[k] - mean_g - held.z[k] * mean_gz);
      return dsum ? v + addend[k] : v;
    });
  }
};

}  // namespace
}  // namespace neurite::cuda
