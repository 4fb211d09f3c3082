// How products over patches end: lines of A are positions of a result [B, groups · filters, ...], lines of B the
// filters of a group. Where positions lie side by side the sums are turned, so that those of neighbouring positions are
// stored together. The gradient of the weights is the other kind: rows are filters, columns taps and channels.
#pragma once
#include "epilogue.h"
#include "partial_sums.h"
#include "patch_operand.h"

namespace neurite::cuda {
namespace {

template <class T>
struct ConvEnding : PartialSums<compute_of<T>> {
  using C = compute_of<T>;
  static constexpr int pack = pack_size<T>;
  Epilogue<T> epilogue;
  const T* bias;  // or NULL
  int64_t bias_stride;
  int64_t filters;          // of a group
  int64_t groups_of_image;  // 0, or an image has so many batches of its own
  Positions positions;
  int64_t first, image, channel, stride[3];  // of the result's elements
  bool is_turned;
  bool is_run;  // positions of an image lie side by side

  void set_size(int64_t products, int64_t lines_a, int64_t lines_b) {
    filters = lines_b;
    this->batches = products;
    this->rows = is_turned ? lines_b : lines_a;
    this->columns = is_turned ? lines_a : lines_b;
  }

  __device__ bool turned() const { return is_turned; }

  template <int N>
  __device__ void finish(const Tile& tile, int64_t row, int64_t column, C (&v)[N]) const {
    this->keep_or_finish(*this, tile, row, column, v);
  }

  template <int N>
  __device__ void finish_sums(int64_t batch, int64_t row, int64_t column, C (&v)[N], int count) const {
    const int64_t own_image = groups_of_image ? batch / groups_of_image : 0;
    const int64_t group = batch - own_image * groups_of_image;
    const int64_t filter = group * filters + (is_turned ? row : column);
    if (bias) {
#pragma unroll
      for (int i = 0; i < N; i++)
        if (i < count) v[i] += computed(bias[(filter + (is_turned ? 0 : i)) * bias_stride]);
    }
    const int64_t to = first + own_image * image + filter * channel;
    if (!is_turned) return epilogue.finish(to + offset(row), v, count);
    const int64_t begin = to + offset(column), end = to + offset(column + count - 1);
    if (is_run && end - begin == count - 1) return epilogue.finish(begin, v, count);
#pragma unroll
    for (int i = 0; i < N; i++) {
      C one[1] = {v[i]};
      if (i < count) epilogue.finish(to + offset(column + i), one, 1);
    }
  }

 private:
  __device__ int64_t offset(int64_t position) const {
    int32_t at[3];
    int64_t sum = positions.locate(position, at) * image;
#pragma unroll
    for (int i = 0; i < 3; i++) sum += at[i] * stride[i];
    return sum;
  }
};

// dw [groups, filters, channels, taps].
template <class T>
struct WeightEnding : PartialSums<compute_of<T>> {
  using C = compute_of<T>;
  static constexpr int pack = pack_size<T>;
  T* dw;
  int64_t filters, channels, taps;
  Divisor by_padded_channels;

  __device__ bool turned() const { return false; }

  template <int N>
  __device__ void finish(const Tile& tile, int64_t row, int64_t column, C (&v)[N]) const {
    this->keep_or_finish(*this, tile, row, column, v);
  }

  template <int N>
  __device__ void finish_sums(int64_t group, int64_t row, int64_t column, C (&v)[N], int count) const {
#pragma unroll
    for (int i = 0; i < N; i++) {
      uint32_t channel = static_cast<uint32_t>(column + i);
      const uint32_t tap = by_padded_channels.split(channel);
      if (i < count && channel < channels)
        dw[((group * filters + row) * channels + channel) * taps + tap] = convert<T>(v[i]);
    }
  }
};

}  // namespace
}  // namespace neurite::cuda
