// A convolution's sizes over three spatial axes (missing leading axes have size 1), x and y seen as [B, C, ...].
#pragma once
#include "window.h"

namespace neurite::cuda {
namespace {

struct ConvShape {
  int64_t batch, groups, channels, filters;  // channels and filters of one group
  WindowAxis axis[3];                        // their size is the kernel's

  int64_t inputs() const { return int64_t{axis[0].in} * axis[1].in * axis[2].in; }
  int64_t outputs() const { return int64_t{axis[0].out} * axis[1].out * axis[2].out; }
  int64_t taps() const { return int64_t{axis[0].size} * axis[1].size * axis[2].size; }
};

inline ConvShape make_conv_shape(const nr_tensor& x, const nr_tensor& w, const nr_tensor& y, const nr_ints& stride,
                                 const nr_ints& padding, const nr_ints& dilation, int64_t groups) {
  ConvShape s = {x.shape[0], groups, w.shape[1], w.shape[0] / groups, {}};
  for (int64_t i = 0; i < 3; i++) {
    const int64_t own = i - (3 - stride.count);
    s.axis[i] = own < 0 ? make_window_axis(1, 1, 1, 1, 0, 1)
                        : make_window_axis(x.shape[2 + own], y.shape[2 + own], w.shape[2 + own], stride.at[own],
                                           padding.at[own], dilation.at[own]);
  }
  return s;
}

// Whether groups are so narrow that tiles of products would be almost empty.
constexpr int64_t most_direct_channels = 8;

inline bool is_direct(const ConvShape& s) {
  return s.channels <= most_direct_channels && s.filters <= most_direct_channels;
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

// Weights as the sums over `sources` channels that each of `targets` channels is made of: those of x and of y in the
// forward, the other way round in the gradient of the input.
template <class T>
struct ConvWeights {
  const T* data;
  int64_t group, target, source, tap[3];
};

template <class T>
ConvWeights<T> weights_of(const ConvShape& s, const nr_tensor& w, bool is_gradient) {
  const PlaceView<const T> v(w);
  return {v.data,
          s.filters * v.batch,
          is_gradient ? v.channel : v.batch,
          is_gradient ? v.batch : v.channel,
          {v.stride[0], v.stride[1], v.stride[2]}};
}

}  // namespace
}  // namespace neurite::cuda
