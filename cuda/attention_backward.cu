// Gradient of attention by recomputation (Dao 2023, FlashAttention-2), in three passes: delta, which reads dy and y
// once; dk and dv by tiles of keys; dq by tiles of queries (attention_gradient.h). Seven products of 2 · T · S · D
// operations per head instead of the five of an implementation that adds to dq atomically: so results are the same in
// every run. Where there are few tiles the walk of each is cut into shares, whose sums are added in a pass of their
// own.
#include "attention_gradient.h"
#include "attention_host.h"
#include "reduce.h"

namespace neurite::cuda {
namespace {

// The shares of a result, added up in order.
template <class Sum, class Out>
struct AddShares {
  static constexpr int threads = 256;
  const Sum* from;
  Out* to;
  int64_t numel;
  int shares;
  Sum factor;

  __device__ void operator()() const {
    const int64_t all = static_cast<int64_t>(gridDim.x) * threads;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x; i < numel; i += all) {
      Sum sum = 0;
      for (int share = 0; share < shares; share++) sum += from[share * numel + i];
      to[i] = convert<Out>(sum * factor);
    }
  }
};

// delta [B, Hq, T], of each row Σ dy · y: a warp for each row.
template <class In>
struct AttentionDelta {
  using Sum = compute_of<In>;
  static constexpr int threads = 128;
  AttentionShape s;
  HeadRows<const In> dy, y;
  int64_t dy_stride, y_stride;  // from element to element
  Sum* delta;

  __device__ void operator()() const {
    constexpr int warps = threads / 32;
    const int lane = lane_index();
    const int64_t count = static_cast<int64_t>(s.batches) * s.heads * s.T;
    const int64_t begin = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
    for (int64_t row = begin; row < count; row += static_cast<int64_t>(gridDim.x) * warps) {
      const auto t = static_cast<int>(row % s.T), h = static_cast<int>(row / s.T % s.heads);
      const auto b = static_cast<int>(row / s.T / s.heads);
      const In *left = dy.at(b, h, t), *right = y.at(b, h, t);
      Sum sum = 0;
      for (int d = lane; d < s.Dv; d += 32) sum += computed(left[d * dy_stride]) * computed(right[d * y_stride]);
      sum = reduce_warp(sum, cuda::Sum{});
      if (lane == 0) delta[row] = sum;
    }
  }
};

template <class In>
struct BackwardCall {
  using Sum = compute_of<In>;
  nr_context* ctx;
  AttentionShape s;
  ScoreRules<In> rules;
  HeadRows<const In> dy, q, k, v;
  const Sum *lse, *delta;
  double scale;
  nr_tensor dq, dk, dv;

  int widest() const { return s.D > s.Dv ? s.D : s.Dv; }

  Sum* shares_of(const nr_tensor& t, int shares) const {
    return static_cast<Sum*>(ctx->scratch(ctx, static_cast<size_t>(shares * numel_of(t) + 1) * sizeof(Sum)));
  }
  void add_shares(const Sum* from, const nr_tensor& to, int shares, Sum factor) const {
    const AddShares<Sum, In> kernel = {from, static_cast<In*>(to.data), numel_of(to), shares, factor};
    launch(ctx, blocks_for(kernel.numel, kernel.threads), kernel);
  }

  template <class Product, int width, bool of_keys, bool wide>
  void run() const {
    using Kernel = AttentionGradient<Product, width, of_keys, wide>;
    const Sum unit = static_cast<Sum>(scale * static_cast<double>(score_unit<Sum>)), factor = static_cast<Sum>(scale);
    const nr_tensor &first = of_keys ? dk : dq, &second = of_keys ? dv : dq;
    Kernel kernel = {s, rules, dy, q, k, v, lse, delta, unit, result_rows<In>(first), result_rows<In>(second), factor};
    const int most = of_keys ? widest() : s.D;  // columns of the results
    if (wide) {
      kernel.slices = most > width ? divide_up(most, width) : 1;
      kernel.chunks = s.D > width ? divide_up(s.D, width) : 1;
      kernel.value_chunks = s.Dv > width ? divide_up(s.Dv, width) : 1;
    }
    kernel.tiles = divide_up(of_keys ? s.S : s.queries(), Kernel::rows);
    const int64_t blocks = int64_t{s.batches} * s.key_heads * kernel.tiles * kernel.slices;
    const int steps = divide_up(of_keys ? s.queries() : s.S, Kernel::columns);
    kernel.shares = shares_for(ctx, blocks, steps, 8);
    kernel.share_columns = divide_up(steps, kernel.shares) * Kernel::columns;
    if (kernel.shares > 1) {
      kernel.first_numel = numel_of(first);
      kernel.second_numel = numel_of(second);
      kernel.first_shares = shares_of(first, kernel.shares);
      kernel.second_shares = of_keys ? shares_of(second, kernel.shares) : nullptr;
      if (!kernel.first_shares || (of_keys && !kernel.second_shares)) return;
    }
    launch(ctx, static_cast<unsigned>(blocks * kernel.shares), kernel, Kernel::shared_bytes);
    if (kernel.shares == 1) return;
    add_shares(kernel.first_shares, first, kernel.shares, factor);
    if (of_keys) add_shares(kernel.second_shares, second, kernel.shares, Sum(1));
  }

  template <class Product, int width, bool wide = false>
  bool run_if_fits() const {
    if ((!wide && widest() > width) || AttentionGradient<Product, width, true, wide>::shared_bytes > most_shared(ctx))
      return false;
    run<Product, width, true, wide>();
    run<Product, width, false, wide>();
    return true;
  }
};

template <class T>
bool run_halves(const BackwardCall<T>& call) {
  using P = HalfProduct<T>;
  return call.template run_if_fits<P, 32>() || call.template run_if_fits<P, 64>() ||
         call.template run_if_fits<P, 128>() || call.template run_if_fits<P, 128, true>();
}

template <class P>
bool run_floats(const BackwardCall<float>& call) {
  return call.run_if_fits<P, 64>() || call.run_if_fits<P, 128>() || call.run_if_fits<P, 64, true>();
}

bool run_doubles(const BackwardCall<double>& call) {
  using P = ExactProduct<double>;
  return call.run_if_fits<P, 32>() || call.run_if_fits<P, 32, true>();
}

}  // namespace

void attention_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* q, const nr_tensor* k,
                        const nr_tensor* v, const nr_optional* mask, const nr_optional* lengths, const nr_tensor* y,
                        const nr_tensor* lse, nr_tensor* dq, nr_tensor* dk, nr_tensor* dv, double scale,
                        int64_t diagonal, double p, nr_philox philox) {
  if (needs_float32(ctx, q->dtype)) {
    const nr_tensor dy32 = in_float32(ctx, *dy), y32 = in_float32(ctx, *y);
    const nr_tensor q32 = in_float32(ctx, *q), k32 = in_float32(ctx, *k), v32 = in_float32(ctx, *v);
    nr_tensor dq32 = float32_like(ctx, *dq), dk32 = float32_like(ctx, *dk), dv32 = float32_like(ctx, *dv);
    const nr_optional mask32 = in_float32(ctx, *mask);
    for (const nr_tensor& t : {dy32, y32, q32, k32, v32, dq32, dk32, dv32})
      if (!t.data) return;
    if (mask32.present && !mask32.tensor.data) return;
    attention_backward(ctx, &dy32, &q32, &k32, &v32, &mask32, lengths, &y32, lse, &dq32, &dk32, &dv32, scale, diagonal,
                       p, philox);
    copy(ctx, &dq32, dq);
    copy(ctx, &dk32, dk);
    return copy(ctx, &dv32, dv);
  }
  AttentionShape s;
  if (!shape_of(ctx, *q, *k, *v, *lengths, diagonal, s)) return;
  check_lengths(ctx, s);
  if (int64_t{s.batches} * s.heads * s.T == 0 || s.S == 0) {
    for (nr_tensor* t : {dq, dk, dv}) fill(ctx, t, {0, 0, true});
    return;
  }
  nr_tensor slopes = *dy, queries = *q, keys = *k, values = *v;
  for (nr_tensor* t : {&slopes, &queries, &keys, &values})
    if (!with_aligned_rows(ctx, *t)) return;
  dispatch(floating_types{}, q->dtype, [&]<class T>() {
    using Sum = compute_of<T>;
    const int64_t count = numel_of(*lse);
    auto* delta = static_cast<Sum*>(ctx->scratch(ctx, static_cast<size_t>(count) * sizeof(Sum)));
    if (!delta) return;
    const AttentionDelta<T> sums = {s, rows_of<T>(*dy), rows_of<T>(*y), dy->stride[3], y->stride[3], delta};
    launch(ctx, blocks_for(count, sums.threads / 32), sums);
    const BackwardCall<T> call = {ctx,
                                  s,
                                  ScoreRules<T>(*mask, p, philox),
                                  rows_of<T>(slopes),
                                  rows_of<T>(queries),
                                  rows_of<T>(keys),
                                  rows_of<T>(values),
                                  static_cast<const Sum*>(lse->data),
                                  delta,
                                  scale,
                                  *dq,
                                  *dk,
                                  *dv};
    if constexpr (is_half<T>)
      run_halves(call);
    else if constexpr (std::is_same_v<T, double>)
      run_doubles(call);
    else if (may_round_to_tf32(ctx))
      run_floats<Tf32Product>(call);
    else
      run_floats<ExactProduct<float>>(call);
  });
}

}  // namespace neurite::cuda
