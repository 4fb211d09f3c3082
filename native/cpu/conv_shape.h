// A convolution's sizes over three spatial axes (missing leading axes have size 1) and the three patch matrices it is
// computed with.
#pragma once
#include "cpu/patches.h"

namespace neurite::NR_ISA {
namespace {

struct conv_axis {
  int64_t in, out, kernel, stride, padding, dilation;
};

struct conv_shape {
  int64_t batch, groups, channels, filters;  // channels and filters of one group
  conv_axis axis[3];

  int64_t inputs() const { return axis[0].in * axis[1].in * axis[2].in; }
  int64_t outputs() const { return axis[0].out * axis[1].out * axis[2].out; }
  int64_t taps() const { return axis[0].kernel * axis[1].kernel * axis[2].kernel; }
};

inline conv_shape make_conv_shape(const nr_tensor& x, const nr_tensor& w, const nr_tensor& y, const nr_ints& stride,
                                  const nr_ints& padding, const nr_ints& dilation, int64_t groups) {
  conv_shape s = {x.shape[0], groups, w.shape[1], w.shape[0] / groups, {}};
  for (int i = 0; i < 3; i++) {
    const int64_t own = i - (3 - stride.count);
    s.axis[i] = own < 0 ? conv_axis{1, 1, 1, 1, 0, 1} : conv_axis{x.shape[2 + own], y.shape[2 + own], w.shape[2 + own],
                                                                  stride.at[own],   padding.at[own],  dilation.at[own]};
  }
  return s;
}

// t [B, ..., C] as [B, C, ...]; strides follow.
inline nr_tensor channels_first(const nr_tensor& t) {
  nr_tensor out = t;
  out.shape[1] = t.shape[t.ndim - 1];
  out.stride[1] = t.stride[t.ndim - 1];
  for (int d = 2; d < t.ndim; d++) {
    out.shape[d] = t.shape[d - 1];
    out.stride[d] = t.stride[d - 1];
  }
  return out;
}

// The stride of spatial axis i (of three) of t; 0 for an axis that t does not have.
inline int64_t spatial_stride(const nr_tensor& t, int i) {
  const int own = i - (3 - (t.ndim - 2));
  return own < 0 ? 0 : t.stride[2 + own];
}

// Patches of x: one row per (channel, tap), one column per output.
inline patches input_patches(const conv_shape& s, const nr_tensor& x) {
  patches p = {s.channels, x.stride[1], {}};
  for (int i = 0; i < 3; i++) {
    const auto& a = s.axis[i];
    p.axis[i] = {a.in, spatial_stride(x, i), a.out, a.stride, a.kernel, -a.padding, a.dilation};
  }
  return p;
}

// The planes of dy: one row per filter, one column per output.
inline patches output_planes(const conv_shape& s, const nr_tensor& dy) {
  patches p = {s.filters, dy.stride[1], {}};
  for (int i = 0; i < 3; i++) {
    const int64_t n = s.axis[i].out;
    p.axis[i] = {n, spatial_stride(dy, i), n, 1, 1, 0, 0};
  }
  return p;
}

// The inputs with coordinates residue + j * stride along one axis, and the taps that reach them: kernel index
// first + t * step at output coordinate j + base + t * slope.
struct conv_phase {
  int64_t residue, positions;
  int64_t taps, first, step, base, slope;
};

inline conv_phase make_conv_phase(const conv_axis& a, int64_t residue) {
  int64_t common = a.stride;  // greatest common divisor of stride and dilation
  for (int64_t rest = a.dilation % common; rest != 0;) {
    const int64_t next = common % rest;
    common = rest;
    rest = next;
  }
  conv_phase p = {residue, ceil_div(a.in - residue, a.stride), 0, 0, a.stride / common, 0, -(a.dilation / common)};
  for (int64_t k = 0; k < smaller(a.kernel, p.step); k++) {
    const int64_t reached = residue + a.padding - k * a.dilation;
    if (reached % a.stride != 0) continue;
    p.first = k;
    p.taps = ceil_div(a.kernel - k, p.step);
    p.base = reached / a.stride;
    break;
  }
  return p;
}

// Patches of dy for one phase: one row per (filter, tap of the phase), one column per input of the phase.
inline patches output_patches(const conv_shape& s, const nr_tensor& dy, const conv_phase (&phase)[3]) {
  patches p = {s.filters, dy.stride[1], {}};
  for (int i = 0; i < 3; i++) {
    const conv_phase& f = phase[i];
    p.axis[i] = {s.axis[i].out, spatial_stride(dy, i), f.positions, 1, f.taps, f.base, f.slope};
  }
  return p;
}

}  // namespace
}  // namespace neurite::NR_ISA
