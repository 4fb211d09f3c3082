// The gradient of a convolution's input where its windows move by more than one element, which is transposed
// convolution: products wᵀ · dy into columns, a row of them for each (channel, tap), for so few channels and lines at a
// time that they stay in cache; then every input adds up those that reach it (col2im, gathered), and the result is
// written once, by whole lines.
#pragma once
#include "cpu/conv_columns_lines.h"
#include "cpu/conv_columns_operands.h"
#include "cpu/conv_weights.h"
#include "cpu/gemm_strided.h"

namespace neurite::NR_ISA {
namespace {

// columns [rows, pitch] = wᵀ · dy for one image: where positions are few, they are broadcast, weights fill the lanes
// where they lie, and the products of each panel of weights are turned. `panel` has room for it and for its products.
template <class T>
void multiply_turned(const T* w, int64_t w_stride, int64_t rows, const T* dy, int64_t dy_stride, int64_t positions,
                     int64_t K, int64_t depth, T* panel, T* columns, int64_t pitch) {
  constexpr int64_t unit = tile_columns<T>, W = vector_t<T>::width;
  T* products = panel + depth * unit;
  for (int64_t m = 0; m < rows; m += unit) {
    const int64_t width = smaller(unit, rows - m);
    for (int64_t k = 0; k < K; k += depth) {
      const int64_t steps = smaller(depth, K - k);
      const T* from = w + k * w_stride + m;
      if (width < unit) pack_panel(from, 1, w_stride, width, steps, panel, unit);  // a tile reads whole vectors
      each_panel(positions, [&](int64_t i, int64_t height) {
        const bool is_in_place = width == unit && i == 0;
        const strided_operands<T> operands = {
            dy + k * dy_stride + i, 1, dy_stride, is_in_place ? from : panel, is_in_place ? w_stride : unit, panel};
        choose_strided_tile_kernel<T>(height, width, is_in_place && height < positions)(
            operands, steps, {products + i * unit, unit, width, k > 0, nullptr, nullptr});
      });
    }
    for (int64_t i = 0; i < positions; i += W)
      for (int64_t j = 0; j < width; j += W)
        pack_square(products + i * unit + j, unit, smaller(W, positions - i), smaller(W, width - j),
                    columns + (m + j) * pitch + i, pitch, smaller(W, positions - i));
  }
}

inline constexpr int64_t most_turned = 224;  // positions

// Whether windows move by more than one, and there are filters enough to pay for writing columns and reading them.
template <class T>
bool is_by_columns(const conv_shape& s) {
  int64_t phases = 1;
  for (const conv_axis& a : s.axis) phases *= input_phases::count(a);
  if (phases <= 1 || s.filters < 8 || s.channels == 0 || s.taps() > 4096) return false;
  const columns_cut cut(1, s, sizeof(T));
  return cut.channels * s.taps() * cut.pitch() <= most_columns_bytes / int64_t{sizeof(T)} &&
         cut.lines() * s.axis[0].kernel * s.axis[1].kernel <= most_columns_bytes / int64_t{sizeof(T)};
}

// dx [batch, groups · channels, inputs]; all of it is written, unless memory is out.
template <class T, class In>
void add_columns(workspace& memory, const conv_shape& s, const nr_tensor& dy, const nr_tensor& w, In* dx) {
  constexpr int64_t unit = tile_columns<T>, bytes = sizeof(T);
  nr_context* ctx = memory.ctx;
  const columns_cut cut(ctx->threads, s, bytes);
  if (cut.tasks() == 0 || s.inputs() == 0) return;
  const int64_t taps = s.taps(), K = s.filters, depth = ceil_div(K, ceil_div(K, block_depth)), pitch = cut.pitch();
  const tap_rows<T, In> left = {s,
                                static_cast<const In*>(w.data),
                                w.stride[0],
                                w.stride[1],
                                {spatial_stride(w, 0), spatial_stride(w, 1), spatial_stride(w, 2)},
                                is_dense_filter(s, w)};
  const patches source = output_planes(s, dy).joined();
  const bool is_turned = std::is_same_v<T, In> && left.is_dense && source.is_plain() && source.axis[2].stride == 1 &&
                         s.batch * s.outputs() <= most_turned;
  // What a thread holds: the weights of its block, and dy, which every block needs again.
  const int64_t left_size = is_turned ? 0 : round_up(cut.channels * taps * K, 16), parts = cut.parts * cut.bands;
  packed_operand<T> right;
  right.size = is_turned ? (depth + cut.positions()) * unit : K * round_up(cut.images * cut.positions(), unit);
  if (cut.blocks > 1 && !is_turned) {
    if (ctx->threads <= most_holding_threads && parts * right.size * bytes <= held_bytes) {
      right.how = packing::held;
      right.slots = parts;
    } else if (s.groups * parts * right.size * bytes <= ahead_bytes) {
      right.how = packing::ahead;
    }
  }
  const int64_t all_size = right.how == packing::ahead ? s.groups * parts * right.size : 0;
  const int64_t own_size = left_size + right.own_size() + cut.channels * taps * pitch;
  right.all = memory.take<T>(all_size + ctx->threads * own_size);
  conv_phase* phase_memory = scratch<conv_phase>(ctx, input_phases::size(s));
  if (!right.all || !phase_memory) return;
  T* buffers = right.all + all_size;
  const input_phases phases(s, phase_memory);
  // Of each thread: which weights and parts of dy it has packed, and the sources of its lines.
  const int64_t most = 1 + phases.most_taps(0) * phases.most_taps(1);
  const int64_t own_indices = round_up(1 + right.slots + cut.lines() * most, 8);
  int64_t* indices = scratch<int64_t>(ctx, ctx->threads * own_indices);
  if (!indices) return;
  for (int64_t i = 0; i < ctx->threads * own_indices; i++) indices[i] = -1;

  const auto gradients = [&](const columns_task& task) {
    const index_range(&from)[3] = task.outputs;
    return gradient_columns<T, In>{
        static_cast<const In*>(dy.data) + task.images.first * dy.stride[0] + task.group * K * dy.stride[1],
        dy.stride[0], source, (from[0].first * s.axis[1].out + from[1].first) * s.axis[2].out + from[2].first,
        task.positions()};
  };
  const auto pack = [&](const columns_task& task, T* to) {
    gradients(task).pack(to, task.images.count() * task.positions(), K, depth);
  };
  const auto multiply = [&](const columns_task& task, int64_t index, T* own, int64_t* tags, T* columns) {
    const int64_t rows = task.channels.count() * taps, count = task.images.count() * task.positions(),
                  block = index / parts, part = task.group * parts + index % parts;
    T* panels = right.find(part, own + left_size, tags + 1, [&](T* to) { pack(task, to); });
    if (right.how == packing::fresh) pack(task, panels);
    if (tags[0] != block) {
      tags[0] = block;
      for (int64_t k = 0; k < K; k += depth)
        pack_row_block(left, own + k * rows, task.group, task.channels.first * taps, rows, k, smaller(depth, K - k));
    }
    for (int64_t k = 0; k < K; k += depth, panels += depth * round_up(count, unit))
      multiply_block(own + k * rows, panels, rows, count, smaller(depth, K - k),
                     tile_target<T>{columns, pitch, count, k > 0, nullptr, nullptr},
                     [](int64_t, int64_t, int64_t, int64_t) {});
  };
  const auto turn_and_multiply = [&](const columns_task& task, T* own, T* columns) {
    if constexpr (std::is_same_v<T, In>) {
      const gradient_columns<T, In> from = gradients(task);
      for (int64_t i = 0; i < task.images.count(); i++)
        multiply_turned(left.data + task.group * K * left.filter_stride + task.channels.first * taps,
                        left.filter_stride, task.channels.count() * taps,
                        from.data + i * from.image_stride + from.first, source.channel_stride, from.positions, K, depth,
                        own, columns + i * from.positions, pitch);
    }
  };
  const auto write = [&](const columns_task& task, const T* columns, int64_t* sources) {
    const column_lines<T> lines = {s, phases, task, pitch};
    const index_range &d = task.inputs[0], &h = task.inputs[1];
    for (int64_t z = d.first, i = 0; z < d.past; z++)
      for (int64_t y = h.first; y < h.past; y++, i++) lines.find(z, y, sources + i * most);
    for (int64_t image = task.images.first; image < task.images.past; image++, columns += task.positions()) {
      In* plane = dx + ((image * s.groups + task.group) * s.channels + task.channels.first) * s.inputs();
      for (int64_t c = 0; c < task.channels.count(); c++, plane += s.inputs())
        for (int64_t z = d.first, i = 0; z < d.past; z++)
          for (int64_t y = h.first; y < h.past; y++, i++)
            lines.write(columns + c * taps * pitch, sources + i * most, plane + (z * s.axis[1].in + y) * s.axis[2].in);
    }
  };

  if (all_size)
    parallel_tasks(ctx, s.groups * parts, [&](int64_t part, int32_t) {
      pack(cut.task(part / parts * cut.blocks * parts + part % parts), right.all + part * right.size);
    });
  parallel_tasks(ctx, cut.tasks(), [&](int64_t index, int32_t thread) {
    const columns_task task = cut.task(index);
    T* own = buffers + thread * own_size;
    T* columns = own + left_size + right.own_size();
    int64_t* tags = indices + thread * own_indices;
    is_turned ? turn_and_multiply(task, own, columns) : multiply(task, index, own, tags, columns);
    write(task, columns, tags + 1 + right.slots);
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
