// Weights of a convolution as its ways read them: a tensor [O, C / groups, taps] of any strides, or a copy laid out
// ahead in panels of neighbouring filters, [groups, panels, C / groups · taps, lanes], the last panel of a group filled
// up with zeros. The layout is the same for every instruction set.
#pragma once
#include "cpu/conv_shape.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t panel_filters = 32;

template <class In>
struct conv_weights {
  const In* data;
  int64_t group, panel, filter, channel, tap[3];  // strides; a panel is 32 filters
  bool is_packed;

  const In* at(int64_t g, int64_t f) const {
    return data + g * group + f / panel_filters * panel + f % panel_filters * filter;
  }
};

template <class In>
inline conv_weights<In> plain_weights(const conv_shape& s, const nr_tensor& w) {
  return {static_cast<const In*>(w.data),
          s.filters * w.stride[0],
          panel_filters * w.stride[0],
          w.stride[0],
          w.stride[1],
          {spatial_stride(w, 0), spatial_stride(w, 1), spatial_stride(w, 2)},
          false};
}

template <class In>
inline conv_weights<In> packed_weights(const conv_shape& s, const nr_tensor& packed) {
  const int64_t lanes = packed.shape[3], panel = packed.shape[2] * lanes;
  const int64_t plane = s.axis[1].kernel * s.axis[2].kernel, line = s.axis[2].kernel;
  return {static_cast<const In*>(packed.data),
          packed.shape[1] * panel,
          panel,
          1,
          s.taps() * lanes,
          {plane * lanes, line * lanes, lanes},
          true};
}

// Whether channels and taps of a filter lie side by side.
inline bool is_dense_filter(const conv_shape& s, const nr_tensor& w) {
  int64_t expected = 1;
  for (int32_t d = w.ndim - 1; d > 0; d--) {
    if (w.shape[d] != 1 && w.stride[d] != expected) return false;
    expected *= w.shape[d];
  }
  return expected == s.channels * s.taps();
}

// The rows of a product with patches: row f of a group is a filter, step k a channel and a tap.
template <class T, class In>
struct weight_rows {
  int64_t variants;  // groups
  const conv_shape& shape;
  conv_weights<In> w;
  int64_t step = find_step();  // from each k to the next, 0 where these lie anyhow

  void panel(T* dst, int64_t group, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const bool is_even = first / panel_filters == (first + count - 1) / panel_filters || !w.is_packed;
    if (step && is_even) return pack_panel(w.at(group, first) + k * step, w.filter, step, count, depth, dst, width);
    for (int64_t i = 0; i < depth; i++, dst += width) {
      const int64_t from = offset(k + i);
      for (int64_t p = 0; p < count; p++) dst[p] = convert<T>(w.at(group, first + p)[from]);
      for (int64_t p = count; p < width; p++) dst[p] = T{};
    }
  }

  // Whether tiles of filters can be multiplied where they lie, in panels of `step` lanes.
  bool has_tiles() const { return std::is_same_v<T, In> && w.is_packed && step % tile_columns<T> == 0; }
  const T* tile(int64_t group, int64_t first) const { return reinterpret_cast<const T*>(w.at(group, first)); }

 private:
  int64_t offset(int64_t k) const {
    int64_t total = 0;
    for (int axis = 2; axis >= 0; axis--) {
      total += k % shape.axis[axis].kernel * w.tap[axis];
      k /= shape.axis[axis].kernel;
    }
    return total + k * w.channel;
  }
  int64_t find_step() const {
    const int64_t size[4] = {shape.channels, shape.axis[0].kernel, shape.axis[1].kernel, shape.axis[2].kernel};
    const int64_t stride[4] = {w.channel, w.tap[0], w.tap[1], w.tap[2]};
    int64_t found = 0, count = 1;
    for (int d = 3; d >= 0; d--) {
      if (size[d] == 1) continue;
      if (!found) found = stride[d];
      if (stride[d] != found * count) return 0;
      count *= size[d];
    }
    return found ? found : w.is_packed ? w.tap[2] : 1;
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
