// The image patches of a convolution as a matrix that is never stored: row (c, tap), column (position), over three
// spatial axes. Along an axis, tap t at position p reads source coordinate p * step + base + t * slope, zero outside.
// Forward: step = stride, base = -padding, slope = dilation. Backward to the input: positions of one residue modulo the
// stride and the taps that reach them, so step = 1 and slope is negative. A plain plane: one tap, step 1, base 0.
#pragma once
#include "cpu/every_second.h"
#include "cpu/gemm.h"
#include "cpu/pack.h"

namespace neurite::NR_ISA {
namespace {

struct patch_axis {
  int64_t size, stride;  // of the source
  int64_t positions, step;
  int64_t taps, base, slope;

  bool is_plain() const { return taps == 1 && base == 0 && step == 1 && positions == size; }
};

// A row of the matrix: source channel and one tap per axis.
struct patch_row {
  int64_t channel, tap[3];
};

// Consecutive positions in one line of the last axis.
struct patch_run {
  int64_t at[3], count;
};

inline constexpr int64_t patch_chunk = 64;  // positions handled together

struct patches {
  int64_t channels, channel_stride;
  patch_axis axis[3];

  int64_t positions() const { return axis[0].positions * axis[1].positions * axis[2].positions; }
  int64_t taps() const { return axis[0].taps * axis[1].taps * axis[2].taps; }
  int64_t rows() const { return channels * taps(); }

  // Rows are channels, and neighbouring positions are equally far apart.
  bool is_plain() const {
    return axis[0].is_plain() && axis[1].is_plain() && axis[2].is_plain() && axis[0].size * axis[1].size == 1;
  }

  // The same matrix with neighbouring axes that are walked as one joined: longer runs for 1×1 kernels and plain planes.
  patches joined() const {
    patches p = *this;
    for (int round = 0; round < 2; round++) {
      for (int i = 2; i > 0; i--) {
        patch_axis &inner = p.axis[i], &outer = p.axis[i - 1];
        if (!inner.is_plain() || !outer.is_plain()) continue;
        if (outer.size != 1 && outer.stride != inner.size * inner.stride) continue;
        inner.size = inner.positions = inner.size * outer.size;
        outer = {1, 0, 1, 1, 1, 0, 0};
      }
    }
    return p;
  }

  patch_row row(int64_t index) const {
    patch_row r;
    for (int i = 2; i >= 0; i--) {
      r.tap[i] = index % axis[i].taps;
      index /= axis[i].taps;
    }
    r.channel = index;
    return r;
  }
  void advance(patch_row& r) const {
    for (int i = 2; i >= 0; i--) {
      if (++r.tap[i] < axis[i].taps) return;
      r.tap[i] = 0;
    }
    r.channel++;
  }

  // Cuts positions [first, first + count) into runs; count <= patch_chunk bounds their number.
  int64_t cut(int64_t first, int64_t count, patch_run* runs) const {
    int64_t n = 0;
    const int64_t plane = axis[1].positions * axis[2].positions;
    int64_t d = first / plane, h = first % plane / axis[2].positions, w = first % axis[2].positions;
    while (count > 0) {
      const int64_t length = smaller(count, axis[2].positions - w);
      runs[n++] = {{d, h, w}, length};
      count -= length;
      w = 0;
      if (++h == axis[1].positions) h = 0, d++;
    }
    return n;
  }
};

template <class T>
inline void write_zeros(T* out, int64_t n) {
  using V = vector_t<T>;
  for (int64_t i = 0; i < n; i += V::width) {
    if (n - i >= V::width) {
      store(out + i, V(T(0)));
    } else {
      store(out + i, V(T(0)), n - i);
    }
  }
}

template <class T, class In>
inline void copy_line(const In* line, int64_t n, T* out) {
  using V = vector_t<T>;
  int64_t i = 0;
  for (; i + V::width <= n; i += V::width) store(out + i, load<V>(line + i));
  if (i < n) store(out + i, load<V>(line + i, n - i), n - i);
}

// The n elements x, x + step, … of a line: those in [first, last) are inside of it.
struct line_part {
  int64_t x, n, first, last;

  line_part(const patch_axis& axis, int64_t x, int64_t n) : x(x), n(n) {
    const int64_t step = axis.step, reach = axis.size - x;  // source elements from x to the end
    first = x >= 0 ? 0 : smaller(n, step == 1 ? -x : ceil_div(-x, step));
    last = reach <= 0 ? first : larger(first, smaller(n, step == 1 ? reach : ceil_div(reach, step)));
  }
};

// out[i] = line[(x + i * step) * stride], zero where that is outside of the line.
template <class T, class In>
inline void read_line(const In* line, const patch_axis& axis, const line_part& part, T* out) {
  const int64_t first = part.first, last = part.last;
  if (first > 0) write_zeros(out, first);
  if (last < part.n) write_zeros(out + last, part.n - last);
  const In* from = line + (part.x + first * axis.step) * axis.stride;
  const int64_t move = axis.step * axis.stride;
  if (move == 1) {
    copy_line(from, last - first, out + first);
  } else if (move == 2) {
    using V = vector_t<T>;
    int64_t i = first;
    for (; i + V::width < last; i += V::width, from += 2 * V::width)
      store(out + i, even_lanes(load<V>(from), load<V>(from + V::width)));
    for (; i < last; i += V::width, from += 2 * V::width)
      store(out + i, load_every_second<V>(from, last - i), last - i);
  } else {
    for (int64_t i = first; i < last; i++, from += move) out[i] = convert<T>(*from);
  }
}

// One row of the matrix at the positions of `runs`.
template <class T, class In>
inline void read_row(const patches& p, const In* image, const patch_row& row, const patch_run* runs, int64_t count,
                     T* out) {
  const In* channel = image + row.channel * p.channel_stride;
  const patch_axis &d = p.axis[0], &h = p.axis[1], &w = p.axis[2];
  const int64_t z0 = d.base + row.tap[0] * d.slope, y0 = h.base + row.tap[1] * h.slope,
                x0 = w.base + row.tap[2] * w.slope;
  for (int64_t i = 0; i < count; i++) {
    const patch_run& run = runs[i];
    const int64_t z = run.at[0] * d.step + z0, y = run.at[1] * h.step + y0;
    if (z < 0 || z >= d.size || y < 0 || y >= h.size) {
      write_zeros(out, run.count);
    } else {
      read_line(channel + z * d.stride + y * h.stride, w, line_part(w, run.at[2] * w.step + x0, run.count), out);
    }
    out += run.count;
  }
}

// dst[i * width + j] = element (row + i, position + j): patches as the right operand, a product over rows.
template <class T, class In>
inline void pack_positions(const patches& p, const In* image, T* dst, int64_t position, int64_t count, int64_t row,
                           int64_t depth, int64_t width) {
  static_assert(tile_columns<T> <= patch_chunk);
  if (depth == 0) return;  // an axis may have no taps at all
  patch_run runs[patch_chunk];
  const int64_t n = p.cut(position, count, runs);
  patch_row r = p.row(row);
  for (int64_t i = 0; i < depth; i++, dst += width) {
    read_row(p, image, r, runs, n, dst);
    if (count < width) write_zeros(dst + count, width - count);
    p.advance(r);
  }
}

// dst[i * width + j] = element (row + j, position + i): patches as an operand of a product over positions.
template <class T, class In>
inline void pack_patch_rows(const patches& p, const In* image, T* dst, int64_t row, int64_t count, int64_t position,
                            int64_t depth, int64_t width) {
  if (p.is_plain()) {
    const int64_t stride = p.axis[2].stride;
    return pack_panel(image + row * p.channel_stride + position * stride, p.channel_stride, stride, count, depth, dst,
                      width);
  }
  constexpr int64_t most = tile_columns < T >> tile_rows ? tile_columns<T> : tile_rows;
  alignas(64) T lines[most * patch_chunk];
  patch_run runs[patch_chunk];
  for (int64_t done = 0; done < depth; done += patch_chunk) {
    const int64_t chunk = smaller(patch_chunk, depth - done), n = p.cut(position + done, chunk, runs);
    patch_row r = p.row(row);
    for (int64_t j = 0; j < count; j++) {
      read_row(p, image, r, runs, n, lines + j * patch_chunk);
      p.advance(r);
    }
    pack_panel(lines, patch_chunk, 1, count, chunk, dst + done * width, width);
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
