// Images, and weights as images of taps, as matrix products want them: [groups, images, positions, channels], the
// channels of a group side by side and filled up with zeros to whole chunks of 16 bytes. A tensor that lies so is taken
// as it is; any other one is copied, tile by tile through shared memory, so that it is read and written in whole lines.
#pragma once
#include "conv_shape.h"
#include "pack.h"

namespace neurite::cuda {
namespace {

template <class T>
struct GroupedImages {
  const T* data;
  int64_t groups, images, channels;  // channels of a group, as they lie
  int64_t size[3];
  int64_t group, image, channel, stride[3];  // strides

  __host__ __device__ int64_t positions() const { return size[0] * size[1] * size[2]; }
};

template <class T>
struct CopyChannelsLast {
  static constexpr int threads = 256, elements = 1024;  // of a tile
  GroupedImages<T> from;
  T* to;
  int64_t items;        // images of all groups; those that `from` does not have are zeros
  int64_t channels;     // of a group, as they are to lie
  int32_t across;       // channels of a tile, a power of two
  bool along_channels;  // they are neighbours in `from`
  Divisor size[3];
  int64_t channel_tiles, position_tiles;

  __device__ void operator()() const {
    SIMT_SHARED(T, tile, [elements + 32]);
    const int32_t along = elements / across, thread = static_cast<int32_t>(threadIdx.x);
    const int64_t tiles = items * position_tiles * channel_tiles, positions = from.positions();
    for (int64_t at = blockIdx.x; at < tiles; at += gridDim.x) {
      const int64_t first_channel = at % channel_tiles * across, rest = at / channel_tiles;
      const int64_t first = rest % position_tiles * along, item = rest / position_tiles;
      const T* image = from.data + item / from.images * from.group + item % from.images * from.image;
      __syncthreads();  // the tile before has been written
      for (int32_t e = thread; e < elements; e += threads) {
        const int32_t c = along_channels ? e % across : e / along, p = along_channels ? e / across : e % along;
        const int64_t channel = first_channel + c, position = first + p;
        const bool has = channel < from.channels && position < positions && item < from.groups * from.images;
        tile[c * (along + 1) + p] = has ? image[channel * from.channel + offset(position)] : T{};
      }
      __syncthreads();
      for (int32_t e = thread; e < elements; e += threads) {
        const int64_t channel = first_channel + e % across, position = first + e / across;
        if (channel < channels && position < positions)
          to[(item * positions + position) * channels + channel] = tile[e % across * (along + 1) + e / across];
      }
    }
  }

 private:
  __device__ int64_t offset(int64_t position) const {
    auto rest = static_cast<uint32_t>(position);
    int64_t sum = 0;
    for (int i = 2; i >= 0; i--) {
      uint32_t at = rest;
      rest = size[i].split(at);
      sum += at * from.stride[i];
    }
    return sum;
  }
};

template <class T>
bool lies_channels_last(const GroupedImages<T>& t) {
  constexpr int64_t lanes = pack_size<T>;
  bool fits = t.channel == 1 && t.channels % lanes == 0 && is_aligned(t.data, 16) &&
              (t.groups == 1 || t.group % lanes == 0) && (t.images == 1 || t.image % lanes == 0);
  for (int i = 0; i < 3; i++) fits = fits && (t.size[i] == 1 || t.stride[i] % lanes == 0);
  return fits;
}

// Whether images follow each other as positions do.
template <class T>
bool lies_dense(const GroupedImages<T>& t) {
  const int64_t line = t.size[2] * t.channels;
  return (t.size[2] == 1 || t.stride[2] == t.channels) && (t.size[1] == 1 || t.stride[1] == line) &&
         (t.size[0] == 1 || t.stride[0] == t.size[1] * line) &&
         (t.images == 1 || t.image == t.positions() * t.channels);
}

// `to` has room for items × positions × channels.
template <class T>
void copy_channels_last(nr_context* ctx, const GroupedImages<T>& t, T* to, int64_t items, int64_t channels) {
  CopyChannelsLast<T> kernel = {t, to, items, channels, 32, t.channel == 1, {}, 0, 0};
  while (kernel.across > 1 && kernel.across / 2 >= channels) kernel.across /= 2;
  for (int i = 0; i < 3; i++) kernel.size[i] = divide_by(t.size[i]);
  kernel.channel_tiles = (channels + kernel.across - 1) / kernel.across;
  const int64_t along = kernel.elements / kernel.across;
  kernel.position_tiles = (t.positions() + along - 1) / along;
  launch(ctx, blocks_for(items * kernel.channel_tiles * kernel.position_tiles, 1), kernel);
}

// t itself where it lies as wanted, or a copy in scratch. data is NULL when memory is out.
template <class T>
GroupedImages<T> channels_last(nr_context* ctx, const GroupedImages<T>& t, bool must_be_dense) {
  if (lies_channels_last(t) && (!must_be_dense || lies_dense(t))) return t;
  constexpr int64_t lanes = pack_size<T>;
  GroupedImages<T> copy = t;
  copy.channels = (t.channels + lanes - 1) / lanes * lanes;
  copy.channel = 1;
  copy.stride[2] = copy.channels;
  copy.stride[1] = t.size[2] * copy.stride[2];
  copy.stride[0] = t.size[1] * copy.stride[1];
  copy.image = t.size[0] * copy.stride[0];
  copy.group = t.images * copy.image;
  T* to = static_cast<T*>(ctx->scratch(ctx, static_cast<size_t>(t.groups * copy.group + 1) * sizeof(T)));
  if (to) copy_channels_last(ctx, t, to, t.groups * t.images, copy.channels);
  copy.data = to;
  return copy;
}

// [B, groups · channels, ...].
template <class T>
GroupedImages<T> images_of(const nr_tensor& t, int64_t groups, const int64_t (&size)[3]) {
  const PlaceView<const T> v(t);
  const int64_t channels = t.shape[1] / groups;
  return {v.data,
          groups,
          t.shape[0],
          channels,
          {size[0], size[1], size[2]},
          channels * v.channel,
          v.batch,
          v.channel,
          {v.stride[0], v.stride[1], v.stride[2]}};
}

}  // namespace
}  // namespace neurite::cuda
