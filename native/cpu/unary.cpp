// Elementwise kernels of one operand and the fused derivatives of activations: each NR_UNARY and NR_UNARY_BACKWARD line
// of kernels.def becomes a kernel around its formula.
#include "activation_formulas.h"
#include "cpu/elementwise.h"
#include "cpu/vmath.h"

namespace neurite::NR_ISA {

#define NR_KERNEL(...)
#define NR_BINARY(name)
#define NR_COMPARE(name)
#define NR_REDUCE(name)
#define NR_UNARY(name)                                           \
  void name(nr_context* ctx, const nr_tensor* x, nr_tensor* y) { \
    map_elements(ctx, NR_FORMULA(name), *y, *x);                 \
  }
#define NR_UNARY_BACKWARD(name)                                                        \
  void name(nr_context* ctx, const nr_tensor* dy, const nr_tensor* z, nr_tensor* dx) { \
    map_elements(ctx, NR_FORMULA(name), *dx, *dy, *z);                                 \
  }
#include "kernels.def"

namespace {

// A formula with one parameter more than operands, set to the same number for every element.
#define NR_WITH_PARAMETER(name, parameter) \
  [p = parameter](floating auto v, auto... more) { return name##_formula(v, more..., decltype(v)(p)); }

// Bounds become values of the tensor's own type, so that int64 bounds keep all their bits.
struct clamp_between {
  nr_scalar low, high;
  template <number V>
  V operator()(V x) const {
    using T = lane_t<V>;
    return clamp_formula(x, V(from_scalar<T>(low)), V(from_scalar<T>(high)));
  }
};

}  // namespace

void leaky_relu(nr_context* ctx, const nr_tensor* x, nr_tensor* y, double negative_slope) {
  map_elements(ctx, NR_WITH_PARAMETER(leaky_relu, negative_slope), *y, *x);
}
void leaky_relu_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx,
                         double negative_slope) {
  map_elements(ctx, NR_WITH_PARAMETER(leaky_relu_backward, negative_slope), *dx, *dy, *x);
}
void elu(nr_context* ctx, const nr_tensor* x, nr_tensor* y, double alpha) {
  map_elements(ctx, NR_WITH_PARAMETER(elu, alpha), *y, *x);
}
void elu_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx, double alpha) {
  map_elements(ctx, NR_WITH_PARAMETER(elu_backward, alpha), *dx, *dy, *x);
}
void clamp(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_scalar low, nr_scalar high) {
  map_elements(ctx, clamp_between{low, high}, *y, *x);
}

}  // namespace neurite::NR_ISA
