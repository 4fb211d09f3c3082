// The walk of a recurrent layer through time: one launch for each step, which multiplies the states of the step before
// by the weights and turns the sums into the next states (or, back through time, gate gradients into gradients of
// states) before they leave the chip. A block has 16 sequences and 16 units (back: 32). A sequence takes part in a step
// if it is long enough; where its previous state lies follows from its length, so that sequences need no sorting.
//
// A forward cell is
//   static constexpr int gates;
//   T advance(s, at, b, u, bool begins, const C* sums, C previous)   the next state of unit u of sequence b at [T, B]
//       position `at`, from its products
//   void finish(state, T hidden)                        the last state; `state` is b H + u
// and a backward cell
//   static constexpr bool carries_h;                    its carry is a part of the gradient of h
//   C carry(state, bool ends)                           what comes besides the product; `ends`: from the outside
//   void retreat(s, at, before, b, u, C dh, C carry)    `before`: the position of the step before, -1: none
//   void skip(s, at, u)                                 a step that the sequence does not have
//   void finish(state, C carry)                         the gradient of the first state
#pragma once
#include "check.h"
#include "device.h"
#include "functions.h"
#include "launch.h"
#include "recurrent_product.h"
#include "strided.h"
#include "table.h"

namespace neurite::cuda {
namespace {

struct Sequences {
  int64_t T, B, H;
  const int64_t* lengths;  // NULL: all T
  int64_t lengths_stride;
  bool reverse;

  // A length that is no good is reported elsewhere, and cut to what is safe here.
  __device__ int64_t length(int64_t b) const {
    if (!lengths) return T;
    const int64_t n = lengths[b * lengths_stride];
    return n < 1 ? 1 : n > T ? T : n;
  }
  // Whether sequence b has the step at time t, and a step before it in walking order.
  __device__ bool takes_part(int64_t b, int64_t t) const { return b < B && t < length(b); }
  __device__ bool begins(int64_t b, int64_t t) const { return t == (reverse ? length(b) - 1 : 0); }
  __device__ bool ends(int64_t b, int64_t t) const { return t == (reverse ? 0 : length(b) - 1); }
  __device__ int64_t position(int64_t t, int64_t b) const { return t * B + b; }
  __device__ int64_t before(int64_t t) const { return reverse ? t + 1 : t - 1; }
  __device__ int64_t after(int64_t t) const { return reverse ? t - 1 : t + 1; }
};

struct CheckLengths {
  static constexpr int threads = 256;
  Sequences s;
  Check check;
  __device__ void operator()() const {
    const int64_t b = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (b >= s.B) return;
    const int64_t n = s.lengths[b * s.lengths_stride];
    if (n < 1 || n > s.T) check.fail(s.T, n);
  }
};

inline Sequences sequences_of(nr_context* ctx, const nr_tensor& w, const nr_tensor& sequence,
                              const nr_optional& lengths, bool reverse) {
  Sequences s = {sequence.shape[0], sequence.shape[1], w.shape[1], nullptr, 0, reverse};
  if (!lengths.present || s.B == 0) return s;
  s.lengths = static_cast<const int64_t*>(lengths.tensor.data);
  s.lengths_stride = lengths.tensor.stride[0];
  const Check check = take_check(ctx, "INDEX_OUT_OF_RANGE", "expected lengths in [1, %lld], got %lld");
  launch(ctx, blocks_for(s.B, CheckLengths::threads), CheckLengths{s, check});
  return s;
}

// The elements of a tensor one after the other in row-major order, copied if they do not lie so. NULL: memory is out.
inline const void* row_major(nr_context* ctx, const nr_tensor& x, bool transposed = false) {
  nr_tensor from = x, to = x;
  if (transposed)
    for (int d = 0; d < 2; d++) from.shape[d] = to.shape[d] = x.shape[1 - d], from.stride[d] = x.stride[1 - d];
  int64_t n = 1;
  bool lies = true;
  for (int d = x.ndim - 1; d >= 0; d--) {
    lies = lies && (from.shape[d] == 1 || from.stride[d] == n);
    to.stride[d] = n;
    n *= to.shape[d];
  }
  if (lies || n == 0) return x.data;
  to.data = ctx->scratch(ctx, static_cast<size_t>(n * size_of(x.dtype)));
  if (to.data) copy(ctx, &from, &to);
  return to.data;
}

// Reads what may be absent; false when memory is out.
template <class T>
bool read(nr_context* ctx, const nr_optional& x, const T*& elements) {
  elements = x.present ? static_cast<const T*>(row_major(ctx, x.tensor)) : nullptr;
  return !x.present || elements || numel_of(x.tensor) == 0;
}
template <class T>
bool read(nr_context* ctx, const nr_tensor& x, const T*& elements) {
  return read(ctx, nr_optional{x, true}, elements);
}
template <class T>
T* elements_of(const nr_optional& y) {
  return y.present ? static_cast<T*>(y.tensor.data) : nullptr;
}

// Memory for one number of each unit of each sequence.
template <class C>
C* state_memory(nr_context* ctx, const Sequences& s) {
  return static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(s.B * s.H) * sizeof(C) + 1));
}

// Rows that begin at multiples of 16 bytes.
template <class T>
bool rows_aligned(const void* base, int64_t columns) {
  return is_aligned(base, 16) && columns * static_cast<int64_t>(sizeof(T)) % 16 == 0;
}

template <class T, class Cell, template <class, int> class ProductOf>
struct ForwardStep {
  static constexpr int threads = recurrent_threads, units = 16;
  using Product = ProductOf<T, Cell::gates * units>;
  using C = typename Product::C;
  using Shared = typename Product::Shared;
  Sequences s;
  Cell cell;
  int64_t t;
  const T *w, *h0;  // h0 may be NULL
  T* y;
  bool aligned;

  __device__ const T* state(int64_t b) const {
    if (!s.takes_part(b, t)) return nullptr;
    if (s.begins(b, t)) return h0 ? h0 + b * s.H : nullptr;
    return y + s.position(s.before(t), b) * s.H;
  }

  __device__ void operator()() const {
    SIMT_SHARED(Shared, shared);
    const int64_t first = static_cast<int64_t>(blockIdx.y) * recurrent_rows,
                  u0 = static_cast<int64_t>(blockIdx.x) * units;
    Product::run(
        shared, [&](int i) { return state(first + i); },
        [&](int j) { return u0 + j % units < s.H ? w + (j / units * s.H + u0 + j % units) * s.H : nullptr; }, s.H,
        aligned);
    __syncthreads();
    const int i = static_cast<int>(threadIdx.x) / units, j = static_cast<int>(threadIdx.x) % units;
    const int64_t b = first + i, u = u0 + j;
    if (b >= s.B || u >= s.H) return;
    const int64_t at = s.position(t, b);
    if (!s.takes_part(b, t)) {
      y[at * s.H + u] = convert<T>(C(0));
      return;
    }
    C sums[Cell::gates];
#pragma unroll
    for (int k = 0; k < Cell::gates; k++) sums[k] = result_of<Product>(shared, i, k * units + j);
    const T* previous = state(b);
    const T next = cell.advance(s, at, b, u, s.begins(b, t), sums, previous ? computed(previous[u]) : C(0));
    y[at * s.H + u] = next;
    if (s.ends(b, t)) cell.finish(b * s.H + u, next);
  }
};

template <class T, class Cell, template <class, int> class ProductOf>
struct BackwardStep {
  static constexpr int threads = recurrent_threads, units = 32;
  using Product = ProductOf<T, units>;
  using C = typename Product::C;
  using Shared = typename Product::Shared;
  Sequences s;
  Cell cell;
  int64_t t;         // s.T: what reaches the first states, after all steps
  const T* w;        // [H, K], transposed
  const T *dy, *dh;  // may be NULL
  T* dh0;            // may be NULL
  const T* dgates;   // [T, B, K]
  int64_t K;
  bool aligned;

  __device__ bool is_last() const { return t == s.T; }
  // The gradients of the step after this one, NULL: there is none.
  __device__ const T* arriving(int64_t b) const {
    if (b >= s.B) return nullptr;
    if (is_last()) return dgates + s.position(s.reverse ? s.length(b) - 1 : 0, b) * K;
    return s.takes_part(b, t) && !s.ends(b, t) ? dgates + s.position(s.after(t), b) * K : nullptr;
  }

  __device__ void operator()() const {
    SIMT_SHARED(Shared, shared);
    const int64_t first = static_cast<int64_t>(blockIdx.y) * recurrent_rows,
                  u0 = static_cast<int64_t>(blockIdx.x) * units;
    Product::run(
        shared, [&](int i) { return arriving(first + i); },
        [&](int j) { return u0 + j < s.H ? w + (u0 + j) * K : nullptr; }, K, aligned);
    __syncthreads();
    for (int n = static_cast<int>(threadIdx.x); n < recurrent_rows * units; n += threads) {
      const int i = n / units, j = n % units;
      if (first + i < s.B && u0 + j < s.H) retreat(first + i, u0 + j, result_of<Product>(shared, i, j));
    }
  }

  __device__ void retreat(int64_t b, int64_t u, C sum) const {
    const int64_t state = b * s.H + u;
    if (!is_last() && !s.takes_part(b, t)) return cell.skip(s, s.position(t, b), u);
    const bool ends = !is_last() && s.ends(b, t);
    C dh_here = ends ? (dh ? computed(dh[state]) : C(0)) : sum;
    const C carry = cell.carry(state, ends);
    if constexpr (Cell::carries_h) dh_here += carry;
    if (is_last()) {
      if (dh0) dh0[state] = convert<T>(dh_here);
      cell.finish(state, carry);
      return;
    }
    const int64_t at = s.position(t, b);
    if (dy) dh_here += computed(dy[at * s.H + u]);
    cell.retreat(s, at, s.begins(b, t) ? -1 : s.position(s.before(t), b), b, u, dh_here, carry);
  }
};

// Whether products of T go through tensor cores: recurrent layers follow the precision of convolutions, as in PyTorch.
template <class T>
bool uses_tensor_cores(nr_context* ctx) {
  const nr_device& device = device_of(ctx);
  if constexpr (std::is_same_v<T, nr_f16>) return device.capability >= 75;
  if constexpr (std::is_same_v<T, nr_bf16>) return device.capability >= 80;
  if constexpr (std::is_same_v<T, float>) return device.capability >= 80 && device.conv == nr_precision_high;
  return false;
}

// Calls run<Product>() with the product for T.
template <class T, class F>
void with_product(nr_context* ctx, const F& run) {
  if constexpr (has_tensor_cores<T>)
    if (uses_tensor_cores<T>(ctx)) return run.template operator()<TensorCoreProduct>();
  run.template operator()<PlainProduct>();
}

template <class T, class Cell>
void walk_forward(nr_context* ctx, const Sequences& s, const Cell& cell, const nr_tensor& w, const nr_optional& h0,
                  nr_tensor& y) {
  const T *weights, *start;
  if (!read(ctx, w, weights) || !read(ctx, h0, start)) return;
  T* states = static_cast<T*>(y.data);
  const bool aligned = rows_aligned<T>(weights, s.H) && rows_aligned<T>(states, s.H) && rows_aligned<T>(start, s.H);
  const dim3 grid(blocks_for(s.H, 16), blocks_for(s.B, recurrent_rows));
  with_product<T>(ctx, [&]<template <class, int> class ProductOf>() {
    for (int64_t step = 0; step < s.T; step++) {
      const int64_t t = s.reverse ? s.T - 1 - step : step;
      launch(ctx, grid, ForwardStep<T, Cell, ProductOf>{s, cell, t, weights, start, states, aligned});
    }
  });
}

// dgates [T, B, K] is what the products take; the cell writes it.
template <class T, class Cell>
void walk_backward(nr_context* ctx, const Sequences& s, const Cell& cell, const nr_tensor& w, const nr_optional& dy,
                   const nr_optional& dh, const nr_optional& dh0, const T* dgates, bool wants_first) {
  const auto* weights = static_cast<const T*>(row_major(ctx, w, true));
  const T *dy_elements, *dh_elements;
  if ((!weights && s.H > 0) || !read(ctx, dy, dy_elements) || !read(ctx, dh, dh_elements)) return;
  const int64_t K = w.shape[0];
  const bool aligned = rows_aligned<T>(weights, K) && rows_aligned<T>(dgates, K);
  const dim3 grid(blocks_for(s.H, 32), blocks_for(s.B, recurrent_rows));
  with_product<T>(ctx, [&]<template <class, int> class ProductOf>() {
    for (int64_t step = 0; step < s.T + wants_first; step++) {
      const int64_t t = step == s.T ? s.T : s.reverse ? step : s.T - 1 - step;
      launch(ctx, grid,
             BackwardStep<T, Cell, ProductOf>{s, cell, t, weights, dy_elements, dh_elements, elements_of<T>(dh0),
                                              dgates, K, aligned});
    }
  });
}

}  // namespace
}  // namespace neurite::cuda
