// Reductions by an operation on values that are made from elements. Outputs whose elements are one dense run are
// reduced by groups of 1 to 256 threads that read 16 bytes at a time (Runs); other layouts by blocks of `width` outputs
// side by side, with threads along the reduced dims as well, 16 bytes along whichever is dense (Tiles). Where outputs
// are too few for the chip, their elements are cut into slabs by the shape alone, and a second launch joins them.
// Each element is read once and costs one or two instructions: the floor is memory.
#pragma once
#include <limits>

#include "dispatch.h"
#include "launch.h"
#include "pack.h"
#include "reduce.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

constexpr int reduction_threads = 256;

// What no value is worse than.
template <class V, bool of_largest, class Limits = std::numeric_limits<V>>
constexpr V worst = of_largest ? (Limits::has_infinity ? static_cast<V>(-Limits::infinity()) : Limits::min())
                               : (Limits::has_infinity ? Limits::infinity() : Limits::max());

// What an operation Op is: Element, Value, Result; identity(), take(value, element, position), combine(value, later),
// exchange(value, bits) over a warp, finish(value, n) with n the number of elements.

// Where results go: slab `slab` of `slabs`; one alone is final.
template <class Op>
struct Results {
  using Value = typename Op::Value;
  typename Op::Result* y;
  Value* partials;  // [outputs][slabs]
  int64_t n, slabs;

  __device__ void put(const Op& op, int64_t output, int64_t slab, Value value) const {
    if (slabs == 1)
      y[output] = op.finish(value, n);
    else
      partials[output * slabs + slab] = value;
  }
};

// Takes the packs load(i) for i = first, first + step ... below end; position(i, k) is that of the k-th element of a
// pack. Long sums stay precise: after 64 packs a new sum begins.
template <int N, class Op, class Load, class Position>
__device__ inline void take_packs(const Op& op, typename Op::Value (&values)[N], int64_t first, int64_t end,
                                  int64_t step, const Load& load, const Position& position) {
  constexpr int at_once = 4;
  int64_t i = first;
  while (i < end) {
    typename Op::Value sum[N];
    for (auto& s : sum) s = op.identity();
    for (int turn = 0; turn < 64 / at_once && i < end; turn++, i += at_once * step) {
      Pack<typename Op::Element, N> x[at_once];
#pragma unroll
      for (int u = 0; u < at_once; u++)
        if (i + u * step < end) x[u] = load(i + u * step);
#pragma unroll
      for (int u = 0; u < at_once; u++)
        if (i + u * step < end)
#pragma unroll
          for (int k = 0; k < N; k++) sum[k] = op.take(sum[k], x[u].at[k], position(i + u * step, k));
    }
    for (int k = 0; k < N; k++) values[k] = op.combine(values[k], sum[k]);
  }
}

template <class Op>
struct Runs {
  using T = typename Op::Element;
  static constexpr int threads = reduction_threads, lanes = pack_size<T> < 8 ? pack_size<T> : 8;
  const T* x;
  Op op;
  Results<Op> results;
  Strided<1> kept;
  int64_t length;  // of a slab
  int group;       // threads of an output

  __device__ void operator()() const {
    const int thread = static_cast<int>(threadIdx.x), lane = thread % group;
    const int64_t output = int64_t{blockIdx.x} * (threads / group) + thread / group, slab = blockIdx.y;
    typename Op::Value values[lanes];
    for (auto& v : values) v = op.identity();
    if (output < kept.numel) {
      int64_t at[1];
      kept.offsets(output, at);
      const int64_t begin = slab * length, count = begin + length < results.n ? length : results.n - begin;
      take_run(x + at[0] + begin, begin, count, lane, values);
    }
    typename Op::Value value[1] = {values[0]};
    for (int k = 1; k < lanes; k++) value[0] = op.combine(value[0], values[k]);
    reduce_group<threads>(op, value, 1, group);
    if (lane == 0 && output < kept.numel) results.put(op, output, slab, value[0]);
  }

  // The elements before the first that is aligned for a pack, the packs, and what is left.
  __device__ void take_run(const T* run, int64_t begin, int64_t count, int lane,
                           typename Op::Value (&values)[lanes]) const {
    constexpr auto bytes = sizeof(Pack<T, lanes>);
    const auto past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(run) % bytes / sizeof(T));
    const int64_t apart = past ? lanes - past : 0, head = apart < count ? apart : count;
    const int64_t packs = (count - head) / lanes, tail = head + packs * lanes;
    for (int64_t i = lane; i < head; i += group) values[0] = op.take(values[0], run[i], begin + i);
    take_packs(
        op, values, lane, packs, group, [&](int64_t i) { return load_pack<T, lanes>(run + head + i * lanes); },
        [&](int64_t i, int k) { return begin + head + i * lanes + k; });
    for (int64_t i = tail + lane; i < count; i += group) values[0] = op.take(values[0], run[i], begin + i);
  }
};

template <class Op, int lanes>
struct Tiles {
  using T = typename Op::Element;
  static constexpr int threads = reduction_threads;
  const T* x;
  Op op;
  Results<Op> results;
  Strided<1> kept, reduced;
  int64_t length;      // of a slab
  int width;           // threads side by side along the outputs
  bool along_outputs;  // a pack is `lanes` outputs, not `lanes` elements of one

  __device__ void operator()() const {
    const int thread = static_cast<int>(threadIdx.x), outputs_at_once = along_outputs ? lanes : 1;
    const int64_t output = (int64_t{blockIdx.x} * width + thread % width) * outputs_at_once, slab = blockIdx.y;
    typename Op::Value values[lanes];
    for (auto& v : values) v = op.identity();
    if (output < kept.numel) {
      const int elements_at_once = along_outputs ? 1 : lanes;
      const int64_t begin = slab * length, end = begin + length < results.n ? begin + length : results.n;
      int64_t base[1];
      kept.offsets(output, base);
      take_packs(
          op, values, begin / elements_at_once + thread / width, end / elements_at_once, threads / width,
          [&](int64_t i) {
            int64_t at[1];
            reduced.offsets(i * elements_at_once, at);
            return load_pack<T, lanes>(x + base[0] + at[0]);
          },
          [&](int64_t i, int k) { return along_outputs ? i : i * lanes + k; });
    }
    if (!along_outputs)
      for (int k = 1; k < lanes; k++) values[0] = op.combine(values[0], values[k]);
    reduce_group<threads>(op, values, width, threads);
    if (thread < width && output < kept.numel)
      for (int k = 0; k < outputs_at_once; k++) results.put(op, output + k, slab, values[k]);
  }
};

// A warp joins the slabs of an output.
template <class Op>
struct JoinSlabs {
  static constexpr int threads = reduction_threads;
  Op op;
  Results<Op> results;
  int64_t outputs;

  __device__ void operator()() const {
    const int64_t output = int64_t{blockIdx.x} * (threads / 32) + threadIdx.x / 32;
    const int lane = static_cast<int>(threadIdx.x % 32);
    typename Op::Value value[1] = {op.identity()};
    if (output < outputs)
      for (int64_t slab = lane; slab < results.slabs; slab += 32)
        value[0] = op.combine(value[0], results.partials[output * results.slabs + slab]);
    reduce_group<threads>(op, value, 1, 32);
    if (lane == 0 && output < outputs) results.y[output] = op.finish(value[0], results.n);
  }
};

}  // namespace
}  // namespace neurite::cuda
