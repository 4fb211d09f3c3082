// Elementwise kernels of one operand: each NR_UNARY line of kernels.def becomes a kernel around its formula.
#include "elementwise.h"
#include "table.h"

namespace neurite::cuda {
namespace {

#define NR_KERNEL(...)
#define NR_BINARY(name)
#define NR_COMPARE(name)
#define NR_REDUCE(name)
#define NR_UNARY_BACKWARD(name)
#define NR_UNARY(name) NR_OP(name)
#include "kernels.def"

struct leaky_relu_op {
  double negative_slope;
  template <floating V>
  __device__ V operator()(V x) const {
    return leaky_relu_formula(x, V(negative_slope));
  }
};
struct elu_op {
  double alpha;
  template <floating V>
  __device__ V operator()(V x) const {
    return elu_formula(x, V(alpha));
  }
};
template <class V>
struct clamp_op {
  V low, high;
  __device__ V operator()(V x) const { return clamp_formula(x, low, high); }
};

}  // namespace

#define NR_KERNEL(...)
#define NR_BINARY(name)
#define NR_COMPARE(name)
#define NR_REDUCE(name)
#define NR_UNARY_BACKWARD(name)
#define NR_UNARY(name)                                           \
  void name(nr_context* ctx, const nr_tensor* x, nr_tensor* y) { \
    map_elements(ctx, name##_op{}, y, x);                        \
  }
#include "kernels.def"

void leaky_relu(nr_context* ctx, const nr_tensor* x, nr_tensor* y, double negative_slope) {
  map_elements(ctx, leaky_relu_op{negative_slope}, y, x);
}
void elu(nr_context* ctx, const nr_tensor* x, nr_tensor* y, double alpha) {
  map_elements(ctx, elu_op{alpha}, y, x);
}
// Bounds become values of the tensor's own type, so that int64 bounds keep all their bits.
void clamp(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_scalar low, nr_scalar high) {
  dispatch(number_types{}, x->dtype, [&]<class T>() {
    using V = value_of<T>;
    const clamp_op<V> op{convert<V>(from_scalar<T>(low)), convert<V>(from_scalar<T>(high))};
    launch_elementwise<typename Stored<V>::types, V>(ctx, op, {y}, x);
  });
}

}  // namespace neurite::cuda
