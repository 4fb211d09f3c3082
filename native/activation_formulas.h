// The formulas of activations and of their derivatives, which take dy and the forward's input x or output y. Their form
// is that of formulas.h.
#pragma once
#include "formulas.h"

namespace neurite::NR_ISA {
namespace {

template <number V>
NR_DEVICE V relu_formula(V x) {
  return select(x < V(0), V(0), x);
}
template <floating V>
NR_DEVICE V relu_backward_formula(V dy, V y) {
  return select(y <= V(0), V(0), dy);
}

template <floating V>
NR_DEVICE V leaky_relu_formula(V x, V slope) {
  return select(x > V(0), x, x * slope);
}
template <floating V>
NR_DEVICE V leaky_relu_backward_formula(V dy, V x, V slope) {
  return select(x > V(0), dy, dy * slope);
}

template <floating V>
NR_DEVICE V elu_formula(V x, V alpha) {
  return select(x > V(0), x, alpha * expm1(x));
}
template <floating V>
NR_DEVICE V elu_backward_formula(V dy, V x, V alpha) {
  return select(x > V(0), dy, dy * alpha * exp(x));
}

template <floating V>
NR_DEVICE V tanh_backward_formula(V dy, V y) {
  return dy * (V(1) - y * y);
}

template <floating V>
NR_DEVICE V sigmoid_formula(V x) {
  return V(1) / (V(1) + exp(-x));
}
template <floating V>
NR_DEVICE V sigmoid_backward_formula(V dy, V y) {
  return dy * (V(1) - y) * y;
}

template <floating V>
NR_DEVICE V silu_formula(V x) {
  return x * sigmoid_formula(x);
}
template <floating V>
NR_DEVICE V silu_backward_formula(V dy, V x) {
  const V s = sigmoid_formula(x);
  return dy * s * (V(1) + x * (V(1) - s));
}

template <floating V>
NR_DEVICE V softplus_formula(V x) {
  return select(x > V(0), x, V(0)) + log1p(exp(-abs(x)));
}
template <floating V>
NR_DEVICE V softplus_backward_formula(V dy, V x) {
  return dy * sigmoid_formula(x);
}

// Gaussian error linear unit: x Φ(x), Φ(x) = (1 + erf(x / √2)) / 2.
template <floating V>
NR_DEVICE V gelu_formula(V x) {
  return x * V(0.5) * (V(1) + erf(x * V(0.70710678118654752)));
}
template <floating V>
NR_DEVICE V gelu_backward_formula(V dy, V x) {
  const V cdf = V(0.5) * (V(1) + erf(x * V(0.70710678118654752)));
  const V pdf = exp(V(-0.5) * x * x) * V(0.39894228040143268);
  return dy * (cdf + x * pdf);
}

// Its approximation x (1 + tanh(u)) / 2, u = √(2/π) (x + 0.044715 x³).
template <floating V>
NR_DEVICE V gelu_tanh_formula(V x) {
  const V u = V(0.79788456080286536) * x * (V(1) + V(0.044715) * x * x);
  return V(0.5) * x * (V(1) + tanh(u));
}
template <floating V>
NR_DEVICE V gelu_tanh_backward_formula(V dy, V x) {
  const V t = tanh(V(0.79788456080286536) * x * (V(1) + V(0.044715) * x * x));
  const V du = V(0.79788456080286536) * (V(1) + V(0.134145) * x * x);
  return dy * V(0.5) * (V(1) + t + x * (V(1) - t * t) * du);
}

}  // namespace
}  // namespace neurite::NR_ISA
