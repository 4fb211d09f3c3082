// The gradient of a Winograd convolution for its weights: the adjoint in the weights, dW = Gᵀ(Σ (A dy Aᵀ) ∘ (Bᵀ x B))G
// summed over the tiles, which are the depth of the 36 products. Tiles are taken in chunks; of each chunk a small block
// of filters and channels at a time goes through all points and back to 3 × 3 taps, which are then added up.
#pragma once
#include "cpu/conv_winograd_product.h"
#include "cpu/conv_winograd_tiles.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t gradient_chunk = 64, gradient_chunk_elements = int64_t{1} << 21, gradient_parts = 8,
                         gradient_sums = int64_t{1} << 22;

// The tiles are cut into parts, which have sums of their own, and these into chunks; both by the shape alone. Filters
// are cut only to occupy the threads.
template <class T>
struct gradient_cut {
  int64_t chunk, chunks, parts;  // tiles of a chunk, chunks of a part
  int64_t rows, blocks;          // filters of a task
  int64_t row, size;             // of the sums: channels of one tap, elements of one group
  int64_t v_panel, v_plane, d_row, d_plane, p_plane;

  gradient_cut(const nr_context* ctx, int64_t groups, int64_t channels, int64_t filters, int64_t tiles) {
    constexpr int64_t W = vector_t<T>::width, unit = tile_columns<T>;
    row = round_up(channels, W);
    size = filters * 9 * row;
    const int64_t most = smaller(gradient_chunk, larger(8, gradient_chunk_elements / 36 / (channels + filters)));
    const int64_t all = ceil_div(tiles, most);
    parts = 1;
    while (parts < smaller(all, gradient_parts) && 2 * parts * groups * size <= gradient_sums) parts *= 2;
    chunks = ceil_div(all, parts);
    chunk = ceil_div(tiles, parts * chunks);
    blocks = smaller(ceil_div(filters, W), ceil_div(ctx->threads, groups * parts));
    rows = round_up(ceil_div(filters, blocks), W);
    blocks = ceil_div(filters, rows);
    v_panel = chunk * unit;
    v_plane = point_stride(ceil_div(channels, unit) * v_panel);
    d_row = round_up(rows, W);
    d_plane = point_stride(chunk * d_row);
    p_plane = point_stride(tile_rows * unit);
  }
};

// dw[c * 9 + t] = lane c of taps[t].
template <class V, class Out>
[[gnu::always_inline]] inline void write_taps(const V (&taps)[9], int64_t channels, Out* dw) {
  constexpr int W = V::width;
  unroll<(9 + W - 1) / W>([&](auto block) NR_INLINE {
    constexpr int first = block * W;
    V v[W];
    unroll<W>([&](auto t) NR_INLINE {
      if constexpr (first + t < 9) {
        v[t] = taps[first + t];
      } else {
        v[t] = V(0);
      }
    });
    turn(v);
    unroll<W>([&](auto c) NR_INLINE {
      if (c < channels) store(dw + c * 9 + first, v[c], 9 - first);
    });
  });
}

// put(filter, channel, taps) with Gᵀ P G of `filters` × `channels` of them: rows of P are filters, lanes channels.
template <class T, class Put>
inline void each_weight_gradient(const T* p, int64_t plane, int64_t filters, int64_t channels, const Put& put) {
  using V = vector_t<T>;
  for (int64_t f = 0; f < filters; f++, p += tile_columns<T>) {
    for (int64_t c = 0; c < channels; c += V::width) {
      V half[3][6], taps[9];
      unroll<6>([&](auto j) NR_INLINE {
        V x[6], r[3];
        unroll<6>([&](auto i) NR_INLINE { x[i] = load<V>(p + (i * 6 + j) * plane + c); });
        filter_gradient_points(x, r);
        unroll<3>([&](auto i) NR_INLINE { half[i][j] = r[i]; });
      });
      unroll<3>([&](auto i) NR_INLINE {
        V r[3];
        filter_gradient_points(half[i], r);
        unroll<3>([&](auto j) NR_INLINE { taps[i * 3 + j] = r[j]; });
      });
      put(f, c, taps);
    }
  }
}

// dw = the sums of all parts, pairwise in a fixed order; the sums are used up.
template <class T, class Out>
inline void write_weight_gradients(T* sums, int64_t parts, int64_t part_size, int64_t row, int64_t channels, Out* dw) {
  using V = vector_t<T>;
  for (int64_t half = 1; half < parts; half *= 2)
    for (int64_t p = 0; p + half < parts; p += 2 * half)
      for (int64_t i = 0; i < 9 * row; i++) sums[p * part_size + i] += sums[(p + half) * part_size + i];
  for (int64_t c = 0; c < channels; c += V::width) {
    V taps[9];
    unroll<9>([&](auto t) NR_INLINE { taps[t] = load<V>(sums + t * row + c); });
    write_taps(taps, channels - c, dw + c * 9);
  }
}

template <class In>
struct gradient_operands {
  int64_t groups, channels, filters;
  tile_grid grid;
  tile_source<In> inputs, outputs;
  In* dw;
};

template <class T, class In>
void winograd_gradient(workspace& memory, const gradient_operands<In>& s) {
  using V = vector_t<T>;
  constexpr int64_t W = vector_t<T>::width, unit = tile_columns<T>;
  nr_context* ctx = memory.ctx;
  const int64_t tiles = s.grid.tiles();
  const gradient_cut<T> cut(ctx, s.groups, s.channels, s.filters, tiles);
  const bool is_single = cut.parts * cut.chunks == 1;  // results need not be added up
  const int64_t sums_size = is_single ? 0 : s.groups * cut.size, d_size = winograd_points * cut.d_plane;
  const int64_t own_size = winograd_points * (cut.v_plane + cut.d_plane + cut.p_plane);
  T* sums = memory.take<T>(cut.parts * sums_size + ctx->threads * own_size);
  if (!sums) return;
  T* buffers = sums + cut.parts * sums_size;

  parallel_tasks(ctx, s.groups * cut.parts * cut.blocks, [&](int64_t task, int32_t thread) {
    const int64_t group = task / (cut.parts * cut.blocks), part = task / cut.blocks % cut.parts;
    const int64_t o = task % cut.blocks * cut.rows, rows = smaller(cut.rows, s.filters - o);
    T* d = buffers + thread * own_size;
    T* p = d + d_size;
    T* v = p + winograd_points * cut.p_plane;
    T* to = sums + part * sums_size + group * cut.size + o * 9 * cut.row;
    const int64_t end = smaller(tiles, (part + 1) * cut.chunks * cut.chunk);
    bool is_first = true;
    for (int64_t t = part * cut.chunks * cut.chunk; t < end || is_first; t += cut.chunk, is_first = false) {
      const int64_t count = larger(0, smaller(cut.chunk, end - t));
      for (int64_t c = 0; c < s.channels; c += W)
        transform_tiles<winograd_span>(s.inputs, s.grid, t, count, group * s.channels + c, smaller(W, s.channels - c),
                                       v + c / unit * cut.v_panel + c % unit, unit, cut.v_plane);
      for (int64_t f = 0; f < rows; f += W)
        transform_tiles<winograd_step>(s.outputs, s.grid, t, count, group * s.filters + o + f, smaller(W, rows - f),
                                       d + f, cut.d_row, cut.d_plane);
      const int64_t pieces = panels_of_rows(rows);
      for (int64_t c = 0; c < s.channels; c += unit) {
        const int64_t channels = smaller(unit, s.channels - c);
        for (int64_t piece = 0; piece < pieces; piece++) {
          const int64_t f = piece * rows / pieces, height = (piece + 1) * rows / pieces - f;
          for (int64_t point = 0; point < winograd_points; point++) {
            const row_columns<T> gradients = {d + point * cut.d_plane + f, cut.d_row};
            const tile_target<T> target = {p + point * cut.p_plane, unit, channels, false, nullptr, nullptr};
            point_kernels<T, row_columns<T>>::choose(height, channels)(
                gradients, v + point * cut.v_plane + c / unit * cut.v_panel, count, target);
          }
          each_weight_gradient(p, cut.p_plane, height, channels, [&](int64_t i, int64_t k, const V(&taps)[9]) {
            if (is_single)
              return write_taps(taps, channels - k, s.dw + ((group * s.filters + o + f + i) * s.channels + c + k) * 9);
            T* at = to + (f + i) * 9 * cut.row + c + k;
            for (const V& tap : taps) {
              store(at, is_first ? tap : load<V>(at) + tap);
              at += cut.row;
            }
          });
        }
      }
    }
  });
  if (is_single) return;
  parallel_range(ctx, s.groups * s.filters, 8, [&](int64_t begin, int64_t stop) {
    for (int64_t f = begin; f < stop; f++)
      write_weight_gradients(sums + f * 9 * cut.row, cut.parts, sums_size, cut.row, s.channels,
                             s.dw + f * s.channels * 9);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
