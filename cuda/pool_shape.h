// A pooling's sizes over three spatial axes (missing leading axes have size 1), which inputs and windows meet along an
// axis, and where the elements of a tensor [B, C, ...] lie.
#pragma once
#include "numbers.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

// Coordinates first, first + step, …
struct Steps {
  int32_t first, count, step;
};

struct PoolAxis {
  int32_t in, out, size, stride, padding, dilation;
  Divisor by_stride, by_dilation;
  // Windows that meet the same input are `period` apart; the first is that of a multiple of `common`, found with
  // `inverse`.
  int32_t period, common, inverse;

  // The inputs that window o meets.
  __device__ Steps inputs_of(int32_t o) const {
    const int32_t begin = o * stride - padding, room = in > begin ? in - begin : 0;
    const int32_t first = begin < 0 ? by_dilation.divide(dilation - 1 - begin) : 0;
    const int32_t reached = by_dilation.divide(dilation - 1 + room), past = reached < size ? reached : size;
    return {begin + first * dilation, past > first ? past - first : 0, dilation};
  }

  // The windows that meet input i: i + padding = o · stride + tap · dilation.
  __device__ Steps windows_of(int32_t i) const {
    const int32_t reach = i + padding, low = reach - (size - 1) * dilation;
    int32_t first = low > 0 ? by_stride.divide(low + stride - 1) : 0;
    const int32_t most = by_stride.divide(reach), last = most < out ? most : out - 1;
    if (dilation > 1) {
      if (reach % common != 0) return {0, 0, 1};
      const auto solution = static_cast<int32_t>(int64_t{reach / common % period} * inverse % period);
      const int32_t ahead = (solution - first) % period;
      first += ahead < 0 ? ahead + period : ahead;
    }
    return {first, first <= last ? (last - first) / period + 1 : 0, period};
  }

  // How many elements an average over window o counts: those of the window clipped to the input, or to its padding.
  __device__ int32_t count_of(int32_t o, bool count_include_pad) const {
    const int32_t begin = o * stride - padding, end = begin + size, limit = count_include_pad ? in + padding : in;
    return (end < limit ? end : limit) - (count_include_pad || begin > 0 ? begin : 0);
  }
};

inline PoolAxis make_pool_axis(int64_t in, int64_t out, int64_t size, int64_t stride, int64_t padding,
                               int64_t dilation) {
  int64_t common = stride, rest = dilation % stride;  // their greatest common divisor
  while (rest != 0) {
    const int64_t next = common % rest;
    common = rest;
    rest = next;
  }
  const int64_t period = dilation / common;
  // Euclid's algorithm: inverse · stride / common = 1 modulo the period.
  int64_t a = period, b = stride / common % period, inverse = 0, next = 1;
  while (b > 1) {
    const int64_t quotient = a / b, remainder = a - quotient * b, before = inverse - quotient * next;
    a = b, b = remainder, inverse = next, next = before;
  }
  inverse = period == 1 ? 0 : (next % period + period) % period;
  const auto narrow = [](int64_t n) { return static_cast<int32_t>(n); };
  const auto divisor = [](int64_t n) { return Divisor::of(static_cast<uint32_t>(n)); };
  return {narrow(in),      narrow(out),       narrow(size),   narrow(stride), narrow(padding), narrow(dilation),
          divisor(stride), divisor(dilation), narrow(period), narrow(common), narrow(inverse)};
}

// An element of [B, C, ...].
struct PoolPlace {
  uint32_t batch, channel;
  int32_t at[3];
};

// Tells the place of an element by its number.
struct PoolOrder {
  uint32_t count;
  Divisor channels, size[3];

  __device__ PoolPlace place(uint32_t number) const {
    PoolPlace p;
    for (int i = 2; i >= 0; i--) {
      uint32_t at = number;
      number = size[i].split(at);
      p.at[i] = static_cast<int32_t>(at);
    }
    p.channel = number;
    p.batch = channels.split(p.channel);
    return p;
  }
};

template <class T>
struct PoolView {
  T* data;
  int64_t batch, channel, stride[3];

  explicit PoolView(const nr_tensor& t)
      : data(static_cast<T*>(t.data)), batch(t.stride[0]), channel(t.stride[1]), stride{} {
    for (int i = 0; i < 3; i++)
      if (const int own = i - (5 - t.ndim); own >= 0) stride[i] = t.stride[2 + own];
  }
  PoolView from(int64_t first_batch, int64_t first_channel) const {
    PoolView view = *this;
    view.data += first_batch * batch + first_channel * channel;
    return view;
  }
  __device__ int64_t offset(const PoolPlace& p) const {
    return p.batch * batch + p.channel * channel + p.at[0] * stride[0] + p.at[1] * stride[1] + p.at[2] * stride[2];
  }
};

struct PoolShape {
  int64_t batch, channels;
  PoolAxis axis[3];

  // Calls body(first batch, first channel, order) for parts of all outputs, or inputs, that 32 bits can count.
  template <class Body>
  void each_part(bool of_inputs, const Body& body) const {
    constexpr int64_t most = int64_t{1} << 30;
    int64_t size[3], plane = 1;
    for (int i = 0; i < 3; i++) plane *= size[i] = of_inputs ? axis[i].in : axis[i].out;
    const int64_t channel_step = channels * plane <= most ? channels : most / plane;
    if (channel_step == 0) return;
    const int64_t image = channel_step * plane, batch_step = channel_step < channels ? 1 : most / image;
    for (int64_t b = 0; b < batch; b += batch_step) {
      for (int64_t c = 0; c < channels; c += channel_step) {
        const int64_t images = batch - b < batch_step ? batch - b : batch_step;
        const int64_t planes = channels - c < channel_step ? channels - c : channel_step;
        PoolOrder order = {
            static_cast<uint32_t>(images * planes * plane), Divisor::of(static_cast<uint32_t>(planes)), {}};
        for (int i = 0; i < 3; i++) order.size[i] = Divisor::of(static_cast<uint32_t>(size[i]));
        body(b, c, order);
      }
    }
  }
};

inline PoolShape make_pool_shape(const nr_tensor& x, const nr_tensor& y, const nr_ints& size, const nr_ints& stride,
                                 const nr_ints& padding, const nr_ints* dilation) {
  PoolShape s = {x.shape[0], x.shape[1], {}};
  for (int64_t i = 0; i < 3; i++) {
    const int64_t own = i - (3 - size.count);
    s.axis[i] = own < 0 ? make_pool_axis(1, 1, 1, 1, 0, 1)
                        : make_pool_axis(x.shape[2 + own], y.shape[2 + own], size.at[own], stride.at[own],
                                         padding.at[own], dilation ? dilation->at[own] : 1);
  }
  return s;
}

}  // namespace
}  // namespace neurite::cuda
