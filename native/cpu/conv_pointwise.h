// Convolutions with one tap that meets every position: a matrix product per image and group, of weights that are
// broadcast with planes whose positions lie side by side, both where they are (matmul_in_place.h).
#pragma once
#include "cpu/conv_shape.h"
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

// y[image, group] = w[group] · planes[image, group] + bias. `w` has the strides of group, filter and channel.
template <class T>
void multiply_planes(nr_context* ctx, const conv_shape& s, const patches& p, const T* source, int64_t image_stride,
                     int64_t group_stride, int64_t filters, const T* w, const int64_t (&w_stride)[3], const T* bias,
                     T* y) {
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
  in_place_matmul<T>(ctx, plan, w, source, bias, nullptr, y, {});
}

}  // namespace
}  // namespace neurite::NR_ISA
