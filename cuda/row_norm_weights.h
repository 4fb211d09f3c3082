// Gradients of the weights of layer and RMS norm: sums over rows of dy z and of dy, z being the normalised row. A block
// takes 32 packs of columns and a span of rows; the partial sums of the spans are added in double by a second launch.
// dy and x are read again here: they are in cache unless they are large, where this makes 5 passes of the floor's 3.
#pragma once
#include "contiguous.h"
#include "launch.h"
#include "pack.h"
#include "reduce.h"

namespace neurite::cuda {
namespace {

template <class C>
struct AddOp {
  using Value = C;
  __device__ static C combine(C a, C b) { return a + b; }
  __device__ static C exchange(C value, int bits) { return __shfl_xor_sync(0xffffffff, value, bits); }
};

template <class T, bool centred, int lanes>
struct WeightPartials {
  using C = compute_of<T>;
  static constexpr int threads = 256, sums = centred ? 2 : 1, width = 32, span = 8 * 64;  // rows of a block
  const T *dy, *x;
  const C *mean, *rstd;
  C* partials;  // [spans][sums][n]
  int64_t rows, n;

  __device__ void operator()() const {
    const int thread = static_cast<int>(threadIdx.x);
    const int64_t column = (int64_t{blockIdx.y} * width + thread % width) * lanes;
    const int64_t begin = int64_t{blockIdx.x} * span, end = begin + span < rows ? begin + span : rows;
    C total[sums * lanes] = {};
    if (column < n) {
      for (int64_t row = begin + thread / width; row < end; row += threads / width) {
        const auto d = load_pack<T, lanes>(dy + row * n + column), v = load_pack<T, lanes>(x + row * n + column);
        const C average = centred ? mean[row] : C(0), r = rstd[row];
#pragma unroll
        for (int k = 0; k < lanes; k++) {
          const C g = computed(d.at[k]);
          total[k] += g * ((computed(v.at[k]) - average) * r);
          if constexpr (centred) total[lanes + k] += g;
        }
      }
    }
    reduce_group<threads>(AddOp<C>{}, total, width, threads);
    if (thread < width && column < n)
      for (int s = 0; s < sums; s++)
        for (int k = 0; k < lanes; k++)
          partials[(int64_t{blockIdx.x} * sums + s) * n + column + k] = total[s * lanes + k];
  }
};

template <class C>
struct JoinWeightPartials {
  static constexpr int threads = 128;
  const C* partials;
  C *dw, *db;  // null: not wanted
  int64_t n, spans;
  int sums;

  __device__ void operator()() const {
    const int64_t column = int64_t{blockIdx.x} * threads + threadIdx.x;
    if (column >= n) return;
    for (int s = 0; s < sums; s++) {
      C* const out = s == 0 ? dw : db;
      if (!out) continue;
      double total = 0;
      for (int64_t i = 0; i < spans; i++) total += static_cast<double>(partials[(i * sums + s) * n + column]);
      out[column] = static_cast<C>(total);
    }
  }
};

// dw and db (of layer norm), where they are wanted.
template <class T, bool centred>
void weight_gradients(nr_context* ctx, const T* dy, const T* x, const compute_of<T>* mean, const compute_of<T>* rstd,
                      int64_t rows, int64_t n, nr_optional& dw, nr_optional& db) {
  using C = compute_of<T>;
  if (!dw.present && !db.present) return;
  using Narrow = WeightPartials<T, centred, 1>;
  const int64_t spans = (rows + Narrow::span - 1) / Narrow::span;
  auto* partials = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(spans * Narrow::sums * n + 1) * sizeof(C)));
  if (!partials) return;
  const auto with_lanes = [&]<int lanes>() {
    const WeightPartials<T, centred, lanes> kernel{dy, x, mean, rstd, partials, rows, n};
    launch(ctx, dim3(static_cast<unsigned>(spans), blocks_for(n, kernel.width * lanes)), kernel);
  };
  if (n % pack_size<T> == 0 && is_aligned(dy, 16) && is_aligned(x, 16))
    with_lanes.template operator()<pack_size<T>>();
  else
    with_lanes.template operator()<1>();
  Target<C> to_dw(ctx, dw.tensor), to_db(ctx, db.tensor);
  if ((dw.present && !to_dw.data()) || (db.present && !to_db.data())) return;
  const JoinWeightPartials<C> join{
      partials, dw.present ? to_dw.data() : nullptr, db.present ? to_db.data() : nullptr, n, spans, Narrow::sums};
  launch(ctx, blocks_for(n, join.threads), join);
  if (dw.present) to_dw.finish();
  if (db.present) to_db.finish();
}

}  // namespace
}  // namespace neurite::cuda
