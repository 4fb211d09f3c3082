// Register kernels of a convolution with positions in lanes: some rows of one vector of neighbouring positions each,
// and runs of taps that read neighbouring rows of the source. A vector of the source is loaded once and multiplied by
// every tap of the run that meets it, so a run of k taps over r rows loads r + k - 1 vectors for r · k products. What
// lies outside of the source is left out, by rows and by lanes: no border of zeros is stored.
#pragma once
#include "cpu/conv_shape.h"
#include "cpu/lanes.h"

namespace neurite::NR_ISA {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int line_heights[] = {4, 1}, most_run_taps = 2;  // instrumented, all of them take long to compile
#elif defined(NR_ISA_avx512)
inline constexpr int line_heights[] = {14, 8, 7, 4, 2, 1}, most_run_taps = 5;
#elif defined(NR_ISA_avx2)
inline constexpr int line_heights[] = {8, 7, 4, 2, 1}, most_run_taps = 5;
#else
inline constexpr int line_heights[] = {4, 2, 1}, most_run_taps = 5;
#endif
inline constexpr int line_kinds = sizeof(line_heights) / sizeof(line_heights[0]);

// Taps that read neighbouring rows, all in one column of the kernel.
struct line_run {
  int64_t z, y, x;       // what the first tap reads for position 0
  int64_t offset;        // and how many elements away that is
  int64_t weight, step;  // where the first tap's weight is, and how far from one to the next
  int64_t taps;
};

// Planes that are read. Elements of a row lie side by side, rows `pitch` apart, and a position moves by one row.
template <class T>
struct line_source {
  int64_t depth, height, pitch;
  int64_t channels, channel_stride;
  const line_run* runs;
  int64_t run_count;
  int64_t weight_stride;  // from channel to channel
};

// Rows of up to V::width positions each, beginning with the one that reads `from` with offset 0.
template <class T>
struct line_box {
  const T* from;
  int64_t z, y;  // what the first position reads
  int64_t count;
  const typename vector_t<T>::mask* lanes;  // of each run: those inside of the source
};

// Bits of the rows i ≥ 0 for which y + i is in [0, height); at most 32 rows.
inline uint32_t row_bits(int64_t y, int64_t height) {
  const int64_t past = smaller(height - y, 32);
  if (past <= 0 || y <= -32) return 0;
  const uint32_t below = past == 32 ? ~0u : (1u << past) - 1;
  return y >= 0 ? below : below & ~0u << -y;
}

// The source rows that a run reads for one box.
template <class T>
struct line_rows {
  const T* from;
  int64_t pitch;
  uint32_t inside;
  typename vector_t<T>::mask lanes;

  [[gnu::always_inline]] line_rows(const line_source<T>& x, const line_box<T>& box, int64_t r, int64_t channel_offset) {
    const line_run& run = x.runs[r];
    from = box.from + channel_offset + run.offset;
    pitch = x.pitch;
    const bool is_inside = static_cast<uint64_t>(box.z + run.z) < static_cast<uint64_t>(x.depth);
    inside = is_inside ? row_bits(box.y + run.y, x.height) : 0;
    lanes = box.lanes[r];
  }

  // visit(i, row) for those of the first `rows` rows that are inside.
  template <int rows, class Visit>
  [[gnu::always_inline]] void each(const Visit& visit) const {
    const T* row = from;
    unroll<rows>([&](auto i) NR_INLINE {
      if (inside & 1u << i) [[likely]]
        visit(i, load_lanes(row, lanes));
      row += pitch;
    });
  }
};

// body(taps) with the number of taps as a constant.
template <class Body>
[[gnu::always_inline]] inline void with_run_taps(int64_t taps, const Body& body) {
  unroll<most_run_taps>([&](auto i) NR_INLINE {
    if (taps == i + 1) body(std::integral_constant<int, i + 1>{});
  });
}

// out = start + Σ weights · source; out's rows and elements are row_stride and step apart.
template <class T, class Out, int rows>
void sum_lines(const line_source<T>& x, const T* weights, T start, const line_box<T>& box, Out* out, int64_t row_stride,
               int64_t step) {
  using V = vector_t<T>;
  V sum[rows];
  unroll<rows>([&](auto i) NR_INLINE { sum[i] = V(start); });
  for (int64_t c = 0; c < x.channels; c++, weights += x.weight_stride) {
    for (int64_t r = 0; r < x.run_count; r++) {
      const line_rows<T> from(x, box, r, c * x.channel_stride);
      const T* first = weights + x.runs[r].weight;
      const int64_t apart = x.runs[r].step;
      with_run_taps(x.runs[r].taps, [&](auto taps) NR_INLINE {
        V w[taps];
        unroll<taps>([&](auto t) NR_INLINE { w[t] = V(first[t * apart]); });
        from.template each<rows + taps - 1>([&](auto i, V v) NR_INLINE {
          unroll<taps>([&](auto t) NR_INLINE {
            if constexpr (i - t >= 0 && i - t < rows) sum[i - t] = fma(w[t], v, sum[i - t]);
          });
        });
      });
    }
  }
  unroll<rows>([&](auto i) NR_INLINE {
    Out* to = out + i * row_stride;
    if (step == 1) return store(to, sum[i], box.count);
    alignas(64) T lanes[V::width];
    store(lanes, sum[i]);
    for (int64_t j = 0; j < box.count; j++) to[j * step] = convert<Out>(lanes[j]);
  });
}

// n <= V::width elements, `step` apart.
template <class V, class T>
[[gnu::always_inline]] inline V load_apart(const T* p, int64_t step, int64_t n) {
  if (step == 1) return load<V>(p, n);
  alignas(64) typename V::lane lanes[V::width] = {};
  for (int64_t i = 0; i < n; i++) lanes[i] = convert<typename V::lane>(p[i * step]);
  return load<V>(lanes);
}

// sums[weight] += Σ over the box of gradient · source, one vector of partial sums per weight.
template <class T, class In, int rows>
void sum_line_gradients(const line_source<T>& x, const In* dy, int64_t row_stride, int64_t step, const line_box<T>& box,
                        T* sums) {
  using V = vector_t<T>;
  V g[rows];
  unroll<rows>([&](auto i) NR_INLINE { g[i] = load_apart<V>(dy + i * row_stride, step, box.count); });
  for (int64_t c = 0; c < x.channels; c++, sums += x.weight_stride * V::width) {
    for (int64_t r = 0; r < x.run_count; r++) {
      const line_rows<T> from(x, box, r, c * x.channel_stride);
      const line_run run = x.runs[r];
      with_run_taps(run.taps, [&](auto taps) NR_INLINE {
        constexpr int chains = taps >= 4 || rows < 4 ? 1 : taps >= 2 ? 2 : 4;  // a multiply-add takes four cycles
        V sum[taps][chains];
        unroll<taps>([&](auto t) NR_INLINE { unroll<chains>([&](auto k) NR_INLINE { sum[t][k] = V(T(0)); }); });
        from.template each<rows + taps - 1>([&](auto i, V v) NR_INLINE {
          unroll<taps>([&](auto t) NR_INLINE {
            constexpr int k = i % chains;
            if constexpr (i - t >= 0 && i - t < rows) sum[t][k] = fma(g[i - t], v, sum[t][k]);
          });
        });
        unroll<taps>([&](auto t) NR_INLINE {
          T* at = sums + (run.weight + t * run.step) * V::width;
          unroll<chains - 1>([&](auto k) NR_INLINE { sum[t][0] = sum[t][0] + sum[t][k + 1]; });
          store(at, load<V>(at) + sum[t][0]);
        });
      });
    }
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
