// Scaled dot-product attention (Vaswani et al. 2017), y = softmax(q·kᵀ·scale + mask)·v, without ever holding the
// weights of more than a tile (attention_forward.h). It reads q, k and v and writes y once per tile of queries; the
// products, 2 · T · S · (D + Dv) operations per head, are what takes time except when a few queries decode, where
// reading k and v is: those tiles have 16 rows, and keys are shared out among blocks until all multiprocessors have
// some. 16-bit floats multiply on tensor cores, float32 too if it may be rounded to tf32, else float32 and float64
// exactly. Rows are padded to 32, 64, 128 or 256 elements in shared memory; longer ones go by chunks.
#include "attention_forward.h"
#include "attention_host.h"

namespace neurite::cuda {
namespace {

template <class In>
struct ForwardCall {
  using Sum = compute_of<In>;
  nr_context* ctx;
  AttentionShape s;
  ScoreRules<In> rules;
  HeadRows<const In> q, k, v;
  HeadRows<In> y;
  Sum* lse;
  Sum scale;

  int widest() const { return s.D > s.Dv ? s.D : s.Dv; }

  template <class Kernel>
  bool fits() const {
    return Kernel::shared_bytes <= most_shared(ctx);
  }

  template <class Kernel>
  void run(int width, int keys, bool wide) const {
    Kernel kernel = {s, rules, q, k, v, y, lse, scale};
    kernel.tiles = divide_up(s.queries(), Kernel::rows);
    kernel.slices = wide ? divide_up(s.Dv, width) : 1;
    kernel.chunks = wide ? divide_up(s.D, width) : 1;
    if (kernel.slices == 0) kernel.slices = 1;  // for lse
    const int64_t blocks = int64_t{s.batches} * s.key_heads * kernel.tiles * kernel.slices;
    const int steps = divide_up(s.S, keys);
    kernel.shares = shares_for(ctx, blocks, steps, 4);
    kernel.share_keys = divide_up(steps, kernel.shares) * keys;
    const int parts = kernel.shares * Kernel::parts;
    if (parts > 1) {
      kernel.partial.rows = int64_t{s.batches} * s.heads * s.T;
      kernel.partial.depth = s.Dv;
      const int64_t numbers = parts * kernel.partial.rows * kernel.partial.row_size();
      kernel.partial.data = static_cast<Sum*>(ctx->scratch(ctx, static_cast<size_t>(numbers) * sizeof(Sum)));
      if (!kernel.partial.data) return;
    }
    launch(ctx, static_cast<unsigned>(blocks * kernel.shares), kernel, Kernel::shared_bytes);
    if (parts == 1) return;
    const CombineParts<Sum, In> combine = {s, kernel.partial, parts, y, lse};
    launch(ctx, blocks_for(kernel.partial.rows, combine.threads / 32), combine);
  }

  template <class Product, int width, int row_tiles, int keys, bool along_keys = false, bool wide = false>
  bool run_if_fits() const {
    using Kernel = AttentionForward<Product, width, row_tiles, keys, along_keys, wide>;
    if ((!wide && widest() > width) || !fits<Kernel>()) return false;
    run<Kernel>(width, keys, wide);
    return true;
  }
};

constexpr int few_queries = 16;

// Tiles: width, rows in sixteens per warp, keys; registers and shared memory allow two blocks or more on a
// multiprocessor up to 128 elements. The last way of each always fits.
template <class T>
bool run_halves(const ForwardCall<T>& call) {
  using P = HalfProduct<T>;
  const bool few = call.s.queries() <= few_queries;
  return (few && call.template run_if_fits<P, 128, 1, 64, true>()) ||
         (few && call.template run_if_fits<P, 256, 1, 64, true>()) || call.template run_if_fits<P, 32, 2, 64>() ||
         call.template run_if_fits<P, 64, 2, 64>() || call.template run_if_fits<P, 128, 1, 64>() ||
         call.template run_if_fits<P, 256, 1, 32>() || call.template run_if_fits<P, 128, 1, 32, false, true>();
}

template <class P, int row_tiles>
bool run_floats(const ForwardCall<float>& call) {
  const bool few = call.s.queries() <= few_queries;
  return (few && call.run_if_fits<P, 128, 1, 64, true>()) || call.run_if_fits<P, 64, row_tiles, 32>() ||
         call.run_if_fits<P, 128, row_tiles, 32 / row_tiles>() || call.run_if_fits<P, 64, 1, 32, false, true>();
}

bool run_doubles(const ForwardCall<double>& call) {
  using P = ExactProduct<double>;
  return call.run_if_fits<P, 64, 1, 32>() || call.run_if_fits<P, 32, 1, 32, false, true>();
}

}  // namespace

void attention(nr_context* ctx, const nr_tensor* q, const nr_tensor* k, const nr_tensor* v, const nr_optional* mask,
               const nr_optional* lengths, nr_tensor* y, nr_tensor* lse, double scale, int64_t diagonal, double p,
               nr_philox philox) {
  AttentionShape s;
  if (needs_float32(ctx, q->dtype)) {
    const nr_tensor q32 = in_float32(ctx, *q), k32 = in_float32(ctx, *k), v32 = in_float32(ctx, *v);
    const nr_optional mask32 = in_float32(ctx, *mask);
    nr_tensor y32 = float32_like(ctx, *y);
    if (!q32.data || !k32.data || !v32.data || !y32.data || (mask32.present && !mask32.tensor.data)) return;
    attention(ctx, &q32, &k32, &v32, &mask32, lengths, &y32, lse, scale, diagonal, p, philox);
    return copy(ctx, &y32, y);
  }
  nr_tensor queries = *q, keys = *k, values = *v;
  if (!shape_of(ctx, *q, *k, *v, *lengths, diagonal, s)) return;
  check_lengths(ctx, s);
  if (int64_t{s.batches} * s.heads * s.T == 0) return;
  for (nr_tensor* t : {&queries, &keys, &values})
    if (!with_aligned_rows(ctx, *t)) return;
  dispatch(floating_types{}, q->dtype, [&]<class T>() {
    using Sum = compute_of<T>;
    const ForwardCall<T> call = {ctx,
                                 s,
                                 ScoreRules<T>(*mask, p, philox),
                                 rows_of<T>(queries),
                                 rows_of<T>(keys),
                                 rows_of<T>(values),
                                 result_rows<T>(*y),
                                 static_cast<Sum*>(lse->data),
                                 static_cast<Sum>(scale * static_cast<double>(score_unit<Sum>))};
    if constexpr (is_half<T>)
      run_halves(call);
    else if constexpr (std::is_same_v<T, double>)
      run_doubles(call);
    else if (may_round_to_tf32(ctx))
      run_floats<Tf32Product, 1>(call);
    else
      run_floats<ExactProduct<float>, 2>(call);
  });
}

}  // namespace neurite::cuda
