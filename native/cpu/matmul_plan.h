// What a matrix product is once flags, broadcasting and layouts are resolved: y[batch] (M × N, contiguous) = a[batch] ·
// b[batch] + bias, with element strides per matrix dim and per batch dim. Batch dims over which b stays the same and a
// walks on evenly become rows: a linear layer on [B, T, K] is one product of B·T rows.
#pragma once
#include "cpu/gemm.h"

namespace neurite::NR_ISA {
namespace {

// Offsets of the matrices of one operand: batch index -> element offset.
struct batch_offsets {
  int32_t ndim = 0;
  int64_t shape[NR_MAX_DIMS] = {};
  int64_t stride[NR_MAX_DIMS] = {};

  int64_t operator[](int64_t index) const {
    int64_t offset = 0;
    for (int32_t d = ndim - 1; d >= 0; d--) {
      offset += index % shape[d] * stride[d];
      index /= shape[d];
    }
    return offset;
  }
  bool is_constant() const {
    for (int32_t d = 0; d < ndim; d++)
      if (stride[d] != 0 && shape[d] > 1) return false;
    return true;
  }
};

// Columns of b lie side by side by so many, each such panel apart from the next: side by side too in a plain matrix.
inline constexpr int64_t panel_columns = 32;

struct matmul_plan {
  int64_t M, N, K, batches;
  int64_t a_stride_m, a_stride_k, b_stride_k, b_stride_n;
  batch_offsets a, b, row_bias;
  int64_t b_panel = panel_columns;  // elements from panel to panel, where b_stride_n is 1

  bool is_packed() const { return b_panel != panel_columns; }
  int64_t b_column(int64_t n) const {
    return b_stride_n == 1 ? n / panel_columns * b_panel + n % panel_columns : n * b_stride_n;
  }
};

// The stride of operand `t` along batch dim d of y (a result of y_ndim dims); 0 where it broadcasts.
inline int64_t batch_stride(const nr_tensor& t, int32_t y_ndim, int32_t d) {
  const int32_t own = d - (y_ndim - t.ndim);
  return own < 0 || t.shape[own] == 1 ? 0 : t.stride[own];
}

inline matmul_plan plan_matmul(const nr_tensor& a, const nr_tensor& b, const nr_tensor& y, bool transpose_a,
                               bool transpose_b) {
  const int32_t am = a.ndim - (transpose_a ? 1 : 2), ak = a.ndim - (transpose_a ? 2 : 1);
  const int32_t bk = b.ndim - (transpose_b ? 1 : 2), bn = b.ndim - (transpose_b ? 2 : 1);
  matmul_plan p = {};
  p.M = a.shape[am];
  p.K = a.shape[ak];
  p.N = b.shape[bn];
  p.a_stride_m = a.stride[am];
  p.a_stride_k = a.stride[ak];
  p.b_stride_k = b.stride[bk];
  p.b_stride_n = b.stride[bn];
  p.batches = 1;

  int32_t d = y.ndim - 3;
  for (; d >= 0; d--) {
    const int64_t n = y.shape[d], step = batch_stride(a, y.ndim, d);
    if (n == 1) continue;
    if (batch_stride(b, y.ndim, d) != 0 || (p.M != 1 && step != p.M * p.a_stride_m)) break;
    if (p.M == 1) p.a_stride_m = step;
    p.M *= n;
  }
  p.a.ndim = p.b.ndim = d + 1;
  for (; d >= 0; d--) {
    p.a.shape[d] = p.b.shape[d] = y.shape[d];
    p.a.stride[d] = batch_stride(a, y.ndim, d);
    p.b.stride[d] = batch_stride(b, y.ndim, d);
    p.batches *= y.shape[d];
  }
  return p;
}

// y = a · b with one column is yᵀ = bᵀ · aᵀ with one row.
inline matmul_plan swapped(const matmul_plan& p) {
  return {p.N, p.M, p.K, p.batches, p.b_stride_n, p.b_stride_k, p.a_stride_k, p.a_stride_m, p.b, p.a, {}};
}

}  // namespace
}  // namespace neurite::NR_ISA
