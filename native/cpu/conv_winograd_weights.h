// Weights of 3 × 3 taps to panels of the products, [36 points, depth, columns of a register tile], lanes being the
// filters of a forward pass or the channels of a backward one, which also reads the taps in reverse.
#pragma once
#include "cpu/conv_winograd_tiles.h"

namespace neurite::NR_ISA {
namespace {

template <class In>
struct tile_weights {
  const In* data;
  int64_t lane_stride, depth_stride, tap_stride[2];
  bool is_reversed;

  bool is_dense() const { return tap_stride[0] == 3 && tap_stride[1] == 1; }
};

// `lane` and `depth` are dims of w; taps are read in reverse where the lanes are channels.
template <class In>
inline tile_weights<In> make_tile_weights(const nr_tensor& w, int lane, int depth) {
  return {static_cast<const In*>(w.data),
          w.stride[lane],
          w.stride[depth],
          {w.stride[w.ndim - 2], w.stride[w.ndim - 1]},
          lane == 1};
}

// taps[t] = tap t of up to W lanes, zero beyond.
template <class V, class In>
[[gnu::always_inline]] inline void read_taps(const tile_weights<In>& w, const In* from, int64_t lanes, V (&taps)[9]) {
  using T = typename V::lane;
  constexpr int W = V::width;
  const auto turned = [&](const auto* rows, int64_t stride) NR_INLINE {
    unroll<(9 + W - 1) / W>([&](auto block) NR_INLINE {
      constexpr int first = block * W;
      V v[W];
      unroll<W>([&](auto p) NR_INLINE { v[p] = p < lanes ? load<V>(rows + p * stride + first, 9 - first) : V(T(0)); });
      turn(v);
      unroll<(9 - first < W ? 9 - first : W)>([&](auto k) NR_INLINE { taps[first + k] = v[k]; });
    });
  };
  if (w.is_dense()) return turned(from, w.lane_stride);
  T copied[W * 9];
  for (int64_t p = 0; p < smaller(W, lanes); p++)
    for (int64_t t = 0; t < 9; t++)
      copied[p * 9 + t] = convert<T>(from[p * w.lane_stride + t / 3 * w.tap_stride[0] + t % 3 * w.tap_stride[1]]);
  turned(copied, 9);
}

// U = G g Gᵀ of lanes [first, first + count), a panel's worth at most, and of `depth` steps from k.
template <class T, class In>
void transform_weights(const tile_weights<In>& w, int64_t first, int64_t count, int64_t k, int64_t depth, T* u,
                       int64_t plane) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  for (int64_t p = 0; p < count; p += W) {
    const In* from = w.data + (first + p) * w.lane_stride + k * w.depth_stride;
    T* to = u + p;
    for (int64_t i = 0; i < depth; i++, from += w.depth_stride, to += tile_columns<T>) {
      V taps[9], half[6][3];
      read_taps(w, from, count - p, taps);
      if (w.is_reversed) {
        unroll<4>([&](auto t) NR_INLINE {
          const V other = taps[8 - t];
          taps[8 - t] = taps[t];
          taps[t] = other;
        });
      }
      unroll<3>([&](auto j) NR_INLINE {
        V g[3], r[6];
        unroll<3>([&](auto t) NR_INLINE { g[t] = taps[t * 3 + j]; });
        filter_points(g, r);
        unroll<6>([&](auto t) NR_INLINE { half[t][j] = r[t]; });
      });
      unroll<6>([&](auto t) NR_INLINE {
        V r[6];
        filter_points(half[t], r);
        unroll<6>([&](auto j) NR_INLINE { store(to + (t * 6 + j) * plane, r[j]); });
      });
    }
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
