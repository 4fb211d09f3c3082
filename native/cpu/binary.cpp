// Elementwise kernels of two operands with broadcasting, and where. Each NR_BINARY and NR_COMPARE line of kernels.def
// becomes a kernel around its formula; NR_DIVISION kernels first look for a zero divisor among integers.
#include "cpu/elementwise.h"
#include "cpu/vmath.h"
#include "formulas.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
bool holds_zero(nr_context* ctx, const nr_tensor& x) {
  const auto l = make_nest(x);
  int found = 0;
  parallel_range(ctx, l.numel, 1 << 15, [&](int64_t begin, int64_t end) {
    int zeros = 0;
    each_row(l, begin, end, [&](char* const* p, int64_t n) {
      for (int64_t i = 0; i < n; i++) zeros |= *reinterpret_cast<const T*>(p[0] + i * l.step(0)) == 0;
    });
    if (zeros) __atomic_store_n(&found, 1, __ATOMIC_RELAXED);
  });
  return found != 0;
}

template <class Op>
void binary(nr_context* ctx, const nr_operand* a, const nr_operand* b, nr_tensor* y, const Op& op) {
  map_elements(ctx, op, *y, as_tensor(*a), as_tensor(*b));
}

template <class Op>
void division(nr_context* ctx, const nr_operand* a, const nr_operand* b, nr_tensor* y, const Op& op) {
  bool refused = false;
  const nr_tensor divisor = as_tensor(*b);
  with_dtype(divisor.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (integer<T> && !is_half<T>) refused = holds_zero<T>(ctx, divisor);
  });
  if (refused) return ctx->fail(ctx, "DIVISION_BY_ZERO", "expected integer divisors other than zero, got 0");
  binary(ctx, a, b, y, op);
}

template <class T>
void run_where(const void*, char* memory, char* const* x, int64_t n, unsigned) {
  T* y = reinterpret_cast<T*>(memory);
  const bool* condition = reinterpret_cast<const bool*>(x[0]);
  const T *a = reinterpret_cast<const T*>(x[1]), *b = reinterpret_cast<const T*>(x[2]);
#pragma GCC ivdep  // in place, y is a or b
  for (int64_t i = 0; i < n; i++) y[i] = condition[i] ? a[i] : b[i];
}

}  // namespace

#define NR_KERNEL(...)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)
#define NR_REDUCE(name)
#define NR_BINARY(name)                                                                \
  void name(nr_context* ctx, const nr_operand* a, const nr_operand* b, nr_tensor* y) { \
    binary(ctx, a, b, y, NR_FORMULA(name));                                            \
  }
#define NR_COMPARE(name) NR_BINARY(name)
#define NR_DIVISION(name)                                                              \
  void name(nr_context* ctx, const nr_operand* a, const nr_operand* b, nr_tensor* y) { \
    division(ctx, a, b, y, NR_FORMULA(name));                                          \
  }
#include "kernels.def"

void where(nr_context* ctx, const nr_tensor* condition, const nr_operand* a, const nr_operand* b, nr_tensor* y) {
  const int64_t size = element_bytes(y->dtype);
  inner_loop<3> loop = {nullptr, nullptr, size, {1, size, size}, false};
  with_bits(size, [&](auto bits) { loop.run = run_where<decltype(bits)>; });
  run_elementwise(ctx, make_nest(*y, *condition, as_tensor(*a), as_tensor(*b)), loop);
}

}  // namespace neurite::NR_ISA
