// Batch norm of x [B, C, S]: statistics per channel over B and S. Each thread takes the mean of the elements it holds
// and the sum of squares around it; these are merged over threads, tiles and channels (Chan, Golub, LeVeque 1979), so
// x is read once for the statistics and the result is stable however far the mean is from zero. A second pass
// normalises: two reads and one write, where the floor is one and one for what fits in cache.
#include "channel_map.h"
#include "channel_tiles.h"
#include "contiguous.h"
#include "functions.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class C>
struct Moments {
  C count, mean, squares;

  template <class To>
  __device__ Moments<To> as() const {
    return {static_cast<To>(count), static_cast<To>(mean), static_cast<To>(squares)};
  }
};

template <class T>
struct MeasureMoments {
  using C = compute_of<T>;
  using Value = Moments<C>;
  using Wide = Moments<double>;
  const T* x;
  C *mean, *rstd;
  C *running_mean, *running_var;  // null: none
  double momentum, eps;

  __device__ Value of(int64_t, const int64_t (&at)[ChannelTiles::each]) const {
    C v[ChannelTiles::each], average = 0, squares = 0;
    int n = 0;
#pragma unroll
    for (int k = 0; k < ChannelTiles::each; k++) {
      v[k] = at[k] >= 0 ? computed(x[at[k]]) : C(0);
      average += v[k];
      n += at[k] >= 0;
    }
    if (n == 0) return {0, 0, 0};
    average /= static_cast<C>(n);
#pragma unroll
    for (int k = 0; k < ChannelTiles::each; k++)
      if (at[k] >= 0) squares += (v[k] - average) * (v[k] - average);
    return {static_cast<C>(n), average, squares};
  }
  template <class D>
  __device__ static Moments<D> merge(Moments<D> a, Moments<D> b) {
    const D all = a.count + b.count, apart = b.mean - a.mean;
    if (b.count == 0) return a;
    if (a.count == 0) return b;
    return {all, a.mean + apart * (b.count / all), a.squares + b.squares + apart * apart * (a.count * (b.count / all))};
  }
  __device__ static Value combine(Value a, Value b) {
    return merge(a, b);
  }
  __device__ static Wide join(Wide a, Wide b) {
    return merge(a, b);
  }
  template <class D>
  __device__ static Moments<D> exchange(Moments<D> m, int bits) {
    return {__shfl_xor_sync(0xffffffff, m.count, bits), __shfl_xor_sync(0xffffffff, m.mean, bits),
            __shfl_xor_sync(0xffffffff, m.squares, bits)};
  }
  __device__ static Wide widen(Value m) {
    return m.template as<double>();
  }
  __device__ void finish(int64_t channel, Wide m) const {
    mean[channel] = static_cast<C>(m.mean);
    rstd[channel] = static_cast<C>(1 / sqrt(m.squares / m.count + eps));
    if (m.count == 0) return;
    const double freedom = m.count > 1 ? m.count - 1 : 1;
    const auto move = [&](C* running, double batch) {
      if (running) running[channel] = static_cast<C>((1 - momentum) * running[channel] + momentum * batch);
    };
    move(running_mean, m.mean);
    move(running_var, m.squares / freedom);
  }
};

template <class C>
struct Normalise {
  const C *w, *b, *mean, *rstd;  // w, b null: 1, 0
  __device__ C operator()(int64_t channel, C x) const {
    const C v = (x - mean[channel]) * (w ? w[channel] * rstd[channel] : rstd[channel]);
    return b ? v + b[channel] : v;
  }
};

// The sums over a channel of dy and of dy z, with z the normalised x.
template <class T>
struct MeasureGradients {
  using C = compute_of<T>;
  struct Value {
    C dy, dyz;
  };
  struct Wide {
    double dy, dyz;
  };
  const T *dy, *x;
  const C *mean, *rstd;
  C *sum_dy, *sum_dyz;

  __device__ Value of(int64_t channel, const int64_t (&at)[ChannelTiles::each]) const {
    Value total = {0, 0};
    if (at[0] < 0) return total;
    const C m = mean[channel], r = rstd[channel];
#pragma unroll
    for (int k = 0; k < ChannelTiles::each; k++) {
      if (at[k] < 0) continue;
      const C d = computed(dy[at[k]]);
      total.dy += d;
      total.dyz += d * ((computed(x[at[k]]) - m) * r);
    }
    return total;
  }
  __device__ static Value combine(Value a, Value b) {
    return {a.dy + b.dy, a.dyz + b.dyz};
  }
  __device__ static Wide join(Wide a, Wide b) {
    return {a.dy + b.dy, a.dyz + b.dyz};
  }
  template <class V>
  __device__ static V exchange(V v, int bits) {
    return {__shfl_xor_sync(0xffffffff, v.dy, bits), __shfl_xor_sync(0xffffffff, v.dyz, bits)};
  }
  __device__ static Wide widen(Value v) {
    return {static_cast<double>(v.dy), static_cast<double>(v.dyz)};
  }
  __device__ void finish(int64_t channel, Wide total) const {
    sum_dy[channel] = static_cast<C>(total.dy);
    sum_dyz[channel] = static_cast<C>(total.dyz);
  }
};

// dx = w rstd (dy - mean(dy) - z mean(dy z))
template <class C>
struct InputGradient {
  const C *w, *mean, *rstd, *sum_dy, *sum_dyz;
  C count;
  __device__ C operator()(int64_t channel, C dy, C x) const {
    const C r = rstd[channel], z = (x - mean[channel]) * r;
    return (w ? w[channel] * r : r) * (dy - sum_dy[channel] / count - z * (sum_dyz[channel] / count));
  }
};

}  // namespace

void batch_norm(nr_context* ctx, const nr_tensor* x_tensor, const nr_optional* w_tensor, const nr_optional* b_tensor,
                nr_optional* running_mean, nr_optional* running_var, nr_tensor* y, nr_tensor* mean_tensor,
                nr_tensor* rstd_tensor, double momentum, double eps) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const T* x = elements<T>(ctx, *x_tensor);
    const C *w, *b;
    if (!x || !optional_elements(ctx, *w_tensor, w) || !optional_elements(ctx, *b_tensor, b)) return;
    Target<C> to_mean(ctx, running_mean->tensor, running_mean->present);
    Target<C> to_var(ctx, running_var->tensor, running_var->present);
    if ((running_mean->present && !to_mean.data()) || (running_var->present && !to_var.data())) return;
    C *mean = static_cast<C*>(mean_tensor->data), *rstd = static_cast<C*>(rstd_tensor->data);
    const MeasureMoments<T> op{x,
                               mean,
                               rstd,
                               running_mean->present ? to_mean.data() : nullptr,
                               running_var->present ? to_var.data() : nullptr,
                               momentum,
                               eps};
    if (!measure_channels(ctx, *x_tensor, op)) return;
    map_channels<T, 1>(ctx, {x}, *y, Normalise<C>{w, b, mean, rstd});
    if (running_mean->present) to_mean.finish();
    if (running_var->present) to_var.finish();
  });
}

void batch_norm_backward(nr_context* ctx, const nr_tensor* dy_tensor, const nr_tensor* x_tensor,
                         const nr_optional* w_tensor, const nr_tensor* mean_tensor, const nr_tensor* rstd_tensor,
                         nr_tensor* dx, nr_optional* dw, nr_optional* db) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const int64_t channels = x_tensor->shape[1];
    const T *dy = elements<T>(ctx, *dy_tensor), *x = elements<T>(ctx, *x_tensor);
    const C *mean = elements<C>(ctx, *mean_tensor), *rstd = elements<C>(ctx, *rstd_tensor), *w;
    auto* sums = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(2 * channels + 1) * sizeof(C)));
    if (!dy || !x || !mean || !rstd || !sums || !optional_elements(ctx, *w_tensor, w)) return;
    C *sum_dy = sums, *sum_dyz = sums + channels;
    if (!measure_channels(ctx, *x_tensor, MeasureGradients<T>{dy, x, mean, rstd, sum_dy, sum_dyz})) return;
    const auto count = static_cast<C>(x_tensor->shape[0] * x_tensor->shape[2]);
    map_channels<T, 2>(ctx, {dy, x}, *dx, InputGradient<C>{w, mean, rstd, sum_dy, sum_dyz, count});
    const nr_tensor of_w = vector_of(sum_dyz, channels), of_b = vector_of(sum_dy, channels);
    if (dw->present) copy(ctx, &of_w, &dw->tensor);
    if (db->present) copy(ctx, &of_b, &db->tensor);
  });
}

}  // namespace neurite::cuda
