// The operands and results of the matrix products a convolution is made of (see gemm.h for what they must offer): its
// weights, the patches of its images, and the planes it writes.
#pragma once
#include "cpu/conv_planes.h"
#include "cpu/conv_weights.h"

namespace neurite::NR_ISA {
namespace {

// Weights for one phase of the backward pass: rows are channels, k counts (filter, tap of the phase).
template <class T, class In>
struct weight_columns {
  int64_t variants;
  const In* data;
  const conv_shape* shape;
  int64_t filter_stride, channel_stride, tap_stride[3];
  const conv_phase* phase;
  bool is_dense;  // channels and taps of a filter lie side by side

  int64_t taps() const { return phase[0].taps * phase[1].taps * phase[2].taps; }
  static bool has_tiles() { return false; }
  static const T* tile(int64_t, int64_t) { return nullptr; }
  static constexpr int64_t step = 0;  // of tiles

  void panel(T* dst, int64_t group, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* w = data + group * shape->filters * filter_stride + first * channel_stride;
    if (taps() == 1)
      return pack_panel(w + tap(0) + k * filter_stride, channel_stride, filter_stride, count, depth, dst, width);
    if (is_dense && taps() == shape->taps()) return whole_filters(w, dst, count, k, depth, width);
    for (int64_t i = 0; i < depth; i++, dst += width) {
      const In* from = w + (k + i) / taps() * filter_stride + tap((k + i) % taps());
      for (int64_t p = 0; p < count; p++) dst[p] = convert<T>(from[p * channel_stride]);
      for (int64_t p = count; p < width; p++) dst[p] = T(0);
    }
  }

 private:
  // The offset of a tap of the phase.
  int64_t tap(int64_t index) const {
    int64_t offset = 0;
    for (int axis = 2; axis >= 0; axis--) {
      const conv_phase& f = phase[axis];
      offset += (f.first + index % f.taps * f.step) * tap_stride[axis];
      index /= f.taps;
    }
    return offset;
  }

  // Every tap is in the phase, in order: those of one filter are turned together.
  void whole_filters(const In* w, T* dst, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    for (const int64_t end = k + depth; k < end;) {
      const int64_t filter = k / taps(), first = k % taps(), n = smaller(taps() - first, end - k);
      pack_panel(w + filter * filter_stride + first, channel_stride, 1, count, n, dst, width);
      k += n;
      dst += n * width;
    }
  }
};

// Patches of image `variant / groups`, group `variant % groups`, in a product over their rows.
template <class T, class In>
struct patch_columns {
  static constexpr bool is_costly = true;
  int64_t variants, groups;
  const In* data;
  int64_t image_stride, group_stride;
  patches source;

  void panel(T* dst, int64_t variant, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* image = data + variant / groups * image_stride + variant % groups * group_stride;
    pack_positions(source, image, dst, first, count, k, depth, width);
  }
};

// Rows of patches in a product over the positions of all images: part `variant / groups` covers `part_depth` of them,
// and is padded with zeros past the last image.
template <class T, class In>
struct patch_rows {
  static constexpr bool is_costly = true;
  int64_t variants, groups;
  const In* data;
  int64_t images, image_stride, group_stride, part_depth;
  patches source;

  void panel(T* dst, int64_t variant, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const int64_t per_image = source.positions();
    const In* group = data + variant % groups * group_stride;
    int64_t at = variant / groups * part_depth + k;
    while (depth > 0 && at < images * per_image) {
      const int64_t image = at / per_image, position = at % per_image, n = smaller(depth, per_image - position);
      pack_patch_rows(source, group + image * image_stride, dst, first, count, position, n, width);
      at += n;
      depth -= n;
      dst += n * width;
    }
    write_zeros(dst, depth * width);
  }
};

// All planes of images, one after the other: a matrix [rows, row_stride] for each image and group.
template <class T, class Out>
struct image_result {
  static constexpr bool is_direct = std::is_same_v<T, Out>;
  int64_t groups, rows;
  const conv_planes<T, Out>& planes;
  int64_t row_stride = planes.plane_stride;

  const T* row_bias(int64_t batch) const { return planes.bias_from(batch % groups * rows); }
  const T* column_bias() const { return nullptr; }
  int64_t offset(int64_t batch) const { return batch * rows * row_stride; }
  Out* at(int64_t batch) const { return planes.data + offset(batch); }
  void finish(int64_t batch, int64_t m, int64_t n, int64_t count, int64_t columns) const requires is_direct {
    if (planes.ending.is_empty()) return;
    const int64_t to = offset(batch) + m * row_stride + n;
    planes.ending.finish(planes.data + to, row_stride, planes.data, to, row_stride, count, columns);
  }
  void write(int64_t batch, int64_t m, int64_t n, int64_t count, int64_t columns, const T* block,
             int64_t block_stride) const {
    planes.ending.finish(block, block_stride, planes.data, offset(batch) + m * row_stride + n, row_stride, count,
                         columns);
  }
};

// The same planes side by side.
template <class T, class Out>
struct channels_last_result {
  static constexpr bool is_direct = false;
  int64_t groups, rows;
  const conv_planes<T, Out>& planes;

  const T* row_bias(int64_t batch) const { return planes.bias_from(batch % groups * rows); }
  const T* column_bias() const { return nullptr; }
  void write(int64_t batch, int64_t m, int64_t n, int64_t count, int64_t columns, const T* block,
             int64_t block_stride) const {
    constexpr int64_t W = vector_t<T>::width;
    const int64_t to = planes.offset(batch / groups, batch % groups * rows + m, 0, 0, n);
    for (int64_t j = 0; j < columns; j += W)
      for (int64_t i = 0; i < count; i += W)
        planes.ending.finish_turned(block + i * block_stride + j, block_stride, planes.data,
                                    to + j * planes.stride[2] + i, planes.stride[2], smaller(W, columns - j),
                                    smaller(W, count - i));
  }
};

template <class T, class Out>
struct phase_result {
  static constexpr bool is_direct = false;
  Out* data;
  const conv_shape* shape;
  const conv_phase* phase;

  const T* row_bias(int64_t) const { return nullptr; }
  const T* column_bias() const { return nullptr; }
  void write(int64_t batch, int64_t m, int64_t n, int64_t rows, int64_t columns, const T* block,
             int64_t block_stride) const {
    const auto& a = shape->axis;
    for (int64_t j = 0; j < columns; j++) {
      const int64_t w = (n + j) % phase[2].positions, rest = (n + j) / phase[2].positions;
      const int64_t h = rest % phase[1].positions, d = rest / phase[1].positions;
      Out* to = data + (batch * shape->channels + m) * shape->inputs() +
                ((d * a[0].stride + phase[0].residue) * a[1].in + h * a[1].stride + phase[1].residue) * a[2].in +
                w * a[2].stride + phase[2].residue;
      for (int64_t i = 0; i < rows; i++) to[i * shape->inputs()] = convert<Out>(block[i * block_stride + j]);
    }
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
