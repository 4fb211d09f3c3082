// How [B, C, S] is cut to measure something per channel. There are two kinds of tiles:
//   planes   S is long: a block takes 4096 elements of one channel, along S and across B;
//   columns  S is short (S = 1: rows of features): a block takes 32 neighbouring columns of [B, C S] and 128 rows.
// A thread keeps its 16 elements in registers. A tile gives one partial result per channel or column; a warp per
// channel joins them in double.
#pragma once
#include "dispatch.h"
#include "launch.h"
#include "reduce.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

struct ChannelTiles {
  static constexpr int threads = 256, each = 16, width = 32, rows = threads / width * each;
  int64_t batch, channels, size;
  bool planes;
  PositionDivisor by_size;
  int64_t tiles;  // of a channel, or of a column

  explicit ChannelTiles(const nr_tensor& x)
      : batch(x.shape[0]),
        channels(x.shape[1]),
        size(x.shape[2]),
        planes(size >= 16),
        by_size(PositionDivisor::of(size, count())) {
    tiles = planes ? (count() + threads * each - 1) / (threads * each) : (batch + rows - 1) / rows;
  }
  __host__ __device__ int64_t count() const { return batch * size; }  // elements of a channel
  int64_t columns() const { return planes ? channels : channels * size; }
  int64_t partials() const { return columns() * tiles; }
  unsigned blocks() const { return blocks_for(planes ? channels : (columns() + width - 1) / width, 1); }
};

// What is measured is an Op: a struct of pointers with Value and Wide, and of(channel, at) -> Value of the elements at
// the offsets at[0] ... that are not negative, combine(a, b), exchange(value, bits), widen(value) -> Wide, join(a, b)
// of Wides, and finish(channel, wide).
template <class Op>
struct MeasureTile {
  static constexpr int threads = ChannelTiles::threads;
  ChannelTiles tiles;
  Op op;
  typename Op::Value* partials;  // [columns][tiles]
  int64_t columns;

  __device__ void operator()() const {
    const int thread = static_cast<int>(threadIdx.x);
    const int64_t tile = blockIdx.x % tiles.tiles, block = blockIdx.x / tiles.tiles;
    const int64_t column = tiles.planes ? block : block * tiles.width + thread % tiles.width;
    const int64_t channel = tiles.planes ? block : column / tiles.size;
    int64_t at[ChannelTiles::each];
#pragma unroll
    for (int k = 0; k < ChannelTiles::each; k++) {
      at[k] = -1;
      if (tiles.planes) {
        int64_t within = (tile * ChannelTiles::each + k) * threads + thread;
        if (within >= tiles.count()) continue;
        const int64_t image = tiles.by_size.split(within);
        at[k] = (image * tiles.channels + channel) * tiles.size + within;
      } else {
        const int64_t row = tile * ChannelTiles::rows + k * (threads / tiles.width) + thread / tiles.width;
        if (column < columns && row < tiles.batch) at[k] = row * columns + column;
      }
    }
    typename Op::Value values[1] = {op.of(channel, at)};
    reduce_group<threads>(op, values, tiles.planes ? 1 : tiles.width, threads);
    if (tiles.planes ? thread == 0 : thread < tiles.width && column < columns)
      partials[column * tiles.tiles + tile] = values[0];
  }
};

template <class Op>
struct JoinTiles {
  static constexpr int threads = 128;
  Op op;
  const typename Op::Value* partials;
  int64_t channels, partials_each;

  __device__ void operator()() const {
    const int64_t channel = int64_t{blockIdx.x} * (threads / 32) + threadIdx.x / 32;
    const int lane = static_cast<int>(threadIdx.x % 32);
    typename Op::Wide total = {};
    if (channel < channels)
      for (int64_t i = lane; i < partials_each; i += 32)
        total = Op::join(total, op.widen(partials[channel * partials_each + i]));
    for (int bits = 16; bits > 0; bits /= 2) total = Op::join(total, Op::exchange(total, bits));
    if (lane == 0 && channel < channels) op.finish(channel, total);
  }
};

// False when memory is out.
template <class Op>
bool measure_channels(nr_context* ctx, const nr_tensor& x, const Op& op) {
  const ChannelTiles tiles(x);
  const auto bytes = static_cast<size_t>(tiles.partials() + 1) * sizeof(typename Op::Value);
  auto* partials = static_cast<typename Op::Value*>(ctx->scratch(ctx, bytes));
  if (!partials) return false;
  launch(ctx, blocks_for(int64_t{tiles.blocks()} * tiles.tiles, 1),
         MeasureTile<Op>{tiles, op, partials, tiles.columns()});
  const int64_t partials_each = tiles.planes ? tiles.tiles : tiles.tiles * tiles.size;
  const JoinTiles<Op> join{op, partials, tiles.channels, partials_each};
  launch(ctx, blocks_for(tiles.channels, join.threads / 32), join);
  return true;
}

}  // namespace
}  // namespace neurite::cuda
