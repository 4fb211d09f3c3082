// Comparison and logic with broadcasting: each NR_COMPARE line of kernels.def becomes a kernel around its formula.
#include "elementwise.h"
#include "table.h"

namespace neurite::cuda {
namespace {

#define NR_KERNEL(...)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)
#define NR_REDUCE(name)
#define NR_BINARY(name)
#define NR_COMPARE(name) NR_OP(name)
#include "kernels.def"

}  // namespace

#define NR_KERNEL(...)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)
#define NR_REDUCE(name)
#define NR_BINARY(name)
#define NR_COMPARE(name)                                                               \
  void name(nr_context* ctx, const nr_operand* a, const nr_operand* b, nr_tensor* y) { \
    map_elements(ctx, name##_op{}, y, a, b);                                           \
  }
#include "kernels.def"

}  // namespace neurite::cuda
