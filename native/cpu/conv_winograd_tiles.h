// Images to and from tiles of 4 × 4 outputs, which overlap by two in the inputs. Lanes are channels: a run of
// neighbouring tiles is read as rows of [position, W channels], transformed down its columns, then along its rows.
// Tiles before and after the products are [36 points, channels / W, tiles, W] and [36 points, tiles, filters].
#pragma once
#include "cpu/conv_planes.h"
#include "cpu/conv_winograd_points.h"
#include "cpu/patches.h"
#include "cpu/turn.h"

namespace neurite::NR_ISA {
namespace {

// The tiles of all images, numbered through.
struct tile_grid {
  int64_t images, rows, columns;

  int64_t tiles() const { return images * rows * columns; }
};
inline tile_grid make_tile_grid(int64_t images, int64_t height, int64_t width) {
  return {images, ceil_div(height, winograd_step), ceil_div(width, winograd_step)};
}

// Neighbouring tiles of one row of tiles, the first of them the `tile`-th of those visited.
struct tile_run {
  int64_t tile, image, row, column, count;
};
inline constexpr int64_t longest_run = 8, run_columns = longest_run * winograd_step + 2;

// visit(run) for `count` tiles from `first`.
template <class Visit>
inline void each_run(const tile_grid& g, int64_t first, int64_t count, const Visit& visit) {
  const int64_t length = ceil_div(g.columns, ceil_div(g.columns, longest_run));
  for (int64_t tile = 0; tile < count;) {
    const int64_t at = first + tile, column = at % g.columns, row = at / g.columns % g.rows;
    const int64_t n = smaller(smaller(length - column % length, g.columns - column), count - tile);
    visit(tile_run{tile, at / g.columns / g.rows, row, column, n});
    tile += n;
  }
}

// The distance from one point's plane to the next: an odd number of cache lines, so that the planes do not meet in one
// set of a cache.
inline int64_t point_stride(int64_t size) {
  return round_up(size, 32) + 16;
}

// Images cut into tiles that begin `base` + 4 · i along each axis; zero outside.
template <class In>
struct tile_source {
  const In* data;
  int64_t image_stride, channel_stride;
  int64_t size[2], stride[2], base[2];
};

template <class In>
inline tile_source<In> make_tile_source(const nr_tensor& t, int64_t base_row, int64_t base_column) {
  const int32_t h = t.ndim - 2, w = t.ndim - 1;
  return {
      static_cast<const In*>(t.data), t.stride[0], t.stride[1], {t.shape[h], t.shape[w]}, {t.stride[h], t.stride[w]},
      {base_row, base_column}};
}

// to[i * W + c] = from[c * channel_stride + i * stride] for n positions of up to W channels, zero beyond.
template <class V, class In, class T>
inline void read_lanes(const In* from, int64_t channel_stride, int64_t stride, int64_t channels, int64_t n, T* to) {
  constexpr int W = V::width;
  if (channel_stride == 1) {
    for (int64_t i = 0; i < n; i++) store(to + i * W, load<V>(from + i * stride, channels));
  } else if (stride == 1) {
    for (int64_t i = 0; i < n; i += W) {
      V v[W];
      if (channels >= W && n - i >= W) {
        unroll<W>([&](auto c) NR_INLINE { v[c] = load<V>(from + c * channel_stride + i); });
      } else {
        unroll<W>([&](auto c)
                      NR_INLINE { v[c] = c < channels ? load<V>(from + c * channel_stride + i, n - i) : V(T(0)); });
      }
      turn(v);
      unroll<W>([&](auto k) NR_INLINE {
        if (k < n - i) store(to + (i + k) * W, v[k]);
      });
    }
  } else {
    for (int64_t i = 0; i < n; i++)
      for (int64_t c = 0; c < W; c++)
        to[i * W + c] = c < channels ? convert<T>(from[c * channel_stride + i * stride]) : T(0);
  }
}

// Row y of one image from column x, `count` positions of up to W channels.
template <class V, class In, class T>
inline void read_tile_row(const tile_source<In>& s, const In* image, int64_t channels, int64_t y, int64_t x,
                          int64_t count, T* to) {
  constexpr int W = V::width;
  const bool is_inside = y >= 0 && y < s.size[0];
  const int64_t begin = is_inside ? smaller(count, larger(0, -x)) : count;
  const int64_t end = larger(begin, smaller(count, s.size[1] - x));
  write_zeros(to, begin * W);
  if (begin < end)
    read_lanes<V>(image + y * s.stride[0] + (x + begin) * s.stride[1], s.channel_stride, s.stride[1], channels,
                  end - begin, to + begin * W);
  write_zeros(to + end * W, (count - end) * W);
}

// `count` tiles of up to W channels from `first` at the points: Bᵀ x B of overlapping tiles of 6 × 6 inputs, or A dy Aᵀ
// of tiles of 4 × 4. Tile t goes to v + t · step in each plane.
template <int span, class T, class In>
void transform_tiles(const tile_source<In>& s, const tile_grid& g, int64_t first, int64_t count, int64_t channel,
                     int64_t channels, T* v, int64_t step, int64_t plane) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  alignas(64) T lines[span][run_columns * W], points[6][run_columns * W];
  const auto transform = [](const V(&x)[span], V(&r)[6]) NR_INLINE {
    if constexpr (span == 6) {
      input_points(x, r);
    } else {
      output_gradient_points(x, r);
    }
  };
  each_run(g, first, count, [&](const tile_run& run) {
    const int64_t columns = run.count * winograd_step + span - winograd_step;
    const In* image = s.data + run.image * s.image_stride + channel * s.channel_stride;
    for (int64_t i = 0; i < span; i++)
      read_tile_row<V>(s, image, channels, s.base[0] + run.row * winograd_step + i,
                       s.base[1] + run.column * winograd_step, columns, lines[i]);
    for (int64_t j = 0; j < columns * W; j += W) {
      V x[span], r[6];
      unroll<span>([&](auto i) NR_INLINE { x[i] = load<V>(lines[i] + j); });
      transform(x, r);
      unroll<6>([&](auto i) NR_INLINE { store(points[i] + j, r[i]); });
    }
    for (int64_t t = 0; t < run.count; t++) {
      T* to = v + (run.tile + t) * step;
      for (int64_t i = 0; i < 6; i++) {
        V x[span], r[6];
        unroll<span>([&](auto j) NR_INLINE { x[j] = load<V>(points[i] + (t * winograd_step + j) * W); });
        transform(x, r);
        unroll<6>([&](auto j) NR_INLINE { store(to + (i * 6 + j) * plane, r[j]); });
      }
    }
  });
}

// Aᵀ M A of `count` tiles from `first`, into planes filter, filter + 1, … of each image.
template <class T, class Out>
void transform_outputs(const T* m, int64_t row_stride, int64_t plane, const tile_grid& g, int64_t first, int64_t count,
                       int64_t filter, int64_t filters, const conv_planes<T, Out>& to, const int64_t (&size)[2]) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  alignas(64) T lines[4][longest_run * winograd_step * W];
  for (int64_t f = 0; f < filters; f += W) {
    const V bias = to.bias ? load<V>(to.bias + filter + f, filters - f) : V(T(0));
    each_run(g, first, count, [&](const tile_run& run) {
      for (int64_t t = 0; t < run.count; t++) {
        const T* from = m + (run.tile + t) * row_stride + f;
        V half[4][6];
        unroll<6>([&](auto j) NR_INLINE {
          V x[6], r[4];
          unroll<6>([&](auto i) NR_INLINE { x[i] = load<V>(from + (i * 6 + j) * plane); });
          output_points(x, r);
          unroll<4>([&](auto i) NR_INLINE { half[i][j] = r[i]; });
        });
        unroll<4>([&](auto i) NR_INLINE {
          V r[4];
          output_points(half[i], r);
          unroll<4>([&](auto j) NR_INLINE { store(lines[i] + (t * winograd_step + j) * W, r[j] + bias); });
        });
      }
      const int64_t y = run.row * winograd_step, x = run.column * winograd_step;
      const int64_t columns = smaller(run.count * winograd_step, size[1] - x);
      for (int64_t i = 0; i < smaller(winograd_step, size[0] - y); i++)
        for (int64_t j = 0; j < columns; j += W)
          to.write_positions(lines[i] + j * W, W, to.offset(run.image, filter + f, 0, y + i, x + j),
                             smaller(W, columns - j), smaller(W, filters - f));
    });
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
