// Gated units: operands and results of one floating dtype and shape; results without repeated elements, and apart.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

verdict operands(const nr_tensor& gate, const nr_tensor& up, int64_t activation) {
  if (activation <= nr_activation_none || activation >= nr_activation_count) return "the code of an activation";
  return is_float(gate) && is_like(up, gate) ? nullptr : "a floating gate, and up of its shape and dtype";
}

}  // namespace

verdict gated(const nr_tensor* gate, const nr_tensor* up, nr_tensor* y, int64_t activation) {
  if (const verdict v = operands(*gate, *up, activation)) return v;
  return is_like(*y, *gate) && is_writable(*y) ? nullptr : "an output of the operands' shape and dtype";
}

verdict gated_backward(const nr_tensor* dy, const nr_tensor* gate, const nr_tensor* up, nr_tensor* dgate,
                       nr_tensor* dup, int64_t activation) {
  if (const verdict v = operands(*gate, *up, activation)) return v;
  if (!is_like(*dy, *gate)) return "dy of the operands' shape and dtype";
  const auto is_output = [&](const nr_tensor& t) { return is_like(t, *gate) && is_writable(t); };
  return is_output(*dgate) && is_output(*dup) ? nullptr : "gradients of the operands' shape and dtype";
}

verdict gated_halves_backward(const nr_tensor* dy, const nr_tensor* x, nr_tensor* dx, int64_t dim, bool,
                              int64_t activation) {
  if (const verdict v = operands(*x, *x, activation)) return v;
  if (dim < 0 || dim >= x->ndim || x->shape[dim] % 2 != 0) return "a dim of even size";
  nr_tensor half = *x;
  half.shape[dim] /= 2;
  if (!is_like(*dy, half)) return "dy of x's dtype, and of its shape but for half of dim";
  return is_like(*dx, *x) && is_writable(*dx) ? nullptr : "an output of x's shape and dtype";
}

}  // namespace neurite::contract
