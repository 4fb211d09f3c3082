// Optimizer steps: lists of equal length; a parameter and its state are contiguous, float32 or float64, and agree in
// shape and dtype with the gradient, which may have any layout.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

verdict params_and_grads(const nr_tensors& params, const nr_tensors& grads) {
  if (grads.count != params.count) return "one gradient per parameter";
  for (int64_t i = 0; i < params.count; i++) {
    const nr_tensor &p = params.at[i], &g = grads.at[i];
    if (p.dtype != nr_dtype_f32 && p.dtype != nr_dtype_f64) return "float32 or float64 parameters";
    if (!is_contiguous(p)) return "contiguous parameters";
    if (g.dtype != p.dtype || !same_shape(g, p)) return "gradients of their parameter's shape and dtype";
  }
  return nullptr;
}

verdict state(const nr_tensors& params, const nr_tensors& states) {
  if (states.count != params.count) return "one state per parameter";
  for (int64_t i = 0; i < params.count; i++) {
    const nr_tensor &p = params.at[i], &s = states.at[i];
    if (s.dtype != p.dtype || !same_shape(s, p) || !is_contiguous(s))
      return "contiguous states of their parameter's shape and dtype";
  }
  return nullptr;
}

}  // namespace

verdict sgd(nr_tensors* params, const nr_tensors* grads, nr_tensors* momentums, double, double momentum, double, double,
            bool, bool, bool) {
  if (verdict v = params_and_grads(*params, *grads)) return v;
  return momentum == 0 && momentums->count == 0 ? nullptr : state(*params, *momentums);
}

verdict adam(nr_tensors* params, const nr_tensors* grads, nr_tensors* exp_avgs, nr_tensors* exp_avg_sqs,
             nr_tensors* max_exp_avg_sqs, double, double, double, double, double, bool, bool, int64_t step) {
  if (step < 1) return "step >= 1";
  if (verdict v = params_and_grads(*params, *grads)) return v;
  if (verdict v = state(*params, *exp_avgs)) return v;
  if (verdict v = state(*params, *exp_avg_sqs)) return v;
  return max_exp_avg_sqs->count == 0 ? nullptr : state(*params, *max_exp_avg_sqs);
}

}  // namespace neurite::contract
