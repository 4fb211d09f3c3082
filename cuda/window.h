// Windows that slide over three spatial axes (missing leading axes have size 1): which inputs and windows meet along an
// axis, and where the elements of a tensor [B, C, ...] lie.
#pragma once
#include "launch.h"
#include "numbers.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

// By n, or by 1 where there is nothing.
inline Divisor divide_by(int64_t n) {
  return Divisor::of(static_cast<uint32_t>(n ? n : 1));
}

// Coordinates first, first + step, … that are met, the first of them by `tap`, each further one by tap_step more.
struct Steps {
  int32_t first, count, step, tap, tap_step;
};

struct WindowAxis {
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
    return {begin + first * dilation, past > first ? past - first : 0, dilation, first, 1};
  }

  // The windows that meet input i: i + padding = o · stride + tap · dilation.
  __device__ Steps windows_of(int32_t i) const {
    const int32_t reach = i + padding, low = reach - (size - 1) * dilation;
    int32_t first = low > 0 ? by_stride.divide(low + stride - 1) : 0;
    const int32_t most = by_stride.divide(reach), last = most < out ? most : out - 1;
    if (dilation > 1) {
      if (reach % common != 0) return {0, 0, 1, 0, 0};
      const auto solution = static_cast<int32_t>(int64_t{reach / common % period} * inverse % period);
      const int32_t ahead = (solution - first) % period;
      first += ahead < 0 ? ahead + period : ahead;
    }
    if (first > last) return {0, 0, 1, 0, 0};
    const int32_t tap = by_dilation.divide(reach - first * stride);
    return {first, dilation > 1 ? (last - first) / period + 1 : last - first + 1, period, tap, -(stride / common)};
  }

  // How many elements an average over window o counts: those of the window clipped to the input, or to its padding.
  __device__ int32_t count_of(int32_t o, bool count_include_pad) const {
    const int32_t begin = o * stride - padding, end = begin + size, limit = count_include_pad ? in + padding : in;
    return (end < limit ? end : limit) - (count_include_pad || begin > 0 ? begin : 0);
  }
};

inline WindowAxis make_window_axis(int64_t in, int64_t out, int64_t size, int64_t stride, int64_t padding,
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
  return {narrow(in),        narrow(out),         narrow(size),   narrow(stride), narrow(padding), narrow(dilation),
          divide_by(stride), divide_by(dilation), narrow(period), narrow(common), narrow(inverse)};
}

// An element of [B, C, ...].
struct Place {
  uint32_t batch, channel;
  int32_t at[3];
};

// Tells the place of an element by its number; the last spatial coordinate, or the channel, goes fastest.
struct PlaceOrder {
  uint32_t count;
  Divisor channels, size[3];
  bool channels_last;

  __device__ Place place(uint32_t number) const {
    Place p;
    uint32_t at = number;
    if (channels_last) {
      number = channels.split(at);
      p.channel = at;
    }
    for (int i = 2; i >= 0; i--) {
      at = number;
      number = size[i].split(at);
      p.at[i] = static_cast<int32_t>(at);
    }
    if (!channels_last) {
      at = number;
      number = channels.split(at);
      p.channel = at;
    }
    p.batch = number;
    return p;
  }
};

// Calls body(first batch, first channel, order) for parts of [batch, channels, size ...] that 32 bits can count.
template <class Body>
void each_part(nr_context* ctx, int64_t batch, int64_t channels, const int64_t (&size)[3], bool channels_last,
               const Body& body) {
  constexpr int64_t most = (int64_t{1} << 31) - 1;
  if (batch == 0 || channels == 0) return;
  int64_t plane = 1;
  for (const int64_t n : size) plane = n == 0 || plane <= most / n ? plane * n : most + 1;
  if (plane > most)
    return ctx->fail(ctx, "NOT_SUPPORTED", "expected fewer than 2^31 positions of a plane, got %lld x %lld x %lld",
                     static_cast<long long>(size[0]), static_cast<long long>(size[1]), static_cast<long long>(size[2]));
  if (plane == 0) return;
  const int64_t channel_step = channels <= most / plane ? channels : most / plane;
  const int64_t batch_step = channel_step < channels ? 1 : most / (channels * plane);
  for (int64_t b = 0; b < batch; b += batch_step) {
    for (int64_t c = 0; c < channels; c += channel_step) {
      const int64_t images = batch - b < batch_step ? batch - b : batch_step;
      const int64_t planes = channels - c < channel_step ? channels - c : channel_step;
      body(b, c,
           PlaceOrder{static_cast<uint32_t>(images * planes * plane),
                      divide_by(planes),
                      {divide_by(size[0]), divide_by(size[1]), divide_by(size[2])},
                      channels_last});
    }
  }
}

template <class T>
struct PlaceView {
  T* data;
  int64_t batch, channel, stride[3];

  explicit PlaceView(const nr_tensor& t)
      : data(static_cast<T*>(t.data)), batch(t.stride[0]), channel(t.stride[1]), stride{} {
    for (int i = 0; i < 3; i++)
      if (const int own = i - (5 - t.ndim); own >= 0) stride[i] = t.stride[2 + own];
  }
  PlaceView from(int64_t first_batch, int64_t first_channel) const {
    PlaceView view = *this;
    view.data += first_batch * batch + first_channel * channel;
    return view;
  }
  __device__ int64_t offset(const Place& p) const {
    return p.batch * batch + p.channel * channel + p.at[0] * stride[0] + p.at[1] * stride[1] + p.at[2] * stride[2];
  }
};

}  // namespace
}  // namespace neurite::cuda
