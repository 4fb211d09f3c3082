// Direct convolution: registers hold a tile of neighbouring positions × filters, and each step broadcasts the
// positions' inputs of one (channel, tap) against a packed row of the weights. Inputs are not rearranged into patches:
// a task copies the window of its box of positions once per block of channels (conv_window.h) and the tile reads it in
// place; what the next block will copy is fetched meanwhile. Sums of a box stay in cache as [positions, filters] and
// are transposed into the planes of the result at the end.
#pragma once
#include "cpu/conv_planes.h"
#include "cpu/conv_window.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t direct_depth = 256, direct_positions = 168, direct_width = 16 * tile_rows;
inline constexpr int64_t window_elements = int64_t{1} << 16, sums_elements = int64_t{1} << 17;
inline constexpr int64_t own_gap = int64_t{1} << 15;  // between what two threads write: neighbours slow each other down

// One box of positions and the filters from `part` on, of one image and group.
struct direct_task {
  int64_t product, part, d, h, w;
};

// How the positions, filters and channels of one image and group are cut: into boxes of positions and parts of filters,
// at least so many that every thread has some, and into blocks of channels, which are sums of their own and therefore
// do not depend on the number of threads.
struct direct_cut {
  int64_t width, height;   // positions of a box along the last two axes
  int64_t boxes[3];        // along each axis
  int64_t filters, parts;  // filters of a task, and how many such parts there are
  int64_t channels;        // of one block

  direct_cut(const nr_context* ctx, const patches& p, int64_t products, int64_t all_filters, int64_t unit) {
    const int64_t W = p.axis[2].positions, H = p.axis[1].positions;
    boxes[0] = p.axis[0].positions;
    boxes[2] = ceil_div(W, direct_width);
    width = boxes[2] == 1 ? W : round_up(ceil_div(W, boxes[2]), tile_rows);
    boxes[2] = ceil_div(W, width);
    height = smaller(H, ceil_div(direct_positions, width));
    const int64_t volume = make_window(p, 0, 0, 0).volume();
    channels = larger(1, smaller(p.channels, smaller(direct_depth / p.taps(), window_elements / volume)));
    channels = ceil_div(p.channels, ceil_div(p.channels, channels));
    filters = smaller(round_up(all_filters, unit), larger(unit, sums_elements / (width * height) / unit * unit));
    count(H, all_filters);
    const int64_t wanted = ctx->threads == 1 ? 1 : 4 * ctx->threads;
    while (products * tasks() < wanted) {
      if (height > 1 && height * width > 2 * tile_rows) {
        height = ceil_div(height, 2);
      } else if (filters > 2 * unit) {
        filters = round_up(ceil_div(filters, 2), unit);
      } else {
        break;
      }
      count(H, all_filters);
    }
  }

  void count(int64_t H, int64_t all_filters) {
    boxes[1] = ceil_div(H, height);
    parts = ceil_div(all_filters, filters);
  }
  int64_t tasks() const { return boxes[0] * boxes[1] * boxes[2] * parts; }

  direct_task task(int64_t index) const {
    const int64_t box = index % tasks() / parts, d = box / boxes[2] / boxes[1];
    return {index / tasks(), index % parts * filters, d, box / boxes[2] % boxes[1] * height, box % boxes[2] * width};
  }

  // The box that begins at these positions.
  window make_window(const patches& p, int64_t d, int64_t h, int64_t w) const {
    window box;
    box.axis[0] = window_axis(p.axis[0], d, 1);
    box.axis[1] = window_axis(p.axis[1], h, smaller(height, p.axis[1].positions - h));
    box.axis[2] = window_axis(p.axis[2], w, smaller(width, p.axis[2].positions - w));
    return box;
  }
};

// Where the window of a whole image is hardly larger than what is read and written, and there are positions enough to
// repay packing the weights, unless they are.
template <class T>
inline bool is_direct(const conv_shape& s, const patches& p, int64_t filters, bool is_packed = false) {
  double volume = 1, reads = 1;
  for (const patch_axis& a : p.axis) {
    const window_axis all(a, 0, a.positions);
    volume *= static_cast<double>(all.size());
    reads *= static_cast<double>(a.size);
  }
  const int64_t positions = p.positions(), weights = s.groups * round_up(filters, tile_columns<T>) * p.rows();
  return p.rows() > 0 && volume <= 4 * (reads + static_cast<double>(positions)) && volume < double(1 << 30) &&
         p.taps() <= direct_depth &&
         (is_packed || (s.batch * positions >= 256 && weights * int64_t{sizeof(T)} <= ahead_bytes));
}

// One tap per channel, positions side by side: the tile reads the planes themselves.
template <class T, class In>
bool is_read_in_place(const patches& p, int64_t channels) {
  return std::is_same_v<T, In> && p.is_plain() && p.axis[2].stride == 1 && p.channel_stride >= 0 &&
         p.channel_stride <= (int64_t{1} << 30) / channels;
}

// planes[image, group, filter] from Σ weights · windows of p, over `filters` filters per group. `weights` offers panels
// as gemm.h describes. Nothing is written when memory is out.
template <class T, class In, class Weights>
void convolve(workspace& memory, const conv_shape& s, const patches& p, const In* source, int64_t image_stride,
              int64_t group_stride, int64_t filters, const Weights& weights, const conv_planes<T, In>& planes) {
  using V = vector_t<T>;
  constexpr int64_t unit = tile_columns<T>;
  nr_context* ctx = memory.ctx;
  const int64_t products = s.batch * s.groups, taps = p.taps(), K = p.rows(), panels = ceil_div(filters, unit);
  if (products == 0 || p.positions() == 0 || filters == 0) return;
  const direct_cut cut(ctx, p, products, filters, unit);
  const window box = cut.make_window(p, 0, 0, 0);

  const bool laid_out = weights.has_tiles();
  const int64_t packed_size = laid_out ? 0 : s.groups * panels * K * unit,
                offsets_size = round_up(cut.channels * taps, 16);
  const bool in_place = is_read_in_place<T, In>(p, cut.channels);
  const int64_t window_size = in_place ? 0 : round_up(cut.channels * box.volume(), 16);
  const int64_t sums_size = cut.width * cut.height * cut.filters;
  // Each thread packs for itself what it uses: lines that another core has written are slow to read.
  const bool is_held = ctx->threads <= most_holding_threads && packed_size * int64_t{sizeof(T)} <= held_bytes;
  const int64_t copies = is_held ? ctx->threads : 1;
  const int64_t own_size = window_size + sums_size + offsets_size + (ctx->threads > 1 ? own_gap : 0);
  bool* is_packed = scratch<bool>(ctx, copies * s.groups * panels);
  T* packed = memory.take<T>(copies * packed_size + ctx->threads * own_size);
  if (!packed || !is_packed) return;
  T* buffers = packed + copies * packed_size;
  const auto pack = [&](T* to, int64_t index) {
    const int64_t first = index % panels * unit;
    weights.panel(to + index * K * unit, index / panels, first, smaller(unit, filters - first), 0, K, unit);
  };
  __builtin_memset(is_packed, !is_held, static_cast<size_t>(copies * s.groups * panels));
  if (!is_held && !laid_out)
    parallel_tasks(ctx, s.groups * panels, [&](int64_t index, int32_t) { pack(packed, index); });

  const auto image_of = [&](int64_t product) {
    return source + product / s.groups * image_stride + product % s.groups * group_stride;
  };
  parallel_tasks(ctx, products * cut.tasks(), [&](int64_t task, int32_t thread) {
    T* inputs = buffers + thread * own_size;
    T* sums = inputs + window_size;
    T* own_packed = packed + (is_held ? thread * packed_size : 0);
    bool* own_flags = is_packed + (is_held ? thread * s.groups * panels : 0);
    int32_t* offsets = reinterpret_cast<int32_t*>(sums + sums_size);
    const direct_task at = cut.task(task), after = cut.task(smaller(task + 1, products * cut.tasks() - 1));
    const window view = cut.make_window(p, at.d, at.h, at.w),
                 view_after = cut.make_window(p, after.d, after.h, after.w);
    const int64_t group = at.product % s.groups, part = at.part, plane = group * filters + part;
    const auto target_of = [&](int64_t f, int64_t line, int64_t w) {
      return planes.offset(at.product / s.groups, plane + f, at.d, at.h + line, at.w + w);
    };
    const int64_t count = smaller(cut.filters, filters - part);
    const int64_t pitch = in_place ? p.channel_stride : view.volume();
    const int64_t width = view.axis[2].count, lines = view.axis[1].count;
    patch_row row = p.row(0);
    for (int64_t k = 0; k < cut.channels * taps; k++, p.advance(row))
      offsets[k] =
          static_cast<int32_t>(row.channel * pitch + view.at(view.axis[0].tap(row.tap[0]), view.axis[1].tap(row.tap[1]),
                                                             view.axis[2].tap(row.tap[2])));
    const In* image = image_of(at.product);
    const int64_t pieces = ceil_div(width, tile_rows), tiles = ceil_div(count, unit) * lines * pieces;
    for (int64_t c = 0; c < p.channels; c += cut.channels) {
      const int64_t channels = smaller(cut.channels, p.channels - c), next = c + channels;
      const bool is_last = next == p.channels;
      const T* read = inputs;
      if constexpr (std::is_same_v<T, In>)
        if (in_place) read = image + c * p.channel_stride + at.w;
      for (int64_t i = 0; !in_place && i < channels; i++)
        view.fill(image + (c + i) * p.channel_stride, inputs + i * pitch);
      const window& coming = is_last ? view_after : view;
      const In* coming_image = is_last ? image_of(after.product) : image + next * p.channel_stride;
      const int64_t coming_channels = smaller(cut.channels, is_last ? p.channels : p.channels - next);
      int64_t tile = 0, asked = 0;
      for (int64_t f = 0; f < count; f += unit) {
        const int64_t index = group * panels + (part + f) / unit;
        if (!laid_out && !own_flags[index]) {
          pack(own_packed, index);
          own_flags[index] = true;
        }
        const int64_t step = laid_out ? weights.step : unit;
        const T* panel = (laid_out ? weights.tile(group, part + f) : own_packed + index * K * unit) + c * taps * step;
        const int64_t columns = smaller(unit, count - f);
        for (int64_t line = 0; line < lines; line++) {
          for (int64_t piece = 0; piece < pieces; piece++) {
            const int64_t begin = piece * width / pieces, n = (piece + 1) * width / pieces - begin;
            for (const int64_t due = ++tile * coming_channels / tiles; asked < due; asked++)
              coming.fetch(coming_image + asked * p.channel_stride);
            if (is_last)
              for (int64_t i = 0; i < columns; i++)
                __builtin_prefetch(planes.data + target_of(f + i, line, begin), 1, 2);
            T* to = sums + (line * width + begin) * cut.filters + f;
            const tile_target<T> target = {to, cut.filters, columns, c > 0, nullptr, planes.bias_from(plane + f)};
            choose_scattered_tile_kernel<T>(n, columns)({read + view.at(0, line, begin), offsets, step}, panel,
                                                        channels * taps, target);
          }
        }
      }
    }
    for (int64_t f = 0; f < count; f += V::width)
      for (int64_t line = 0; line < lines; line++)
        for (int64_t i = 0; i < width; i += V::width)
          planes.write_positions(sums + (line * width + i) * cut.filters + f, cut.filters, target_of(f, line, i),
                                 smaller(V::width, width - i), smaller(V::width, count - f));
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
