// The planes a convolution writes, and what becomes of its sums on the way: a bias for each filter, and an epilogue.
// They lie one after the other, or, channels-last, side by side; a part of them may be written, positions apart.
#pragma once
#include "cpu/epilogue.h"

namespace neurite::NR_ISA {
namespace {

template <class T, class Out>
struct conv_planes {
  Out* data;
  int64_t image_stride, plane_stride, stride[3];  // from image to image, plane to plane, and along the axes
  const T* bias = nullptr;                        // of each plane of an image, or NULL
  epilogue<T, Out> ending = {};                   // only where all of the result is written

  bool is_channels_last() const { return plane_stride == 1 && stride[2] != 1; }
  int64_t offset(int64_t image, int64_t plane, int64_t d, int64_t h, int64_t w) const {
    return image * image_stride + plane * plane_stride + d * stride[0] + h * stride[1] + w * stride[2];
  }
  const T* bias_from(int64_t plane) const { return bias ? bias + plane : nullptr; }

  // Sums of n <= W positions in a line from `to` on, rows of up to W planes, `from_stride` apart.
  void write_positions(const T* from, int64_t from_stride, int64_t to, int64_t n, int64_t planes) const {
    if (plane_stride == 1) return ending.finish(from, from_stride, data, to, stride[2], n, planes);
    if (stride[2] == 1) return ending.finish_turned(from, from_stride, data, to, plane_stride, planes, n);
    for (int64_t p = 0; p < planes; p++)
      for (int64_t i = 0; i < n; i++)
        data[to + p * plane_stride + i * stride[2]] = convert<Out>(from[i * from_stride + p]);
  }

  // Sums of up to W positions in a line of one plane from `to` on, in `lines` rows a vector apart.
  void write_lines(const T* from, int64_t to, int64_t lines, int64_t n) const {
    constexpr int64_t W = vector_t<T>::width;
    if (stride[2] == 1) return ending.finish(from, W, data, to, stride[1], lines, n);
    for (int64_t i = 0; i < lines; i++)
      ending.finish_turned(from + i * W, W, data, to + i * stride[1], stride[2], n, 1);
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
