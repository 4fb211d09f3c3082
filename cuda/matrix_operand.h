// A strided matrix as an operand of tiled products. Any operand has these functions, P being a TilePart:
//   walk<P>(batch, line, depth, depth_end)   where a thread's first chunk is and what follows; depths end at depth_end
//   read<P>(walk, i)                         chunk i, zeros where there is nothing
//   copy<P>(walk, i, shared)                 begins to copy it
//   advance(walk, n)                         goes on along the depth
#pragma once
#include "async_copy.h"
#include "pack.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

template <class T>
struct MatrixOperand {
  using element = T;
  const T* data;
  int64_t line_stride, depth_stride;
  int64_t lines;
  int64_t panel;        // 0, or elements from 32 lines that lie side by side to the next ones
  bool is_along_depth;  // chunks are
  int32_t granule;      // what divides the address of every chunk, in bytes; 0: neighbours do not lie side by side
  Strided<1> batches;

  struct Walk {
    const T* at;
    int32_t lines, depth;  // from there on; 2^30 stands for more lines
  };

  template <class P>
  __device__ Walk walk(int64_t batch, int64_t line, int64_t depth, int64_t depth_end) const {
    int64_t offset[1];
    batches.offsets(batch, offset);
    const int64_t to_line = panel ? line / 32 * panel + line % 32 : line * line_stride;
    const int64_t left = lines - line;
    return {data + offset[0] + to_line + depth * depth_stride, static_cast<int32_t>(left < 1 << 30 ? left : 1 << 30),
            static_cast<int32_t>(depth_end - depth)};
  }
  __device__ void advance(Walk& w, int n) const {
    w.at += n * depth_stride;
    w.depth -= n;
  }

  template <class P>
  __device__ Pack<T, P::lanes> read(const Walk& w, int i) const {
    const Reach r = reach<P>(w, i);
    if (granule == 16 && r.count == P::lanes) return load_pack<T, P::lanes>(r.from);
    Pack<T, P::lanes> chunk;
    if constexpr (sizeof(T) == 2) {
      if (granule >= 4 && r.count == P::lanes) {
        for (int j = 0; j < P::lanes; j += 2) {
          const auto two = load_pack<T, 2>(r.from + j);
          chunk.at[j] = two.at[0];
          chunk.at[j + 1] = two.at[1];
        }
        return chunk;
      }
    }
    const int64_t stride = P::along_depth ? depth_stride : line_stride;
    for (int j = 0; j < P::lanes; j++) chunk.at[j] = j < r.count ? r.from[j * stride] : T{};
    return chunk;
  }

  // 16-bit elements must lie in even places (granule at least 4).
  template <class P>
  __device__ void copy(const Walk& w, int i, void* shared) const {
    const Reach r = reach<P>(w, i);
    if (granule == 16) return async_copy<16>(shared, r.from, r.count * static_cast<int>(sizeof(T)));
    constexpr int one = 4 / sizeof(T);  // elements of a copy
    const int64_t stride = granule ? 1 : P::along_depth ? depth_stride : line_stride;
    for (int j = 0; j < P::lanes; j += one) {
      const int valid = r.count - j < 0 ? 0 : r.count - j < one ? r.count - j : one;
      async_copy<4>(static_cast<T*>(shared) + j, valid ? r.from + j * stride : data,
                    valid * static_cast<int>(sizeof(T)));
    }
  }

 private:
  struct Reach {
    const T* from;
    int count;
  };
  template <class P>
  __device__ Reach reach(const Walk& w, int i) const {
    const int rows = P::along_depth ? w.lines : w.depth, in_row = P::along_depth ? w.depth : w.lines;
    const int count = i * P::step < rows ? in_row : 0;
    return {w.at + i * P::step * (P::along_depth ? line_stride : depth_stride), count < 0          ? 0
                                                                                : count < P::lanes ? count
                                                                                                   : P::lanes};
  }
};

}  // namespace
}  // namespace neurite::cuda
