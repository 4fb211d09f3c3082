// Elementwise kernels: inputs of one dtype inside the formula's domain, broadcasting to a writable output. Domain and
// result dtype are read off the formulas.
#define NR_ISA contract
#include "activation_formulas.h"
#include "contract/contract.h"

namespace neurite::contract {
namespace {

template <class T>
inline constexpr bool is_half = std::is_same_v<T, nr_f16> || std::is_same_v<T, nr_bf16>;

template <class V, class>
using repeat = V;

// The dtype of op(x...), or -1 where op does not take elements of `dtype`.
template <class Op, class... X>
int32_t result_dtype(int32_t dtype, const Op&, const X&...) {
  switch (dtype) {
#define NR_DTYPE(tag, name, type)                                            \
  case nr_dtype_##tag: {                                                     \
    using V = std::conditional_t<is_half<type>, float, type>;                \
    if constexpr (std::is_invocable_v<Op, repeat<V, X>...>) {                \
      using result = std::invoke_result_t<Op, repeat<V, X>...>;              \
      return std::is_same_v<result, bool> ? nr_dtype_bool8 : nr_dtype_##tag; \
    }                                                                        \
    break;                                                                   \
  }
#include "dtypes.def"
  }
  return -1;
}

bool is_number(const nr_operand& x) {
  return x.tensor.data || x.tensor.ndim == 0 || numel(x.tensor) == 0;
}
const nr_tensor& view(const nr_tensor* x) {
  return *x;
}
const nr_tensor& view(const nr_operand* x) {
  return x->tensor;
}

template <class Op, class First, class... More>
verdict elementwise(const Op& op, const nr_tensor& y, const First* first, const More*... more) {
  const nr_tensor& x = view(first);
  if (((view(more).dtype != x.dtype) || ...)) return "operands of one dtype";
  const int32_t dtype = result_dtype(x.dtype, op, first, more...);
  if (dtype < 0) return "a dtype this operation is defined for";
  if (y.dtype != dtype) return dtype == nr_dtype_bool8 ? "an output of dtype bool" : "an output of the operands' dtype";
  if (!broadcasts_to(x, y) || !(broadcasts_to(view(more), y) && ...)) return "operands that broadcast to the output";
  if (!is_writable(y)) return "an output without repeated elements";
  return nullptr;
}

template <class Op>
verdict binary(const Op& op, const nr_operand& a, const nr_operand& b, const nr_tensor& y) {
  if (!is_number(a) || !is_number(b)) return "a number or a tensor";
  return elementwise(op, y, &a, &b);
}

}  // namespace

#define NR_KERNEL(...)
#define NR_REDUCE(name)
#define NR_UNARY(name)                             \
  verdict name(const nr_tensor* x, nr_tensor* y) { \
    return elementwise(NR_FORMULA(name), *y, x);   \
  }
#define NR_UNARY_BACKWARD(name)                                          \
  verdict name(const nr_tensor* dy, const nr_tensor* z, nr_tensor* dx) { \
    return elementwise(NR_FORMULA(name), *dx, dy, z);                    \
  }
#define NR_BINARY(name)                                                  \
  verdict name(const nr_operand* a, const nr_operand* b, nr_tensor* y) { \
    return binary(NR_FORMULA(name), *a, *b, *y);                         \
  }
#define NR_COMPARE(name) NR_BINARY(name)
#include "kernels.def"

verdict leaky_relu(const nr_tensor* x, nr_tensor* y, double) {
  return elementwise([](floating auto v) { return v; }, *y, x);
}
verdict leaky_relu_backward(const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx, double) {
  return elementwise([](floating auto v, floating auto) { return v; }, *dx, dy, x);
}
verdict elu(const nr_tensor* x, nr_tensor* y, double) {
  return leaky_relu(x, y, 0);
}
verdict elu_backward(const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx, double) {
  return leaky_relu_backward(dy, x, dx, 0);
}
verdict clamp(const nr_tensor* x, nr_tensor* y, nr_scalar, nr_scalar) {
  return elementwise([](number auto v) { return v; }, *y, x);
}

verdict where(const nr_tensor* condition, const nr_operand* a, const nr_operand* b, nr_tensor* y) {
  if (condition->dtype != nr_dtype_bool8) return "a condition of dtype bool";
  if (!broadcasts_to(*condition, *y)) return "a condition that broadcasts to the output";
  return binary([](element auto v, element auto) { return v; }, *a, *b, *y);
}

}  // namespace neurite::contract
