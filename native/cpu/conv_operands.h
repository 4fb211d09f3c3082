// The operands and results of the matrix products a convolution is made of (see gemm.h for what they must offer): its
// weights, the patches of its images, and the planes it writes.
#pragma once
#include "cpu/conv_shape.h"

namespace neurite::NR_ISA {
namespace {

// Weights [filters · groups, channels, taps] with any strides; rows are filters.
template <class T, class In>
struct weight_rows {
  int64_t variants;  // groups
  const In* data;
  const conv_shape* shape;
  int64_t filter_stride, channel_stride, tap_stride[3];
  bool is_dense;  // channels and taps of a filter lie side by side

  void panel(T* dst, int64_t group, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* w = data + (group * shape->filters + first) * filter_stride;
    if (is_dense) return pack_panel(w + k, filter_stride, 1, count, depth, dst, width);
    for (int64_t i = 0; i < depth; i++, dst += width) {
      int64_t rest = k + i, offset = 0;
      for (int axis = 2; axis >= 0; axis--) {
        offset += rest % shape->axis[axis].kernel * tap_stride[axis];
        rest /= shape->axis[axis].kernel;
      }
      offset += rest * channel_stride;
      for (int64_t p = 0; p < count; p++) dst[p] = convert<T>(w[p * filter_stride + offset]);
      for (int64_t p = count; p < width; p++) dst[p] = T(0);
    }
  }
};

// The same weights for one phase of the backward pass: rows are channels, k counts (filter, tap of the phase).
template <class T, class In>
struct weight_columns {
  int64_t variants;
  const In* data;
  const conv_shape* shape;
  int64_t filter_stride, channel_stride, tap_stride[3];
  const conv_phase* phase;
  bool is_dense;  // channels and taps of a filter lie side by side

  int64_t taps() const { return phase[0].taps * phase[1].taps * phase[2].taps; }

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

// Images × groups of contiguous [rows, columns] matrices, or, with steps, every step-th element of them along each
// axis.
template <class T, class Out>
struct image_result {
  static constexpr bool is_direct = std::is_same_v<T, Out>;
  Out* data;
  int64_t rows, row_stride;
  const T* bias;
  int64_t groups;

  const T* row_bias(int64_t batch) const { return bias ? bias + batch % groups * rows : nullptr; }
  const T* column_bias() const { return nullptr; }
  Out* at(int64_t batch) const { return data + batch * rows * row_stride; }
  void write(int64_t batch, int64_t m, int64_t n, int64_t count, int64_t columns, const T* block,
             int64_t block_stride) const {
    for (int64_t i = 0; i < count; i++)
      copy_line_to(at(batch) + (m + i) * row_stride + n, block + i * block_stride, columns);
  }
  static void copy_line_to(Out* to, const T* from, int64_t n) {
    using V = vector_t<T>;
    for (int64_t j = 0; j < n; j += V::width) store(to + j, load<V>(from + j, n - j), n - j);
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

inline bool is_dense_filter(const conv_shape& s, const nr_tensor& w) {
  int64_t expected = 1;
  for (int32_t d = w.ndim - 1; d > 0; d--) {
    if (w.shape[d] != 1 && w.stride[d] != expected) return false;
    expected *= w.shape[d];
  }
  return expected == s.channels * s.taps();
}

}  // namespace
}  // namespace neurite::NR_ISA
