// What a norm adds to its rows: a residual before it, of which the sum is written too, or nothing; and in the backward
// pass the gradient of that sum. Rows are cheaper to add up again in each pass over them than to read back, where the
// sum is streamed.
#pragma once
#include "cpu/contiguous.h"
#include "cpu/row.h"

namespace neurite::NR_ISA {
namespace {

// v as it will be when it was stored as T.
template <class T, class V>
inline V rounded(V v) {
  if constexpr (is_half<T>) {
    T stored[V::width];
    store(stored, v);
    return load<V>(stored);
  } else {
    return v;
  }
}

template <class T>
struct plain_row {
  using V = vector_t<T>;
  const T* x;

  plain_row at(int64_t offset) const { return {x + offset}; }
  template <class Lanes>
  V load_at(int64_t i, Lanes lanes) const {
    return load<V>(x + i, lanes);
  }
  template <class Streamed, class Lanes>
  void keep(Streamed, int64_t, V, Lanes) const {}
};

template <class T>
struct summed_row {
  using V = vector_t<T>;
  const T *x, *residual;
  T* sum;

  summed_row at(int64_t offset) const { return {x + offset, residual + offset, sum + offset}; }
  template <class Lanes>
  V load_at(int64_t i, Lanes lanes) const {
    return rounded<T>(load<V>(x + i, lanes) + load<V>(residual + i, lanes));
  }
  template <class Streamed, class Lanes>
  void keep(Streamed streamed, int64_t i, V v, Lanes lanes) const {
    put(streamed, sum + i, v, lanes);
  }
};

// body(rows, streamed) for a norm of x [R, D], or of x + residual, that writes y.
template <class T, class Body>
inline void with_input_rows(nr_context* ctx, const nr_tensor& x_tensor, const nr_optional& residual,
                            const nr_optional& sum, const T* y, const Body& body) {
  const int64_t rows = x_tensor.shape[0], n = x_tensor.shape[1];
  const T* x = elements<T>(ctx, x_tensor);
  if (!x) return;
  if (!residual.present) return with_streaming(y, rows, n, [&](auto streamed) { body(plain_row<T>{x}, streamed); });
  const summed_row<T> summed = {x, elements<T>(ctx, residual.tensor), static_cast<T*>(sum.tensor.data)};
  if (!summed.residual) return;
  const T* least_aligned = is_aligned(y) ? summed.sum : y;
  with_streaming(least_aligned, rows, n, [&](auto streamed) { body(summed, streamed); });
}

struct no_addend {
  no_addend at(int64_t) const { return {}; }
  template <class V, class Lanes>
  V add_to(V v, int64_t, Lanes) const {
    return v;
  }
};

template <class T>
struct addend_row {
  const T* p;

  addend_row at(int64_t offset) const { return {p + offset}; }
  template <class V, class Lanes>
  V add_to(V v, int64_t i, Lanes lanes) const {
    return v + load<V>(p + i, lanes);
  }
};

// body(addend): what is added to the gradient of a norm's input, the gradient of the sum that was written.
template <class T, class Body>
inline void with_addend(nr_context* ctx, const nr_optional& dsum, const Body& body) {
  if (!dsum.present) return body(no_addend{});
  const addend_row<T> addend = {elements<T>(ctx, dsum.tensor)};
  if (addend.p) body(addend);
}

}  // namespace
}  // namespace neurite::NR_ISA
