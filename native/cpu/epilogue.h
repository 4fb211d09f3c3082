// What happens to a block of a product while it is still in cache: y = activation(sum + residual). The residual and the
// preactivation (sum + residual, kept for the gradient of some activations) have y's layout: an element has the same
// offset in all three. Sums are of the type computed in, results are rounded once.
#pragma once
#include "activation_formulas.h"
#include "cpu/dtype.h"
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
    using finisher = void (*)(const epilogue&, const T*, int64_t, Out*, int64_t, int64_t, int64_t, int64_t);
    static constexpr finisher by_activation[] = {
        finish_by<[](auto v) { return v; }>,
#define NR_ACTIVATION(name) finish_by<[](auto v) { return name##_formula(v); }>,
#include "activations.def"
    };
    by_activation[activation](*this, from, from_stride, y, at, row_stride, rows, columns);
  }

 private:
  template <auto formula>
  static void finish_by(const epilogue& e, const T* from, int64_t from_stride, Out* y, int64_t at, int64_t row_stride,
                        int64_t rows, int64_t columns) {
    using V = vector_t<T>;
    for (int64_t i = 0; i < rows; i++, from += from_stride, at += row_stride) {
      for (int64_t j = 0; j < columns; j += V::width) {
        const int64_t lanes = columns - j, to = at + j;
        V sum = load<V>(from + j, lanes);
        if (e.residual) sum = sum + load<V>(e.residual + to, lanes);
        if (e.preactivation) store(e.preactivation + to, sum, lanes);
        store(y + to, formula(sum), lanes);
      }
    }
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
