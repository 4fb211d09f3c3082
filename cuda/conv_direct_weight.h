// The gradient of the weights of such convolutions: a block sums up products of one filter and one channel of a group
// over its part of all positions, for 3 × 3 taps at a time. Its threads lie along a line of positions, or, where
// channels lie together, 32 of them along groups. The parts, as many as the shape says, are added up in order by a
// second launch.
#pragma once
#include "conv_shape.h"
#include "positions.h"

namespace neurite::cuda {
namespace {

template <class T>
struct DirectWeightGradient {
  static constexpr int threads = 256, across = 3, taps = across * across;
  using C = compute_of<T>;
  WindowAxis axis[3];
  PlaceView<const T> x, dy;
  int32_t groups, channels, filters;
  int32_t group_lanes;                // 1 or 32 neighbouring threads have a group each
  int32_t row_blocks, column_blocks;  // of taps
  Positions outputs;
  int64_t part_positions, weights;
  C* parts;  // [parts, weights]

  __device__ void operator()() const {
    SIMT_SHARED(C, shared, [taps * threads]);
    const int thread = static_cast<int>(threadIdx.x), first_lane = thread / group_lanes;
    uint32_t rest = blockIdx.x;
    const auto next = [&](int32_t n) {
      const auto at = static_cast<int32_t>(rest % n);
      rest /= n;
      return at;
    };
    const int32_t column = next(column_blocks) * across, row = next(row_blocks) * across, plane = next(axis[0].size);
    const int32_t channel = next(channels), filter = next(filters);
    const int32_t group = next((groups + group_lanes - 1) / group_lanes) * group_lanes + thread % group_lanes;
    const int64_t part = rest,
                  end = (part + 1) * part_positions < outputs.count ? (part + 1) * part_positions : outputs.count;
    C sums[taps] = {};
    if (group < groups) {
      const T* from_x = x.data + (int64_t{group} * channels + channel) * x.channel;
      const T* from_dy = dy.data + (int64_t{group} * filters + filter) * dy.channel;
      for (int64_t p = part * part_positions + first_lane; p < end; p += threads / group_lanes)
        add(sums, from_x, from_dy, p, plane, row, column);
    }
#pragma unroll
    for (int t = 0; t < taps; t++) shared[t * threads + thread] = sums[t];
    for (int half = threads / 2; half >= group_lanes; half /= 2) {
      __syncthreads();
      if (thread < half)
        for (int t = 0; t < taps; t++) shared[t * threads + thread] += shared[t * threads + thread + half];
    }
    if (thread < group_lanes && group < groups) {
      const int64_t filter_of_all = int64_t{group} * filters + filter;
      for (int t = 0; t < taps; t++) {
        const int32_t i = row + t / across, j = column + t % across;
        if (i < axis[1].size && j < axis[2].size)
          parts[part * weights +
                ((filter_of_all * channels + channel) * axis[0].size + plane) * axis[1].size * axis[2].size +
                i * axis[2].size + j] = shared[t * threads + thread];
      }
    }
  }

 private:
  __device__ void add(C (&sums)[taps], const T* from_x, const T* from_dy, int64_t position, int32_t plane, int32_t row,
                      int32_t column) const {
    Place o = {0, 0, {}};
    const int64_t image_index = outputs.locate(position, o.at);
    const auto in = [&](int i, int32_t tap) {
      return o.at[i] * axis[i].stride - axis[i].padding + tap * axis[i].dilation;
    };
    const auto has = [&](int i, int32_t tap) {
      return tap < axis[i].size && static_cast<uint32_t>(in(i, tap)) < static_cast<uint32_t>(axis[i].in);
    };
    if (!has(0, plane)) return;
    const C gradient = computed(from_dy[image_index * dy.batch + dy.offset(o)]);
    const T* image = from_x + image_index * x.batch + in(0, plane) * x.stride[0];
#pragma unroll
    for (int i = 0; i < across; i++)
#pragma unroll
      for (int j = 0; j < across; j++)
        if (has(1, row + i) && has(2, column + j))
          sums[i * across + j] +=
              gradient * computed(image[in(1, row + i) * x.stride[1] + in(2, column + j) * x.stride[2]]);
  }
};

template <class T>
struct AddParts {
  static constexpr int threads = 256;
  const compute_of<T>* parts;
  int64_t count, size;
  T* to;

  __device__ void operator()() const {
    for (int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x; i < size; i += int64_t{gridDim.x} * threads) {
      compute_of<T> sum = 0;
      for (int64_t p = 0; p < count; p++) sum += parts[p * size + i];
      to[i] = convert<T>(sum);
    }
  }
};

template <class T>
void correlate_directly(nr_context* ctx, const ConvShape& s, const nr_tensor& x, const nr_tensor& dy, nr_tensor& dw) {
  using Kernel = DirectWeightGradient<T>;
  using C = compute_of<T>;
  const auto narrow = [](int64_t n) { return static_cast<int32_t>(n); };
  const auto blocks = [](int64_t n, int64_t size) { return (n + size - 1) / size; };
  const PlaceView<const T> from_x(x), from_dy(dy);
  const int64_t positions = s.batch * s.outputs(), weights = s.groups * s.filters * s.channels * s.taps();
  if (weights == 0) return;
  const bool is_last = from_x.channel == 1 && from_x.stride[2] != 1 && s.groups > 1;
  const int64_t group_lanes = is_last ? 32 : 1;
  const int64_t rows = blocks(s.axis[1].size, Kernel::across), columns = blocks(s.axis[2].size, Kernel::across);
  const int64_t part_blocks = blocks(s.groups, group_lanes) * s.filters * s.channels * s.axis[0].size * rows * columns;
  // Blocks enough for any chip, each of them with enough to add up.
  const int64_t most = blocks(positions, 8 * Kernel::threads / group_lanes), wanted = blocks(2048, part_blocks);
  const int64_t part_positions = positions ? blocks(positions, wanted < most ? wanted : most) : 1;
  const int64_t parts = blocks(positions, part_positions);
  void* sums = ctx->scratch(ctx, static_cast<size_t>(parts * weights + 1) * sizeof(C));
  if (!sums) return;
  Kernel kernel = {{s.axis[0], s.axis[1], s.axis[2]},
                   from_x,
                   from_dy,
                   narrow(s.groups),
                   narrow(s.channels),
                   narrow(s.filters),
                   narrow(group_lanes),
                   narrow(rows),
                   narrow(columns),
                   {positions, s.outputs(), {}},
                   part_positions,
                   weights,
                   static_cast<C*>(sums)};
  for (int i = 0; i < 3; i++) kernel.outputs.size[i] = divide_by(s.axis[i].out);
  launch(ctx, static_cast<unsigned>(part_blocks * parts), kernel);
  launch(ctx, blocks_for(weights, AddParts<T>::threads),
         AddParts<T>{static_cast<C*>(sums), parts, weights, static_cast<T*>(dw.data)});
}

}  // namespace
}  // namespace neurite::cuda
