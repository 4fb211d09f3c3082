// A pooling's sizes.
#pragma once
#include "window.h"

namespace neurite::cuda {
namespace {

struct PoolExtent {
  int64_t at[3];
  int64_t count() const { return at[0] * at[1] * at[2]; }
};

struct PoolShape {
  int64_t batch, channels;
  WindowAxis axis[3];

  PoolExtent inputs() const { return {{axis[0].in, axis[1].in, axis[2].in}}; }
  PoolExtent outputs() const { return {{axis[0].out, axis[1].out, axis[2].out}}; }
  template <class Body>
  void each_part(nr_context* ctx, const PoolExtent& extent, const Body& body) const {
    cuda::each_part(ctx, batch, channels, extent.at, false, body);
  }
};

inline PoolShape make_pool_shape(const nr_tensor& x, const nr_tensor& y, const nr_ints& size, const nr_ints& stride,
                                 const nr_ints& padding, const nr_ints* dilation) {
  PoolShape s = {x.shape[0], x.shape[1], {}};
  for (int64_t i = 0; i < 3; i++) {
    const int64_t own = i - (3 - size.count);
    s.axis[i] = own < 0 ? make_window_axis(1, 1, 1, 1, 0, 1)
                        : make_window_axis(x.shape[2 + own], y.shape[2 + own], size.at[own], stride.at[own],
                                           padding.at[own], dilation ? dilation->at[own] : 1);
  }
  return s;
}

}  // namespace
}  // namespace neurite::cuda
