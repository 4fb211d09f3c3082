// A matrix product as its kernels see it: y [batches, rows, columns] of operands A [lines, depth] and B [lines, depth],
// where lines of A are y's rows and lines of B its columns, or the other way round once the plan is turned. Batch dims
// over which b stays the same and a walks on evenly become rows: a linear layer on [B, T, K] is one product.
#pragma once
#include <utility>

#include "backend.h"

namespace neurite::cuda {

struct MatmulOperand {
  const void* data;
  int64_t line_stride, depth_stride, lines;
  int64_t panel;  // 0, or elements from 32 lines that lie side by side to the next ones (matmul_pack)
  nr_tensor batches;

  // Whether chunks should run along the depth: it lies side by side, or the lines do not either.
  bool is_along_depth() const { return depth_stride == 1 || (line_stride != 1 && !panel); }
};

struct MatmulPlan {
  MatmulOperand a, b;
  int64_t batches, depth;
  nr_tensor y;
  nr_optional bias, residual, preactivation;
  int64_t activation;
  bool is_turned;

  void turn() {
    std::swap(a, b);
    is_turned = !is_turned;
  }
  int64_t numel() const { return batches * a.lines * b.lines; }
};

// 16-bit floats on sm_90a; false if the product is not one for it.
bool matmul_hopper(nr_context* ctx, const MatmulPlan& plan);

// By shape, dtype and device one of these multiplies:
void matmul_mma(nr_context* ctx, const MatmulPlan& plan);   // 16-bit floats, on tensor cores
void matmul_tf32(nr_context* ctx, const MatmulPlan& plan);  // float32 to the precision of tf32, on tensor cores
void matmul_simt(nr_context* ctx, const MatmulPlan& plan);  // every dtype
void matmul_thin(nr_context* ctx, const MatmulPlan& plan);  // every dtype, for few lines of A

constexpr int64_t thin_lines = 4;  // of A, at most, in matmul_thin

// Into how many parts to cut the depth, so that `blocks` become enough to fill the device: parts have at least
// `least_depth`, and no more than 2^30, of it.
int64_t matmul_parts(nr_context* ctx, int64_t blocks, int64_t blocks_of_processor, int64_t depth, int64_t least_depth);

}  // namespace neurite::cuda
