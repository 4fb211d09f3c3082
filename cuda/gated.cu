// Gated linear units (Dauphin et al. 2017, Shazeer 2020): y = f(gate) up for any activation f, and both gradients,
//   dup = dy f(gate), dgate = dy up f'(gate),
// in one pass. Operands may be strided: as a rule they are the halves of one projection.
#include "elementwise.h"
#include "table.h"

namespace neurite::cuda {
namespace {

#define NR_ACTIVATION(name)                                                                        \
  struct name##_gated_op {                                                                         \
    template <class V>                                                                             \
    __device__ V operator()(V gate, V up) const {                                                  \
      return name##_formula(gate) * up;                                                            \
    }                                                                                              \
  };                                                                                               \
  struct name##_gated_backward_op {                                                                \
    /* relu, tanh and sigmoid have derivatives of their output */                                  \
    static constexpr int64_t code = nr_activation_##name;                                          \
    static constexpr bool by_output =                                                              \
        code == nr_activation_relu || code == nr_activation_tanh || code == nr_activation_sigmoid; \
    template <class V>                                                                             \
    __device__ Two<V> operator()(V dy, V gate, V up) const {                                       \
      const V f = name##_formula(gate);                                                            \
      return {name##_backward_formula(dy * up, by_output ? f : gate), dy * f};                     \
    }                                                                                              \
  };
#include "activations.def"

}  // namespace

void gated(nr_context* ctx, const nr_tensor* gate, const nr_tensor* up, nr_tensor* y, int64_t activation) {
  dispatch(floating_types{}, y->dtype, [&]<class T>() {
    using V = value_of<T>;
    switch (activation) {
#define NR_ACTIVATION(name)  \
  case nr_activation_##name: \
    return launch_elementwise<typename Stored<V>::types, V, V>(ctx, name##_gated_op{}, {y}, gate, up);
#include "activations.def"
    }
  });
}

void gated_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* gate, const nr_tensor* up, nr_tensor* dgate,
                    nr_tensor* dup, int64_t activation) {
  dispatch(floating_types{}, dy->dtype, [&]<class T>() {
    using V = value_of<T>;
    switch (activation) {
#define NR_ACTIVATION(name)                                                                                          \
  case nr_activation_##name:                                                                                         \
    return launch_elementwise<typename Stored<V>::types, V, V, V>(ctx, name##_gated_backward_op{}, {dgate, dup}, dy, \
                                                                  gate, up);
#include "activations.def"
    }
  });
}

void gated_halves_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx, int64_t dim,
                           bool up_first, int64_t activation) {
  const auto half = [&](const nr_tensor& of, bool second) {
    nr_tensor t = of;
    t.shape[dim] /= 2;
    if (second) t.data = static_cast<char*>(t.data) + t.shape[dim] * t.stride[dim] * size_of(t.dtype);
    return t;
  };
  const nr_tensor gate = half(*x, up_first), up = half(*x, !up_first);
  nr_tensor dgate = half(*dx, up_first), dup = half(*dx, !up_first);
  gated_backward(ctx, dy, &gate, &up, &dgate, &dup, activation);
}

}  // namespace neurite::cuda
