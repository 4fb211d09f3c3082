// Gradients of pooling, gathered: a thread adds up what the windows that meet its input give it, in a fixed order, and
// writes it once. A Gradient gives
//   C of(const Place& window, int32_t place)   what goes from a window to that place of its plane
#pragma once
#include "check.h"
#include "pool_shape.h"

namespace neurite::cuda {
namespace {

// dy goes to the place of the maximum.
template <class T, class Index>
struct MaximumGradient {
  using C = compute_of<T>;
  PlaceView<const T> dy;
  PlaceView<const Index> index;
  int64_t inputs;  // of a plane
  Check check;

  __device__ C of(const Place& window, int32_t place) const {
    const Index at = index.data[index.offset(window)];
    if (at == place) return computed(dy.data[dy.offset(window)]);
    if (at < 0 || at >= inputs) check.fail(inputs, at);
    return 0;
  }
};

// dy is divided among the elements of its window.
template <class T>
struct MeanGradient {
  using C = compute_of<T>;
  PlaceView<const T> dy;
  WindowAxis axis[3];
  bool count_include_pad;

  __device__ C of(const Place& window, int32_t) const {
    C count = 1;
    for (int i = 0; i < 3; i++) count *= static_cast<C>(axis[i].count_of(window.at[i], count_include_pad));
    return computed(dy.data[dy.offset(window)]) / count;
  }
};

template <class T, class Gradient>
struct GatherGradient {
  static constexpr int threads = 256;
  PlaceOrder order;
  WindowAxis axis[3];
  PlaceView<T> dx;
  Gradient gradient;

  __device__ void operator()() const {
    const uint32_t number = blockIdx.x * threads + threadIdx.x;
    if (number >= order.count) return;
    const Place p = order.place(number);
    const Steps a = axis[0].windows_of(p.at[0]), b = axis[1].windows_of(p.at[1]), c = axis[2].windows_of(p.at[2]);
    const int32_t place = (p.at[0] * axis[1].in + p.at[1]) * axis[2].in + p.at[2];
    Place window = p;
    compute_of<T> sum = 0;
    for (int32_t i = 0; i < a.count; i++) {
      window.at[0] = a.first + i * a.step;
      for (int32_t j = 0; j < b.count; j++) {
        window.at[1] = b.first + j * b.step;
#pragma unroll 4
        for (int32_t k = 0; k < c.count; k++) {
          window.at[2] = c.first + k * c.step;
          sum += gradient.of(window, place);
        }
      }
    }
    dx.data[dx.offset(p)] = convert<T>(sum);
  }
};

// make_gradient(first batch, first channel)
template <class T, class MakeGradient>
void gather_gradients(nr_context* ctx, const PoolShape& s, const nr_tensor& dx, const MakeGradient& make_gradient) {
  s.each_part(ctx, s.inputs(), [&](int64_t batch, int64_t channel, const PlaceOrder& order) {
    using Gradient = decltype(make_gradient(batch, channel));
    GatherGradient<T, Gradient> kernel = {
        order, {}, PlaceView<T>(dx).from(batch, channel), make_gradient(batch, channel)};
    for (int i = 0; i < 3; i++) kernel.axis[i] = s.axis[i];
    launch(ctx, blocks_for(order.count, kernel.threads), kernel);
  });
}

}  // namespace
}  // namespace neurite::cuda
