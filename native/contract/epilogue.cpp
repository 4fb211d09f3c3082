// What products do to their results (cpu/epilogue.h): a residual and a preactivation that lie as the result does.
#include "contract/contract.h"

namespace neurite::contract {

verdict epilogue(const nr_optional& residual, const nr_tensor& y, const nr_optional& preactivation,
                 int64_t activation) {
  if (activation < 0 || activation >= nr_activation_count) return "the code of an activation";
  if (!is_float(y) && (activation || residual.present || preactivation.present))
    return "a floating dtype where there is an activation or a residual";
  const nr_optional* const optional[] = {&residual, &preactivation};
  for (const nr_optional* t : optional) {
    if (!t->present) continue;
    if (t->tensor.dtype != y.dtype || !same_shape(t->tensor, y) || !is_contiguous(t->tensor))
      return "a residual and a preactivation that are contiguous and of the result's dtype and shape";
  }
  return nullptr;
}

}  // namespace neurite::contract
