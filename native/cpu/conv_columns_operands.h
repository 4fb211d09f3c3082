// The operands of the products wᵀ · dy of which columns consist (conv_columns.h), packed in the order they lie in.
#pragma once
#include "cpu/conv_shape.h"

namespace neurite::NR_ISA {
namespace {

// The left operand: row m of a group is a channel and a tap, k counts filters.
template <class T, class In>
struct tap_rows {
  const conv_shape& s;
  const In* data;
  int64_t filter_stride, channel_stride, tap_stride[3];
  bool is_dense;  // channels and taps of a filter lie side by side

  bool is_contiguous() const { return is_dense; }

  void panel(T* dst, int64_t group, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* from = data + (group * s.filters + k) * filter_stride;
    if (is_dense) return pack_panel(from + first, 1, filter_stride, count, depth, dst, width);
    for (int64_t p = 0; p < count; p++) {
      const In* row = from + offset(first + p);
      for (int64_t i = 0; i < depth; i++) dst[i * width + p] = convert<T>(row[i * filter_stride]);
    }
  }

 private:
  int64_t offset(int64_t m) const {
    int64_t total = 0;
    for (int axis = 2; axis >= 0; axis--) {
      total += m % s.axis[axis].kernel * tap_stride[axis];
      m /= s.axis[axis].kernel;
    }
    return total + m * channel_stride;
  }
};

// The right operand: k counts filters, columns are positions [first, first + positions) of some images.
template <class T, class In>
struct gradient_columns {
  const In* data;
  int64_t image_stride;
  const patches& source;
  int64_t first, positions;

  // Blocks of `depth` filters, each of them in panels of columns. A few filters at a time: their positions lie side by
  // side.
  void pack(T* dst, int64_t columns, int64_t filters, int64_t depth) const {
    constexpr int64_t unit = tile_columns<T>, run = 8;
    for (int64_t k = 0; k < filters; k += depth, dst += depth * round_up(columns, unit)) {
      const int64_t steps = smaller(depth, filters - k);
      for (int64_t done = 0; done < steps; done += run)
        for (int64_t n = 0; n < columns; n += unit)
          panel(dst + n * steps + done * unit, n, smaller(unit, columns - n), k + done, smaller(run, steps - done),
                unit);
    }
  }

 private:
  void panel(T* dst, int64_t column, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    for (int64_t done = 0, n; done < count; done += n) {
      const int64_t at = (column + done) % positions, step = source.channel_stride;
      n = smaller(count - done, positions - at);
      const In* image = data + (column + done) / positions * image_stride;
      if (source.is_plain() && source.axis[2].stride == 1) {
        const In* from = image + k * step + first + at;
        if (n == tile_columns<T>) return copy_whole(from, depth, dst);
        for (int64_t i = 0; i < depth; i++) copy_line(from + i * step, n, dst + i * width + done);
      } else {
        patch_run runs[patch_chunk];
        const int64_t lines = source.cut(first + at, n, runs);
        for (int64_t i = 0; i < depth; i++)
          read_row(source, image, {k + i, {0, 0, 0}}, runs, lines, dst + i * width + done);
      }
    }
    for (int64_t i = 0; i < depth && count < width; i++) write_zeros(dst + i * width + count, width - count);
  }

  void copy_whole(const In* from, int64_t depth, T* dst) const {
    using V = vector_t<T>;
    for (int64_t i = 0; i < depth; i++, from += source.channel_stride, dst += tile_columns<T>)
      unroll<tile_vectors>([&](auto j) NR_INLINE { store(dst + j * V::width, load<V>(from + j * V::width)); });
  }
};

}  // namespace
}  // namespace neurite::NR_ISA
