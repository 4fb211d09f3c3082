// What happens to a block of a product while it is still in cache: y = activation(sum + residual). The residual and the
// preactivation (sum + residual, kept for the gradient of some activations) have y's layout: an element has the same
// offset in all three. Sums are of the type computed in, results are rounded once.
#pragma once
#include "activation_formulas.h"
#include "cpu/dtype.h"
#include "cpu/turn.h"
#include "cpu/vmath.h"

namespace neurite::NR_ISA {
namespace {

template <class T, class Out>
struct epilogue {
  int64_t activation = nr_activation_none;
  const Out* residual = nullptr;  // or NULL
  Out* preactivation = nullptr;   // or NULL

  // Whether sums that lie in y already are the results.
  bool is_empty() const { return activation == nr_activation_none && !residual && !preactivation; }

  // rows × columns sums, rows from_stride apart; the first goes to y[at], rows are row_stride apart there. `from` may
  // be y + at itself.
  void finish(const T* from, int64_t from_stride, Out* y, int64_t at, int64_t row_stride, int64_t rows,
              int64_t columns) const {
    static constexpr finisher by_activation[] = {
        finish_by<[](auto v) { return v; }>,
#define NR_ACTIVATION(name) finish_by<[](auto v) { return name##_formula(v); }>,
#include "activations.def"
    };
    by_activation[activation](*this, from, from_stride, y, at, row_stride, rows, columns);
  }

  // The same of sums that lie column by column, `from_stride` apart: a vector of rows and columns at most.
  void finish_turned(const T* from, int64_t from_stride, Out* y, int64_t at, int64_t row_stride, int64_t rows,
                     int64_t columns) const {
    static constexpr finisher by_activation[] = {
        finish_turned_by<[](auto v) { return v; }>,
#define NR_ACTIVATION(name) finish_turned_by<[](auto v) { return name##_formula(v); }>,
#include "activations.def"
    };
    by_activation[activation](*this, from, from_stride, y, at, row_stride, rows, columns);
  }

 private:
  using V = vector_t<T>;
  using finisher = void (*)(const epilogue&, const T*, int64_t, Out*, int64_t, int64_t, int64_t, int64_t);

  template <auto formula>
  [[gnu::always_inline]] inline void finish_vector(V sum, Out* y, int64_t to, int64_t lanes) const {
    if (residual) sum = sum + load<V>(residual + to, lanes);
    if (preactivation) store(preactivation + to, sum, lanes);
    store(y + to, formula(sum), lanes);
  }

  template <auto formula>
  static void finish_by(const epilogue& e, const T* from, int64_t from_stride, Out* y, int64_t at, int64_t row_stride,
                        int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < rows; i++, from += from_stride, at += row_stride)
      for (int64_t j = 0; j < columns; j += V::width)
        e.finish_vector<formula>(load<V>(from + j, columns - j), y, at + j, columns - j);
  }

  template <auto formula>
  static void finish_turned_by(const epilogue& e, const T* from, int64_t from_stride, Out* y, int64_t at,
                               int64_t row_stride, int64_t rows, int64_t columns) {
    V v[V::width];
    unroll<V::width>([&](auto j) NR_INLINE { v[j] = j < columns ? load<V>(from + j * from_stride, rows) : V(T(0)); });
    turn(v);
    for (int64_t i = 0; i < rows; i++, at += row_stride) e.finish_vector<formula>(v[i], y, at, columns);
  }
};

template <class T, class In>
inline epilogue<T, In> make_epilogue(const nr_optional& residual, const nr_optional& preactivation,
                                     int64_t activation) {
  return {activation, residual.present ? static_cast<const In*>(residual.tensor.data) : nullptr,
          preactivation.present ? static_cast<In*>(preactivation.tensor.data) : nullptr};
}

}  // namespace
}  // namespace neurite::NR_ISA
