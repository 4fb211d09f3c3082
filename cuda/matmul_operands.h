// From a plan to what kernels take: operands, endings, launches in parts.
#pragma once
#include "matmul_plan.h"
#include "matrix_ending.h"
#include "matrix_operand.h"

namespace neurite::cuda {
namespace {

template <class T>
MatrixOperand<T> make_operand(const MatmulOperand& o, int64_t depth) {
  MatrixOperand<T> m = {
      static_cast<const T*>(o.data), o.line_stride, o.depth_stride, o.lines, o.panel, o.is_along_depth(), 0,
      strided<1>({&o.batches})};
  if ((m.is_along_depth ? o.depth_stride : o.line_stride) != 1) return m;
  uint64_t address = reinterpret_cast<uintptr_t>(o.data);
  const auto also = [&](int64_t stride) { address |= static_cast<uint64_t>(stride) * sizeof(T); };
  if (m.is_along_depth ? o.lines > 1 : depth > 1) also(m.is_along_depth ? o.line_stride : o.depth_stride);
  also(o.panel);
  for (int32_t d = 0; d < o.batches.ndim; d++) also(o.batches.stride[d]);
  m.granule = 16;
  while (address % static_cast<uint64_t>(m.granule) != 0) m.granule /= 2;
  return m;
}

template <class T>
MatrixEnding<T> make_ending(const MatmulPlan& p) {
  MatrixEnding<T> e = {};
  e.epilogue = make_epilogue<T>(p.y, p.residual, p.preactivation, p.activation);
  e.bias = p.bias.present ? static_cast<const T*>(p.bias.tensor.data) : nullptr;
  e.bias_stride = p.bias.tensor.stride[0];
  e.batches = p.batches;
  e.rows = (p.is_turned ? p.b : p.a).lines;
  e.columns = (p.is_turned ? p.a : p.b).lines;
  e.is_turned = p.is_turned;
  return e;
}

// Launches multiply(ending), and what adds the parts of the grid up, if there are several.
template <class T, class Multiply>
void in_parts(nr_context* ctx, const MatmulPlan& p, const TileGrid& grid, const Multiply& multiply) {
  MatrixEnding<T> ending = make_ending<T>(p);
  if (grid.parts == 1) return multiply(ending);
  ending.parts = static_cast<sum_of<T>*>(
      ctx->scratch(ctx, static_cast<size_t>(grid.parts) * static_cast<size_t>(p.numel()) * sizeof(sum_of<T>)));
  if (!ending.parts) return;
  multiply(ending);
  finish_parts(ctx, ending, grid.parts);
}

}  // namespace
}  // namespace neurite::cuda
