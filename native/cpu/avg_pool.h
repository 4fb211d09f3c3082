// Average pooling. A window is clipped to the input plus its padding; its divisor counts the clipped window
// (count_include_pad) or only the part inside the input, as PyTorch defines it. It is the product of one count per
// axis.
#pragma once
#include "cpu/pool_backward.h"
#include "cpu/pool_reduce.h"

namespace neurite::NR_ISA {
namespace {

inline int64_t window_count(const pool_axis& a, int64_t o, bool count_include_pad) {
  const int64_t begin = o * a.stride - a.padding, end = begin + a.size;
  const int64_t last = count_include_pad ? a.in + a.padding : a.in;
  return smaller(end, last) - (count_include_pad ? begin : larger(begin, 0));
}

template <class T>
struct window_mean {
  using V = vector_t<T>;
  using lane = typename V::lane;
  static constexpr lane outside = 0;

  lane* counts[3] = {};  // of the windows along each axis; NULL: memory is out

  window_mean(nr_context* ctx, const pool_shape& s, bool count_include_pad) {
    for (int i = 0; i < 3; i++) {
      const pool_axis& a = s.axis[i];
      const int64_t size = round_up(a.out, V::width);
      if (!(counts[i] = scratch<lane>(ctx, size))) return;
      for (int64_t o = 0; o < size; o++)
        counts[i][o] = static_cast<lane>(window_count(a, smaller(o, a.out - 1), count_include_pad));
    }
  }
  bool is_made() const { return counts[0] && counts[1] && counts[2]; }

  V combine(V a, V b) const { return a + b; }
  V finish(V sum, int64_t d, int64_t h, int64_t o) const {
    return sum / (V(counts[0][d] * counts[1][h]) * load<V>(counts[2] + o));
  }
};

// dy, divided among the elements of its window.
template <class T>
struct mean_gradient {
  using V = vector_t<T>;
  using lane = typename V::lane;
  static constexpr int64_t parts = 1;

  const window_mean<T>& mean;
  int64_t out;
  const nr_tensor& dy_tensor;
  pool_plane<const T> dy = {dy_tensor, 0};

  void enter(int64_t plane) { dy = {dy_tensor, plane}; }

  void prepare(int64_t d, int64_t h, lane* to, int64_t) const {
    const int64_t step = dy.stride[2];
    const T* from = dy.line(d, h);
    for (int64_t o = 0; o < out; o += V::width)
      store_some(to + o, mean.finish(load_strided<V>(from + o * step, step, out - o), d, h, o), out - o);
  }
  struct everywhere {};
  everywhere target(int64_t) const { return {}; }
  [[gnu::always_inline]] V add(V sum, const lane* at, int64_t, everywhere) const { return sum + load<V>(at); }
};

}  // namespace
}  // namespace neurite::NR_ISA
