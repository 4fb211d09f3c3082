// Pooling: a thread reads its window and writes its output; where windows are large and few, a warp does. An Op is what
// becomes of a window's elements:
//   State start()                          of a window without elements
//   void take(State&, C value, int32_t place)    places count within a plane and ascend
//   State merge(State, lane_bits)          with that of the lane that differs in these bits
//   void finish(State, const Place&)   writes the output
#pragma once
#include <math.h>

#include "pool_shape.h"

namespace neurite::cuda {
namespace {

// The maximum and where it is. NaN wins, ties go to the first tap, padding never wins.
template <class T, class Index>
struct WindowMaximum {
  using C = compute_of<T>;
  struct State {
    C value;
    int32_t place;  // negative: none yet
  };
  PlaceView<T> y;
  Index* index;  // lies as y does; NULL: nobody wants it

  __device__ State start() const { return {-static_cast<C>(INFINITY), -1}; }
  __device__ void take(State& best, C value, int32_t place) const {
    if (value > best.value || value != value || best.place < 0) best = {value, place};
  }
  __device__ State merge(State a, int bits) const {
    const State b = {__shfl_xor_sync(0xffffffff, a.value, bits), __shfl_xor_sync(0xffffffff, a.place, bits)};
    if (a.place < 0 || b.place < 0) return a.place < 0 ? b : a;
    const bool a_is_nan = a.value != a.value, b_is_nan = b.value != b.value;
    if (a_is_nan || b_is_nan) return a_is_nan && (!b_is_nan || a.place > b.place) ? a : b;  // the last NaN
    if (a.value == b.value) return a.place < b.place ? a : b;
    return a.value > b.value ? a : b;
  }
  __device__ void finish(State best, const Place& p) const {
    const int64_t to = y.offset(p);
    y.data[to] = convert<T>(best.value);
    if (index) index[to] = best.place < 0 ? 0 : best.place;  // a dilated window can miss the input altogether
  }
};

template <class T>
struct WindowMean {
  using C = compute_of<T>;
  using State = C;
  PlaceView<T> y;
  WindowAxis axis[3];
  bool count_include_pad;

  __device__ State start() const { return 0; }
  __device__ void take(State& sum, C value, int32_t) const { sum += value; }
  __device__ State merge(State a, int bits) const { return a + __shfl_xor_sync(0xffffffff, a, bits); }
  __device__ void finish(State sum, const Place& p) const {
    C count = 1;
    for (int i = 0; i < 3; i++) count *= static_cast<C>(axis[i].count_of(p.at[i], count_include_pad));
    y.data[y.offset(p)] = convert<T>(sum / count);
  }
};

template <class T, class Op>
struct WindowPerThread {
  static constexpr int threads = 256;
  PlaceOrder order;
  WindowAxis axis[3];
  PlaceView<const T> x;
  Op op;

  __device__ void operator()() const {
    const uint32_t number = blockIdx.x * threads + threadIdx.x;
    if (number >= order.count) return;
    const Place p = order.place(number);
    const Steps a = axis[0].inputs_of(p.at[0]), b = axis[1].inputs_of(p.at[1]), c = axis[2].inputs_of(p.at[2]);
    const T* plane = x.data + p.batch * x.batch + p.channel * x.channel;
    const int64_t step = c.step * x.stride[2];
    auto state = op.start();
    for (int32_t i = 0; i < a.count; i++) {
      for (int32_t j = 0; j < b.count; j++) {
        const int32_t z = a.first + i * a.step, r = b.first + j * b.step;
        const T* from = plane + z * x.stride[0] + r * x.stride[1] + c.first * x.stride[2];
        int32_t place = (z * axis[1].in + r) * axis[2].in + c.first;
#pragma unroll 4
        for (int32_t k = 0; k < c.count; k++, from += step, place += c.step) op.take(state, computed(*from), place);
      }
    }
    op.finish(state, p);
  }
};

template <class T, class Op>
struct WindowPerWarp {
  static constexpr int threads = 128;
  PlaceOrder order;
  WindowAxis axis[3];
  PlaceView<const T> x;
  Op op;

  __device__ void operator()() const {
    const uint32_t number = blockIdx.x * (threads / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
    const bool is_own = number < order.count;
    const Place p = order.place(is_own ? number : 0);
    const Steps a = axis[0].inputs_of(p.at[0]), b = axis[1].inputs_of(p.at[1]), c = axis[2].inputs_of(p.at[2]);
    const T* plane = x.data + p.batch * x.batch + p.channel * x.channel;
    const uint32_t columns = c.count, rows = b.count, taps = a.count * rows * columns;
    auto state = op.start();
#pragma unroll 4
    for (uint32_t tap = lane; tap < taps; tap += 32) {
      const int32_t row = tap / columns, i = row / rows;
      const int32_t z = a.first + i * a.step, r = b.first + (row - i * rows) * b.step;
      const int32_t column = c.first + (tap - row * columns) * c.step;
      const T value = plane[z * x.stride[0] + r * x.stride[1] + column * x.stride[2]];
      op.take(state, computed(value), (z * axis[1].in + r) * axis[2].in + column);
    }
#pragma unroll
    for (int bits = 16; bits > 0; bits /= 2) state = op.merge(state, bits);
    if (is_own && lane == 0) op.finish(state, p);
  }
};

// make_op(first batch, first channel)
template <class T, class MakeOp>
void pool_windows(nr_context* ctx, const PoolShape& s, const nr_tensor& x, const MakeOp& make_op) {
  constexpr int64_t many = 32;  // taps
  int64_t taps = 1;
  for (const WindowAxis& a : s.axis) taps *= a.size < many ? a.size : many;
  s.each_part(ctx, s.outputs(), [&](int64_t batch, int64_t channel, const PlaceOrder& order) {
    const auto go = [&](auto kernel, int outputs_of_block) {
      for (int i = 0; i < 3; i++) kernel.axis[i] = s.axis[i];
      launch(ctx, blocks_for(order.count, outputs_of_block), kernel);
    };
    const PlaceView<const T> from = PlaceView<const T>(x).from(batch, channel);
    const auto op = make_op(batch, channel);
    using Op = decltype(make_op(batch, channel));
    if (taps >= many && order.count < 1 << 17)
      go(WindowPerWarp<T, Op>{order, {}, from, op}, WindowPerWarp<T, Op>::threads / 32);
    else
      go(WindowPerThread<T, Op>{order, {}, from, op}, WindowPerThread<T, Op>::threads);
  });
}

}  // namespace
}  // namespace neurite::cuda
