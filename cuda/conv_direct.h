// Convolutions of groups with few channels, depthwise ones above all, and the gradients of their inputs: a thread sums
// up all channels of its group at one position, straight from the image. Neighbouring threads are neighbours in memory,
// along a line or, where channels lie together, along them; taps that they share, and weights, come from the
// first-level cache. Each image is read once from memory: with one channel per group and 3 × 3 windows a sum takes
// about as long as its 8 bytes of float32.
#pragma once
#include "conv_shape.h"
#include "epilogue.h"

namespace neurite::cuda {
namespace {

template <class T, int most_targets, bool is_gradient>
struct DirectConv {
  static constexpr int threads = 256;
  using C = compute_of<T>;
  PlaceOrder order;  // of groups
  WindowAxis axis[3];
  PlaceView<const T> from;
  ConvWeights<T> w;
  int32_t sources, targets;
  PlaceView<T> to;
  const T* bias;  // or NULL
  int64_t bias_stride;
  Epilogue<T> epilogue;

  __device__ void operator()() const {
    const uint32_t number = blockIdx.x * threads + threadIdx.x;
    if (number >= order.count) return;
    Place p = order.place(number);
    const auto steps = [&](int i) { return is_gradient ? axis[i].windows_of(p.at[i]) : axis[i].inputs_of(p.at[i]); };
    const Steps a = steps(0), b = steps(1), c = steps(2);
    const int64_t group = p.channel;
    const T* plane = from.data + p.batch * from.batch + group * sources * from.channel;
    const T* weights = w.data + group * w.group;
    C sums[most_targets] = {};
    for (int32_t s = 0; s < sources; s++, plane += from.channel, weights += w.source) {
      for (int32_t i = 0; i < a.count; i++) {
        for (int32_t j = 0; j < b.count; j++) {
          const T* at = plane + (a.first + i * a.step) * from.stride[0] + (b.first + j * b.step) * from.stride[1] +
                        c.first * from.stride[2];
          const T* weight =
              weights + (a.tap + i * a.tap_step) * w.tap[0] + (b.tap + j * b.tap_step) * w.tap[1] + c.tap * w.tap[2];
#pragma unroll 4
          for (int32_t k = 0; k < c.count; k++) {
            const C v = computed(*at);
#pragma unroll
            for (int t = 0; t < most_targets; t++)
              if (t < targets) sums[t] += v * computed(weight[t * w.target]);
            at += c.step * from.stride[2];
            weight += c.tap_step * w.tap[2];
          }
        }
      }
    }
    p.channel = static_cast<uint32_t>(group * targets);
    int64_t at = to.data - epilogue.y + to.offset(p);
#pragma unroll
    for (int t = 0; t < most_targets; t++) {
      if (t < targets) {
        C sum[1] = {sums[t] + (bias ? computed(bias[(group * targets + t) * bias_stride]) : C(0))};
        epilogue.finish(at, sum, 1);
        at += to.channel;
      }
    }
  }
};

template <class T, bool is_gradient>
void convolve_directly(nr_context* ctx, const ConvShape& s, const nr_tensor& from, const ConvWeights<T>& w,
                       const nr_tensor& to, const nr_optional& bias, const Epilogue<T>& epilogue) {
  const auto sources = static_cast<int32_t>(is_gradient ? s.filters : s.channels);
  const auto targets = static_cast<int32_t>(is_gradient ? s.channels : s.filters);
  const PlaceView<const T> source(from);
  const PlaceView<T> target(to);
  int64_t size[3];
  for (int i = 0; i < 3; i++) size[i] = is_gradient ? s.axis[i].in : s.axis[i].out;
  const bool channels_last = s.groups > 1 && target.channel == 1 && target.stride[2] > 1;
  each_part(ctx, s.batch, s.groups, size, channels_last, [&](int64_t b, int64_t g, const PlaceOrder& order) {
    ConvWeights<T> weights = w;
    weights.data += g * w.group;
    const auto go = [&]<int most_targets>() {
      DirectConv<T, most_targets, is_gradient> kernel = {order,
                                                         {s.axis[0], s.axis[1], s.axis[2]},
                                                         source.from(b, g * sources),
                                                         weights,
                                                         sources,
                                                         targets,
                                                         target.from(b, g * targets),
                                                         nullptr,
                                                         0,
                                                         epilogue};
      if (bias.present) {
        kernel.bias_stride = bias.tensor.stride[0];
        kernel.bias = static_cast<const T*>(bias.tensor.data) + g * targets * kernel.bias_stride;
      }
      launch(ctx, blocks_for(order.count, kernel.threads), kernel);
    };
    if (targets <= 1)
      go.template operator()<1>();
    else if (targets <= 2)
      go.template operator()<2>();
    else
      go.template operator()<most_direct_channels>();
  });
}

}  // namespace
}  // namespace neurite::cuda
