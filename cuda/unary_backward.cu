// The derivatives of activations: each NR_UNARY_BACKWARD line of kernels.def becomes a kernel around its formula.
#include "elementwise.h"
#include "table.h"

namespace neurite::cuda {
namespace {

#define NR_KERNEL(...)
#define NR_BINARY(name)
#define NR_COMPARE(name)
#define NR_REDUCE(name)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name) NR_OP(name)
#include "kernels.def"

struct leaky_relu_backward_op {
  double negative_slope;
  template <floating V>
  __device__ V operator()(V dy, V x) const {
    return leaky_relu_backward_formula(dy, x, V(negative_slope));
  }
};
struct elu_backward_op {
  double alpha;
  template <floating V>
  __device__ V operator()(V dy, V x) const {
    return elu_backward_formula(dy, x, V(alpha));
  }
};

}  // namespace

#define NR_KERNEL(...)
#define NR_BINARY(name)
#define NR_COMPARE(name)
#define NR_REDUCE(name)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)                                                        \
  void name(nr_context* ctx, const nr_tensor* dy, const nr_tensor* z, nr_tensor* dx) { \
    map_elements(ctx, name##_op{}, dx, dy, z);                                         \
  }
#include "kernels.def"

void leaky_relu_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx,
                         double negative_slope) {
  map_elements(ctx, leaky_relu_backward_op{negative_slope}, dx, dy, x);
}
void elu_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx, double alpha) {
  map_elements(ctx, elu_backward_op{alpha}, dx, dy, x);
}

}  // namespace neurite::cuda
