// Convolutions with one tap that meets every position: a matrix product per image and group, of weights that are
// broadcast with planes whose positions lie side by side, both where they are (matmul_in_place.h); of channels-last
// images a single one.
#pragma once
#include "cpu/conv_planes.h"
#include "cpu/conv_weights.h"
#include "cpu/matmul_in_place.h"

namespace neurite::NR_ISA {
namespace {

// Where positions fill vectors, or each weight is used for few of them: else packed weights fill lanes better
// (conv_direct.h).
template <class T, class In>
bool is_pointwise(const conv_shape& s, const patches& p) {
  if (!std::is_same_v<T, In> || !p.is_plain() || p.axis[2].stride != 1) return false;
  const int64_t positions = p.positions(), lanes = round_up(positions, vector_t<T>::width);
  return 100 * positions >= 97 * lanes || s.batch * positions <= 256;
}

// to[image, group] from w[group] · planes[image, group]. `w` has the strides of group, filter and channel.
template <class T>
void multiply_planes(nr_context* ctx, const conv_shape& s, const patches& p, const T* source, int64_t image_stride,
                     int64_t group_stride, int64_t filters, const T* w, const int64_t (&w_stride)[3],
                     const conv_planes<T, T>& to) {
  matmul_plan plan = {};
  plan.M = filters;
  plan.N = p.positions();
  plan.K = p.channels;
  plan.batches = s.batch * s.groups;
  plan.a_stride_m = w_stride[1];
  plan.a_stride_k = w_stride[2];
  plan.b_stride_k = p.channel_stride;
  plan.b_stride_n = 1;
  plan.a = {2, {s.batch, s.groups}, {0, w_stride[0]}};
  plan.b = {2, {s.batch, s.groups}, {image_stride, group_stride}};
  plan.row_bias = {2, {s.batch, s.groups}, {0, filters}};
  in_place_matmul<T>(ctx, plan, w, source, to.bias, nullptr, to.data, to.ending);
}

// Whether the positions of all images are rows, one after the other, of channels side by side.
inline bool is_rows(const conv_shape& s, const patches& p, int64_t image_stride) {
  return s.groups == 1 && p.is_plain() && p.channel_stride == 1 &&
         (s.batch == 1 || image_stride == p.positions() * p.axis[2].stride);
}

// The same where both images and results lie so: one product of all rows, which are broadcast, with weights in panels.
template <class T>
void multiply_rows(nr_context* ctx, const conv_shape& s, const patches& p, const T* rows,
                   const weight_rows<T, T>& weights, const conv_planes<T, T>& to) {
  const int64_t size = p.channels * panel_columns, panels = ceil_div(s.filters, panel_columns);
  const T* laid_out = s.filters >= panel_columns && weights.w.is_packed ? weights.w.data : nullptr;
  if (!laid_out) {
    T* packed = scratch<T>(ctx, panels * size);
    if (!packed) return;
    parallel_tasks(ctx, panels, [&](int64_t index, int32_t) {
      const int64_t first = index * panel_columns, count = smaller(panel_columns, s.filters - first);
      weights.panel(packed + index * size, 0, first, count, 0, p.channels, panel_columns);
    });
    laid_out = packed;
  }
  matmul_plan plan = {};
  plan.M = s.batch * p.positions();
  plan.N = s.filters;
  plan.K = p.channels;
  plan.batches = 1;
  plan.a_stride_m = p.axis[2].stride;
  plan.a_stride_k = 1;
  plan.b_stride_k = panel_columns;
  plan.b_stride_n = 1;
  plan.b_panel = size;
  in_place_matmul<T>(ctx, plan, rows, laid_out, nullptr, to.bias, to.data, to.ending);
}

}  // namespace
}  // namespace neurite::NR_ISA
