// Matrix products of float32 on tensor cores (mma_matmul.h): operands are rounded to tf32, sums are of float32.
#include "mma_matmul.h"

namespace neurite::cuda {

void matmul_tf32(nr_context* ctx, const MatmulPlan& p) {
  multiply_by_layout<float>(ctx, p);
}

}  // namespace neurite::cuda
