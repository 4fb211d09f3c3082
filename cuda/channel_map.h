// Elementwise work on [B, C, S] with numbers per channel: a pack per thread, whose channel is found by one division and
// followed by counting.
#pragma once
#include "launch.h"
#include "numbers.h"
#include "pack.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

// op(channel, inputs...) of each element of the inputs.
template <class T, int lanes, int inputs, class Op>
struct ChannelMap {
  static constexpr int threads = 256;
  const T* x[inputs];
  T* y;
  int64_t numel;
  PositionDivisor channels, size;
  Op op;

  __device__ void operator()() const {
    const int64_t at = (int64_t{blockIdx.x} * threads + threadIdx.x) * lanes;
    if (at >= numel) return;
    Pack<T, lanes> in[inputs], out;
#pragma unroll
    for (int i = 0; i < inputs; i++) in[i] = load_pack<T, lanes>(x[i] + at);
    int64_t within = at, channel = size.split(within);
    channels.split(channel);
#pragma unroll
    for (int k = 0; k < lanes; k++) {
      if constexpr (inputs == 1)
        out.at[k] = convert<T>(op(channel, computed(in[0].at[k])));
      else
        out.at[k] = convert<T>(op(channel, computed(in[0].at[k]), computed(in[1].at[k])));
      if (++within == size.divisor) {
        within = 0;
        if (++channel == channels.divisor) channel = 0;
      }
    }
    store_pack(y + at, out);
  }
};

template <class T, int inputs, class Op>
void map_channels(nr_context* ctx, const T* const (&x)[inputs], const nr_tensor& y_tensor, const Op& op) {
  const int64_t channels = y_tensor.shape[1], size = y_tensor.shape[2], numel = y_tensor.shape[0] * channels * size;
  T* y = static_cast<T*>(y_tensor.data);
  bool packed = numel % pack_size<T> == 0 && is_aligned(y, 16);
  for (const T* input : x) packed = packed && is_aligned(input, 16);
  const auto with_lanes = [&]<int lanes>() {
    ChannelMap<T, lanes, inputs, Op> kernel{
        {}, y, numel, PositionDivisor::of(channels, numel), PositionDivisor::of(size, numel), op};
    for (int i = 0; i < inputs; i++) kernel.x[i] = x[i];
    launch(ctx, blocks_for(numel, kernel.threads * lanes), kernel);
  };
  if (packed)
    with_lanes.template operator()<pack_size<T>>();
  else
    with_lanes.template operator()<1>();
}

}  // namespace
}  // namespace neurite::cuda
