// Convolution with 3 × 3 taps by Winograd's F(4 × 4, 3 × 3) (Lavin and Gray 2016; conv_winograd_points.h): tiles of the
// images and the weights are transformed, multiplied point by point in 36 matrix products over the channels, and
// transformed back: a quarter of the multiplications. Of the two operands the one that is larger when transformed is
// taken piece by piece and never leaves the second-level cache, the other one is transformed ahead: by each thread for
// itself while it is small, because lines that another core has just written are slow to read, else by all together.
// Backward to the input is the same with reversed taps, filters and channels exchanged.
#pragma once
#include "cpu/conv_winograd_product.h"
#include "cpu/conv_winograd_weights.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t winograd_cache = 640 << 10;  // bytes of a piece
inline constexpr int64_t winograd_smallest_block = 2 * tile_rows;

// What a convolution reads and writes: channels in, filters out, of one group.
template <class T, class In>
struct winograd_operands {
  int64_t groups, channels, filters;
  tile_grid grid;
  tile_source<In> source;
  tile_weights<In> weights;
  conv_planes<T, In> planes;
  int64_t size[2];  // of a plane
};

// The pieces: tiles where these are many, else panels of filters, with all of the other.
template <class T>
struct winograd_cut {
  bool by_tiles;
  int64_t tiles, filters;  // of a piece
  int64_t pieces;          // of one group
  int64_t depth;           // channels of one product
  int64_t v_plane, u_plane, m_plane, row_stride;
  int64_t v_size, u_size, m_size;  // u_size: of all its panels

  winograd_cut(const nr_context* ctx, int64_t groups, int64_t channels, int64_t all_filters, int64_t all_tiles) {
    constexpr int64_t W = vector_t<T>::width, unit = tile_columns<T>, bytes = winograd_points * sizeof(T);
    by_tiles = all_tiles > all_filters;
    tiles = all_tiles;
    filters = all_filters;
    depth = channels;
    if (by_tiles) {
      const int64_t fitting = larger(winograd_smallest_block, winograd_cache / (bytes * (channels + filters)));
      pieces = ceil_div(tiles, fitting);
      if (groups == 1) pieces = smaller(tiles, round_up(pieces, ctx->threads));
      tiles = ceil_div(tiles, pieces);
      pieces = ceil_div(all_tiles, tiles);
    } else {
      filters = unit;
      pieces = ceil_div(all_filters, unit);
      depth = smaller(channels, round_up(ceil_div(channels, ceil_div(channels, winograd_cache / (bytes * unit))), W));
    }
    row_stride = round_up(filters, W);
    v_plane = point_stride(round_up(channels, W) * tiles);
    u_plane = point_stride(depth * unit);
    m_plane = point_stride(row_stride * tiles);
    v_size = winograd_points * v_plane;
    u_size = winograd_points * u_plane * ceil_div(filters, unit);
    m_size = winograd_points * m_plane;
  }
};

// planes from weights ∗ images. Nothing is written when memory is out.
template <class T, class In>
void winograd_convolve(workspace& memory, const winograd_operands<T, In>& o) {
  constexpr int64_t W = vector_t<T>::width, unit = tile_columns<T>;
  nr_context* ctx = memory.ctx;
  const winograd_cut<T> cut(ctx, o.groups, o.channels, o.filters, o.grid.tiles());
  const int64_t ahead_size = cut.by_tiles ? cut.u_size : cut.v_size;
  const int64_t piece_size = (cut.by_tiles ? cut.v_size : cut.u_size) + cut.m_size;
  const bool is_shared = ctx->threads > most_holding_threads || ahead_size * int64_t{sizeof(T)} > held_bytes;
  const int64_t own_size = piece_size + (is_shared ? 0 : ahead_size), tag_size = round_up(ctx->threads, 16);
  const int64_t total = ctx->threads * own_size + (is_shared ? o.groups * ahead_size : 0);
  T* space = memory.take<T>(total + tag_size * int64_t{sizeof(int64_t) / sizeof(T)});
  if (!space) return;
  T* shared = space + ctx->threads * own_size;
  int64_t* tags = reinterpret_cast<int64_t*>(space + total);  // the group whose operand a thread holds
  for (int64_t i = 0; i < ctx->threads; i++) tags[i] = -1;

  const auto inputs_of = [&](T* v, int64_t group, int64_t first, int64_t count, int64_t channel) {
    transform_tiles<winograd_span>(o.source, o.grid, first, count, group * o.channels + channel,
                                   smaller(W, o.channels - channel), v + channel * cut.tiles, W, cut.v_plane);
  };
  const auto panel_of = [&](T* u, int64_t group, int64_t first, int64_t k, int64_t depth) {
    transform_weights(o.weights, group, first, smaller(unit, o.filters - first), k, depth, u, cut.u_plane);
  };
  // One of the parts that the operand transformed ahead is shared out in: a panel of filters, W channels of the images.
  const int64_t parts = ceil_div(cut.by_tiles ? o.filters : o.channels, cut.by_tiles ? unit : W);
  const auto make_part = [&](T* to, int64_t group, int64_t part) {
    if (cut.by_tiles) {
      panel_of(to + part * winograd_points * cut.u_plane, group, part * unit, 0, o.channels);
    } else {
      inputs_of(to, group, 0, cut.tiles, part * W);
    }
  };
  if (is_shared)
    parallel_tasks(ctx, o.groups * parts,
                   [&](int64_t i, int32_t) { make_part(shared + i / parts * ahead_size, i / parts, i % parts); });

  parallel_tasks(ctx, o.groups * cut.pieces, [&](int64_t task, int32_t thread) {
    const int64_t group = task / cut.pieces, piece = task % cut.pieces;
    T* m = space + thread * own_size;
    T* fresh = m + cut.m_size;
    T* ahead = is_shared ? shared + group * ahead_size : space + thread * own_size + piece_size;
    if (!is_shared && tags[thread] != group) {
      for (int64_t i = 0; i < parts; i++) make_part(ahead, group, i);
      tags[thread] = group;
    }
    T* v = cut.by_tiles ? fresh : ahead;
    T* u = cut.by_tiles ? ahead : fresh;
    const int64_t first_tile = cut.by_tiles ? piece * cut.tiles : 0;
    const int64_t first_filter = cut.by_tiles ? 0 : piece * cut.filters;
    const int64_t tiles = smaller(cut.tiles, o.grid.tiles() - first_tile);
    const int64_t filters = smaller(cut.filters, o.filters - first_filter);
    if (cut.by_tiles)
      for (int64_t c = 0; c < o.channels; c += W) inputs_of(v, group, first_tile, tiles, c);
    for (int64_t c = 0; c < o.channels; c += cut.depth) {
      const int64_t depth = smaller(cut.depth, o.channels - c), group_stride = W * cut.tiles;
      if (!cut.by_tiles) panel_of(u, group, first_filter, c, depth);
      for (int64_t point = 0; point < winograd_points; point++) {
        const T* inputs = v + point * cut.v_plane + c * cut.tiles;
        multiply_point<T>(
            [&](int64_t i) {
              return lane_columns<T>{inputs + i * W, group_stride};
            },
            u + point * cut.u_plane, winograd_points * cut.u_plane, tiles, filters, depth, m + point * cut.m_plane,
            cut.row_stride, c > 0);
      }
    }
    transform_outputs(m, cut.row_stride, cut.m_plane, o.grid, first_tile, tiles, group * o.filters + first_filter,
                      filters, o.planes, o.size);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
