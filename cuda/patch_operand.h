// Patches of images (channels_last.h) as operands of tiled products (matrix_operand.h), never written out: a chunk of
// 16 bytes holds channels of one tap at one position, or zeros where the tap lies outside of the image. The depth of
// PatchOperand counts (tap, channel), its lines are positions; PatchLines is its transpose.
#pragma once
#include "async_copy.h"
#include "channels_last.h"
#include "positions.h"

namespace neurite::cuda {
namespace {

// Along each axis, tap t of position p is at coordinate p · step + start + t · tap_step.
template <class T>
struct Patches {
  const T* data;
  int64_t group, image, stride[3];
  int32_t size[3], step[3], start[3], tap_step[3];
  Positions positions;
  Divisor taps[3], by_channels;

  // Coordinates, and the offset that belongs to them.
  struct Spot {
    int64_t offset;
    int32_t at[3];
  };

  // Of a position's first tap.
  __device__ Spot start_of(int64_t group_index, int64_t position) const {
    if (position >= positions.count) return {0, {-(1 << 30), 0, 0}};  // which no tap leaves
    Spot s;
    s.offset = group_index * group + positions.locate(position, s.at) * image;
#pragma unroll
    for (int i = 0; i < 3; i++) {
      s.at[i] = s.at[i] * step[i] + start[i];
      s.offset += s.at[i] * stride[i];
    }
    return s;
  }
  // What the k-th tap and channel add to that.
  __device__ Spot tap_of(uint32_t k) const {
    Spot t;
    uint32_t rest = by_channels.split(k);
    t.offset = k;
#pragma unroll
    for (int i = 2; i >= 0; i--) {
      uint32_t at = rest;
      rest = taps[i].split(at);
      t.at[i] = static_cast<int32_t>(at) * tap_step[i];
      t.offset += t.at[i] * stride[i];
    }
    return t;
  }
  // NULL outside of the image.
  __device__ const T* find(const Spot& start, const Spot& tap) const {
    bool is_inside = true;
#pragma unroll
    for (int i = 0; i < 3; i++)
      is_inside = is_inside && static_cast<uint32_t>(start.at[i] + tap.at[i]) < static_cast<uint32_t>(size[i]);
    return is_inside ? data + (start.offset + tap.offset) : nullptr;
  }
  __device__ Pack<T, pack_size<T>> load(const T* from) const {
    if (from) return load_pack<T, pack_size<T>>(from);
    return {};
  }
  __device__ void begin_copy(const T* from, void* shared) const {
    async_copy<16>(shared, from ? from : data, from ? 16 : 0);
  }
};

constexpr int most_rows_of_thread = 8;

template <class T>
struct PatchOperand {
  using element = T;
  static constexpr bool is_along_depth = true;
  Patches<T> patches;

  struct Walk {
    typename Patches<T>::Spot starts[most_rows_of_thread];
    typename Patches<T>::Spot tap;
    int64_t depth, depth_end;
  };

  template <class P>
  __device__ Walk walk(int64_t batch, int64_t line, int64_t depth, int64_t depth_end) const {
    static_assert(P::along_depth && P::count <= most_rows_of_thread);
    Walk w;
#pragma unroll
    for (int i = 0; i < P::count; i++) w.starts[i] = patches.start_of(batch, line + i * P::step);
    w.depth = depth;
    w.depth_end = depth_end;
    w.tap = patches.tap_of(static_cast<uint32_t>(depth));
    return w;
  }
  __device__ void advance(Walk& w, int n) const {
    w.depth += n;
    w.tap = patches.tap_of(static_cast<uint32_t>(w.depth));
  }
  template <class P>
  __device__ Pack<T, P::lanes> read(const Walk& w, int i) const {
    return patches.load(find(w, i));
  }
  template <class P>
  __device__ void copy(const Walk& w, int i, void* shared) const {
    patches.begin_copy(find(w, i), shared);
  }

 private:
  __device__ const T* find(const Walk& w, int i) const {
    return w.depth < w.depth_end ? patches.find(w.starts[i], w.tap) : nullptr;
  }
};

template <class T>
struct PatchLines {
  using element = T;
  static constexpr bool is_along_depth = false;
  Patches<T> patches;
  int64_t lines;

  struct Walk {
    typename Patches<T>::Spot tap;
    int64_t batch, position, end;  // no position is before the end where the line is none
  };

  template <class P>
  __device__ Walk walk(int64_t batch, int64_t line, int64_t depth, int64_t depth_end) const {
    static_assert(!P::along_depth);
    return {patches.tap_of(static_cast<uint32_t>(line)), batch, depth, line < lines ? depth_end : 0};
  }
  __device__ void advance(Walk& w, int n) const { w.position += n; }
  template <class P>
  __device__ Pack<T, P::lanes> read(const Walk& w, int i) const {
    return patches.load(find(w, i * P::step));
  }
  template <class P>
  __device__ void copy(const Walk& w, int i, void* shared) const {
    patches.begin_copy(find(w, i * P::step), shared);
  }

 private:
  __device__ const T* find(const Walk& w, int ahead) const {
    const int64_t position = w.position + ahead;
    return position < w.end ? patches.find(patches.start_of(w.batch, position), w.tap) : nullptr;
  }
};

}  // namespace
}  // namespace neurite::cuda
