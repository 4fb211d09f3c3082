// Convolution with 3 × 3 taps by Winograd's F(4 × 4, 3 × 3): where it is used, and its three passes.
#pragma once
#include "cpu/conv_winograd_forward.h"
#include "cpu/conv_winograd_gradient.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t winograd_channels = 16, winograd_memory = int64_t{64} << 20;

// Whether the products saved are worth the transforms, as measured per channel and filter in products: those of the
// weights cost as much as 144, those of a tile as much as 4. Fewer channels or filters gain little.
template <class T>
inline bool is_winograd(const conv_shape& s, int64_t channels, int64_t filters, int64_t height, int64_t width) {
  const auto& a = s.axis;
  const auto is_plain = [](const conv_axis& i) { return i.kernel == 3 && i.stride == 1 && i.dilation == 1; };
  if (!std::is_same_v<T, float> || !is_plain(a[1]) || !is_plain(a[2])) return false;
  if (a[0].in != 1 || a[0].out != 1 || a[0].kernel != 1 || smaller(channels, filters) < winograd_channels) return false;
  const double tiles = static_cast<double>(make_tile_grid(s.batch, height, width).tiles());
  const double positions = static_cast<double>(s.batch) * static_cast<double>(height) * static_cast<double>(width);
  const double c = static_cast<double>(channels), f = static_cast<double>(filters);
  const double ahead = static_cast<double>(s.groups) * c * (tiles < f ? tiles : f) + winograd_smallest_block * (c + f);
  return 9 * positions > 40 * tiles + 144 && winograd_points * sizeof(T) * ahead <= double{winograd_memory};
}

template <class T, class In>
void winograd_conv(workspace& memory, const conv_shape& s, const nr_tensor& x, const conv_weights<In>& w,
                   const conv_planes<T, In>& planes) {
  const auto &h = s.axis[1], &l = s.axis[2];
  winograd_convolve<T, In>(memory, {s.groups,
                                    s.channels,
                                    s.filters,
                                    make_tile_grid(s.batch, h.out, l.out),
                                    make_tile_source<In>(x, -h.padding, -l.padding),
                                    filters_in_lanes(w),
                                    planes,
                                    {h.out, l.out}});
}

// The same with reversed taps, filters and channels exchanged.
template <class T, class In>
void winograd_backward_input(workspace& memory, const conv_shape& s, const nr_tensor& dy, const nr_tensor& w,
                             nr_tensor& dx) {
  const auto &h = s.axis[1], &l = s.axis[2];
  winograd_convolve<T, In>(memory,
                           {s.groups,
                            s.filters,
                            s.channels,
                            make_tile_grid(s.batch, h.in, l.in),
                            make_tile_source<In>(dy, h.padding - 2, l.padding - 2),
                            channels_in_lanes(plain_weights<In>(s, w)),
                            {static_cast<In*>(dx.data), s.groups * s.channels * s.inputs(), s.inputs(), {0, l.in, 1}},
                            {h.in, l.in}});
}

template <class T, class In>
void winograd_backward_weight(workspace& memory, const conv_shape& s, const nr_tensor& x, const nr_tensor& dy,
                              nr_tensor& dw) {
  const auto &h = s.axis[1], &l = s.axis[2];
  winograd_gradient<T, In>(memory, {s.groups, s.channels, s.filters, make_tile_grid(s.batch, h.out, l.out),
                                    make_tile_source<In>(x, -h.padding, -l.padding), make_tile_source<In>(dy, 0, 0),
                                    static_cast<In*>(dw.data)});
}

}  // namespace
}  // namespace neurite::NR_ISA
