// Matrix products of 16-bit floats on tensor cores (mma_matmul.h), with float32 sums.
#include "dispatch.h"
#include "mma_matmul.h"

namespace neurite::cuda {

void matmul_mma(nr_context* ctx, const MatmulPlan& p) {
  dispatch(half_types{}, p.y.dtype, [&]<class T>() { multiply_by_layout<T>(ctx, p); });
}

}  // namespace neurite::cuda
