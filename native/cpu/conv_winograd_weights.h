// Weights of 3 × 3 taps to panels of the products, [36 points, depth, columns of a register tile], lanes being the
// filters of a forward pass or the channels of a backward one, which also reads the taps in reverse.
#pragma once
#include "cpu/conv_weights.h"
#include "cpu/conv_winograd_tiles.h"

namespace neurite::NR_ISA {
namespace {

// Strides: a panel is 32 lanes.
template <class In>
struct tile_weights {
  const In* data;
  int64_t group, panel, lane, depth, tap[2];
  bool is_reversed;

  bool is_dense() const { return tap[0] == 3 && tap[1] == 1; }
  const In* at(int64_t g, int64_t l, int64_t k) const {
    return data + g * group + l / panel_filters * panel + l % panel_filters * lane + k * depth;
  }
};

template <class In>
inline tile_weights<In> filters_in_lanes(const conv_weights<In>& w) {
  return {w.data, w.group, w.panel, w.filter, w.channel, {w.tap[1], w.tap[2]}, false};
}

// For the backward pass, of weights that are not packed.
template <class In>
inline tile_weights<In> channels_in_lanes(const conv_weights<In>& w) {
  return {w.data, w.group, panel_filters * w.channel, w.channel, w.filter, {w.tap[1], w.tap[2]}, true};
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
  if (w.lane == 1) {
    unroll<9>([&](auto t) NR_INLINE {
      const In* tap = from + t / 3 * w.tap[0] + t % 3 * w.tap[1];
      __builtin_prefetch(tap + 4 * w.depth);  // memory takes as long as some steps do
      taps[t] = load<V>(tap, lanes);
    });
    return;
  }
  if (w.is_dense()) return turned(from, w.lane);
  T copied[W * 9];
  for (int64_t p = 0; p < smaller(W, lanes); p++)
    for (int64_t t = 0; t < 9; t++)
      copied[p * 9 + t] = convert<T>(from[p * w.lane + t / 3 * w.tap[0] + t % 3 * w.tap[1]]);
  turned(copied, 9);
}

// U = G g Gᵀ of lanes [first, first + count) of a group, a tile's worth at most, and of `depth` steps from k.
template <class T, class In>
void transform_weights(const tile_weights<In>& w, int64_t group, int64_t first, int64_t count, int64_t k, int64_t depth,
                       T* u, int64_t plane) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  const auto transform = [&](int64_t p, int64_t i) NR_INLINE {
    T* to = u + i * tile_columns<T> + p;
    V taps[9], half[6][3];
    read_taps(w, w.at(group, first + p, k + i), count - p, taps);
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
  };
  if (w.lane == 1) {  // in the order in which they lie
    for (int64_t i = 0; i < depth; i++)
      for (int64_t p = 0; p < count; p += W) transform(p, i);
  } else {
    for (int64_t p = 0; p < count; p += W)
      for (int64_t i = 0; i < depth; i++) transform(p, i);
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
