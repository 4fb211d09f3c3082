// Arithmetic of two operands with broadcasting, and where. Each NR_BINARY line of kernels.def becomes a kernel around
// its formula; NR_DIVISION kernels look at all divisors first: a zero among integers leaves the target alone.
#include "elementwise.h"
#include "inspect.h"
#include "table.h"

namespace neurite::cuda {
namespace {

#define NR_KERNEL(...)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)
#define NR_REDUCE(name)
#define NR_COMPARE(name)
#define NR_BINARY(name) NR_OP(name)
#include "kernels.def"

struct where_op {
  template <class V>
  __device__ V operator()(int32_t condition, V a, V b) const {
    return condition ? a : b;
  }
};

template <class T>
struct RefuseZero {
  Check check;
  __device__ void operator()(T divisor, int64_t) const {
    if (divisor == 0) check.fail();
  }
};

constexpr char zero_code[] = "DIVISION_BY_ZERO", zero_text[] = "expected integer divisors other than zero, got 0";

// False if the command has failed already.
bool refuse_zeros(nr_context* ctx, const nr_operand& divisor) {
  bool fine = true;
  dispatch(integer_types{}, divisor.tensor.dtype, [&]<class T>() {
    if (divisor.tensor.data) {
      const Check check = take_check(ctx, zero_code, zero_text);
      inspect<T>(ctx, divisor.tensor, RefuseZero<T>{check});
      require(ctx, check);
    } else if (static_cast<T>(divisor.immediate) == 0) {
      ctx->fail(ctx, zero_code, zero_text);
      fine = false;
    }
  });
  return fine;
}

}  // namespace

#define NR_KERNEL(...)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)
#define NR_REDUCE(name)
#define NR_COMPARE(name)
#define NR_BINARY(name)                                                                \
  void name(nr_context* ctx, const nr_operand* a, const nr_operand* b, nr_tensor* y) { \
    map_elements(ctx, name##_op{}, y, a, b);                                           \
  }
#define NR_DIVISION(name)                                                              \
  void name(nr_context* ctx, const nr_operand* a, const nr_operand* b, nr_tensor* y) { \
    if (refuse_zeros(ctx, *b)) map_elements(ctx, name##_op{}, y, a, b);                \
  }
#include "kernels.def"

void where(nr_context* ctx, const nr_tensor* condition, const nr_operand* a, const nr_operand* b, nr_tensor* y) {
  dispatch_value(y->dtype, [&]<class V>() {
    launch_elementwise<typename Stored<V>::types, int32_t, V, V>(ctx, where_op{}, {y}, condition, a, b);
  });
}

}  // namespace neurite::cuda
