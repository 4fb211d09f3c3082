// Batch norm of x [B, C, S]: statistics per channel over B and S. Each cache-resident piece gives its mean and its sum
// of squares around that mean in two passes; pieces are merged in double (Chan, Golub, LeVeque 1979), so memory is
// read once for the statistics and the result is stable however far the mean is from zero. Channels that fit the cache
// are normalised while they are there.
#include "cpu/channel_pieces.h"

namespace neurite::NR_ISA {
namespace {

// Rooms of n numbers each in one piece of scratch memory.
template <class C>
struct Rooms {
  C* at;
  int64_t n;
  Rooms(nr_context* ctx, int64_t count, int64_t n)
      : at(static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(count * n + 1) * sizeof(C)))), n(n) {}
  C* operator[](int64_t i) const { return at + i * n; }
};

struct Moments {
  double count = 0, mean = 0, squares = 0;
  void merge(double n, double m, double s) {
    const double all = count + n, delta = m - mean;
    mean += delta * (n / all);
    squares += s + delta * delta * (count * n / all);
    count = all;
  }
};

// running += momentum (batch - running), in double.
template <class C, class Value>
bool move_running(nr_context* ctx, nr_optional& running, int64_t channels, double momentum, const Value& batch) {
  if (!running.present) return true;
  Target<C> target(ctx, running.tensor, true);
  if (!target.data()) return false;
  for (int64_t c = 0; c < channels; c++) {
    C& r = target.data()[c];
    r = static_cast<C>((1 - momentum) * r + momentum * batch(c));
  }
  target.finish();
  return true;
}

template <class C>
bool write_vector(nr_context* ctx, nr_optional& out, const C* v, int64_t n) {
  if (!out.present) return true;
  Target<C> target(ctx, out.tensor);
  if (!target.data()) return false;
  for (int64_t i = 0; i < n; i++) target.data()[i] = v[i];
  target.finish();
  return true;
}

}  // namespace

void batch_norm(nr_context* ctx, const nr_tensor* x_tensor, const nr_optional* w_tensor, const nr_optional* b_tensor,
                nr_optional* running_mean, nr_optional* running_var, nr_tensor* y_tensor, nr_tensor* mean_tensor,
                nr_tensor* rstd_tensor, double momentum, double eps) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    using V = vector_t<T>;
    const Pieces<V> pieces(*x_tensor);
    const int64_t channels = pieces.channels();
    const double count = static_cast<double>(pieces.count());
    const T* x = elements<T>(ctx, *x_tensor);
    const C* w = elements_or<C>(ctx, *w_tensor, channels, 1);
    const C* b = elements_or<C>(ctx, *b_tensor, channels, 0);
    auto* stats = static_cast<Moments*>(ctx->scratch(ctx, static_cast<size_t>(channels + 1) * sizeof(Moments)));
    const Rooms<C> spread(ctx, 3, pieces.parameters()), partial(ctx, 2, pieces.partials());
    if (!x || !w || !b || !stats || !spread.at || !partial.at) return;

    C* mean = static_cast<C*>(mean_tensor->data);
    C* rstd = static_cast<C*>(rstd_tensor->data);
    T* y = static_cast<T*>(y_tensor->data);
    const auto measure = [&](const auto& piece) {
      V sum[1], squares[1];
      piece.sum(sum, [&](int64_t at, auto lanes, V(&t)[1]) { t[0] = load<V>(x + at, lanes); });
      const V average = sum[0] / piece.count();
      piece.sum(squares, [&](int64_t at, auto lanes, V(&t)[1]) {
        const V d = load<V>(x + at, lanes) - average;
        t[0] = d * d;
      });
      piece.put(partial[0], average);
      piece.put(partial[1], squares[0]);
    };
    const auto join = [&](int64_t c) {
      stats[c] = {};
      pieces.each_partial(c, [&](int64_t slot, int64_t n) {
        stats[c].merge(static_cast<double>(n), partial[0][slot], partial[1][slot]);
      });
      mean[c] = static_cast<C>(stats[c].mean);
      rstd[c] = static_cast<C>(1 / __builtin_sqrt(stats[c].squares / count + eps));
      pieces.spread(c, mean[c], spread[0]);
      pieces.spread(c, w[c] * rstd[c], spread[1]);
      pieces.spread(c, b[c], spread[2]);
    };
    with_streaming(y, x_tensor->shape[0] * channels, x_tensor->shape[2], [&](auto streamed) {
      pieces.run_twice(ctx, 1, measure, join, [&](const auto& piece) {
        const V m = piece.parameter(spread[0]), a = piece.parameter(spread[1]), shift = piece.parameter(spread[2]);
        piece.each(
            [&](int64_t at, auto lanes) { put(streamed, y + at, fma(load<V>(x + at, lanes) - m, a, shift), lanes); });
      });
    });

    if (pieces.count() == 0) return;
    const double freedom = count > 1 ? count - 1 : 1;
    if (move_running<C>(ctx, *running_mean, channels, momentum, [&](int64_t c) { return stats[c].mean; }))
      move_running<C>(ctx, *running_var, channels, momentum, [&](int64_t c) { return stats[c].squares / freedom; });
  });
}

// dx = w rstd (dy - mean(dy) - z mean(dy z)) with z the normalised x; dw = sum(dy z), db = sum(dy).
void batch_norm_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_tensor* x_tensor,
                         const nr_optional* w_tensor, const nr_tensor* mean_tensor, const nr_tensor* rstd_tensor,
                         nr_tensor* dx_tensor, nr_optional* dw, nr_optional* db) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    using V = vector_t<T>;
    const Pieces<V> pieces(*x_tensor);
    const int64_t channels = pieces.channels();
    const double count = static_cast<double>(pieces.count());
    const T* dy = elements<T>(ctx, *dy_tensor);
    const T* x = elements<T>(ctx, *x_tensor);
    const C* w = elements_or<C>(ctx, *w_tensor, channels, 1);
    const C* mean = elements<C>(ctx, *mean_tensor);
    const C* rstd = elements<C>(ctx, *rstd_tensor);
    const Rooms<C> spread(ctx, 5, pieces.parameters()), partial(ctx, 2, pieces.partials()), sums(ctx, 2, channels);
    if (!dy || !x || !w || !mean || !rstd || !spread.at || !partial.at || !sums.at) return;

    for (int64_t c = 0; c < channels; c++) {
      pieces.spread(c, mean[c], spread[0]);
      pieces.spread(c, rstd[c], spread[1]);
    }
    C *sum_dy = sums[0], *sum_dyz = sums[1];
    T* dx = static_cast<T*>(dx_tensor->data);
    const auto measure = [&](const auto& piece) {
      const V m = piece.parameter(spread[0]), r = piece.parameter(spread[1]);
      V sum[2];
      piece.sum(sum, [&](int64_t at, auto lanes, V(&t)[2]) {
        t[0] = load<V>(dy + at, lanes);
        t[1] = t[0] * ((load<V>(x + at, lanes) - m) * r);
      });
      piece.put(partial[0], sum[0]);
      piece.put(partial[1], sum[1]);
    };
    const auto join = [&](int64_t c) {
      double total[2] = {0, 0};
      pieces.each_partial(c, [&](int64_t slot, int64_t) {
        total[0] += partial[0][slot];
        total[1] += partial[1][slot];
      });
      sum_dy[c] = static_cast<C>(total[0]);
      sum_dyz[c] = static_cast<C>(total[1]);
      pieces.spread(c, static_cast<C>(total[0] / count), spread[2]);
      pieces.spread(c, static_cast<C>(total[1] / count), spread[3]);
      pieces.spread(c, w[c] * rstd[c], spread[4]);
    };
    with_streaming(dx, x_tensor->shape[0] * channels, x_tensor->shape[2], [&](auto streamed) {
      pieces.run_twice(ctx, 2, measure, join, [&](const auto& piece) {
        const V m = piece.parameter(spread[0]), r = piece.parameter(spread[1]), a = piece.parameter(spread[4]);
        const V g = piece.parameter(spread[2]), gz = piece.parameter(spread[3]);
        piece.each([&](int64_t at, auto lanes) {
          const V z = (load<V>(x + at, lanes) - m) * r;
          put(streamed, dx + at, a * (load<V>(dy + at, lanes) - g - z * gz), lanes);
        });
      });
    });
    if (write_vector(ctx, *dw, sum_dyz, channels)) write_vector(ctx, *db, sum_dy, channels);
  });
}

}  // namespace neurite::NR_ISA
