// Random floats: uniform, normal, and the masks of bernoulli and dropout. One word gives 24 bits, two give 53.
// uniform: low + (high - low) u, never `high` itself. normal: Box-Muller on two words (float64: four) of one block,
// r = sqrt(-2 ln u), a = pi v with u in (0, 1], v in [-1, 1]; the pair of elements is mean + std r (cos a, sin a).
#include "cpu/contiguous.h"
#include "cpu/draw.h"
#include "cpu/row.h"
#include "cpu/vmath.h"

namespace neurite::NR_ISA {
namespace {

constexpr double two_to_minus_24 = 0x1p-24, two_to_minus_53 = 0x1p-53;

// The largest T below `high`, or `low` if there is none in between.
template <class T>
double largest_below(double low, double high) {
  double v;
  if constexpr (is_half<T>) {
    T t = convert<T>(static_cast<float>(high));
    while (convert<float>(t) >= high) {
      const bool zero = (t.bits & 0x7fff) == 0;
      t.bits = zero ? 0x8001 : static_cast<uint16_t>(t.bits & 0x8000 ? t.bits + 1 : t.bits - 1);
    }
    v = convert<float>(t);
  } else {
    T t = static_cast<T>(high);
    if (t >= high) {
      if constexpr (std::is_same_v<T, float>) {
        t = __builtin_nextafterf(t, -__builtin_inff());
      } else {
        t = __builtin_nextafter(t, -__builtin_inf());
      }
    }
    v = t;
  }
  return v < low ? low : v;
}

// Elements computed as C, stored as T.
template <class T, class C>
void store_all(T* y, const C* v, int64_t n) {
  using V = vector_t<T>;
  each_vector<V>(n, [&](int64_t i, auto lanes) { store(y + i, load<V>(v + i, lanes), lanes); });
}

template <class T>
void fill_uniform(nr_context* ctx, T* y, int64_t n, double low, double high, nr_philox at) {
  using C = compute_t<T>;
  const double limit = largest_below<T>(low, high);
  if constexpr (std::is_same_v<C, double>) {
    const double span = high - low;
    draw<2>(ctx, n, at, [&](int64_t first, int64_t count, const uint32_t* words) {
      for (int64_t i = 0; i < count; i++) {
        const double u = static_cast<double>(static_cast<int64_t>(two_words(words, i) >> 11)) * two_to_minus_53;
        const double v = __builtin_fma(u, span, low);
        y[first + i] = v > limit ? limit : v;
      }
    });
  } else {
    // A float times 24 bits is exact in double: the same result with and without fused multiply-add.
    const double span = static_cast<double>(static_cast<float>(high - low)) * two_to_minus_24;
    draw<1>(ctx, n, at, [&](int64_t first, int64_t count, const uint32_t* words) {
      alignas(64) float v[draw_words];
      for (int64_t i = 0; i < count; i++) {
        const double d = low + span * static_cast<double>(static_cast<int32_t>(words[i] >> 8));
        v[i] = static_cast<float>(d > limit ? limit : d);
      }
      store_all(y + first, v, count);
    });
  }
}

// The inputs of Box-Muller for every pair of elements: u in (0, 1], the angle in [-pi, pi].
inline void polar(const uint32_t* words, int64_t pairs, float* u, float* angle) {
  for (int64_t i = 0; i < pairs; i++) {
    u[i] = (static_cast<float>(words[2 * i]) + 0.5f) * 0x1p-32f;
    angle[i] = static_cast<float>(static_cast<int32_t>(words[2 * i + 1])) * (3.14159265358979f * 0x1p-31f);
  }
}
inline void polar(const uint32_t* words, int64_t pairs, double* u, double* angle) {
  for (int64_t i = 0; i < pairs; i++) {
    u[i] = (static_cast<double>(static_cast<int64_t>(two_words(words, 2 * i) >> 11)) + 0.5) * two_to_minus_53;
    angle[i] =
        static_cast<double>(static_cast<int64_t>(two_words(words, 2 * i + 1))) * (3.14159265358979323846 * 0x1p-63);
  }
}

template <class T>
void fill_normal(nr_context* ctx, T* y, int64_t n, double mean, double std, nr_philox at) {
  using C = compute_t<T>;
  using V = vector_t<T>;
  const V m(static_cast<C>(mean)), s(static_cast<C>(std)), minus_two(static_cast<C>(-2));
  draw<sizeof(C) / 4>(ctx, n, at, [&](int64_t first, int64_t count, const uint32_t* words) {
    alignas(64) C u[draw_words / 2], angle[draw_words / 2], v[draw_words];
    const int64_t pairs = (count + 1) / 2;
    polar(words, pairs, u, angle);
    each_vector<V>(pairs, [&](int64_t i, auto lanes) {
      const V r = s * sqrt(minus_two * log(load<V>(u + i, lanes)));
      V sine, cosine;
      sin_cos(load<V>(angle + i, lanes), sine, cosine);
      store(u + i, fma(r, cosine, m), lanes);
      store(angle + i, fma(r, sine, m), lanes);
    });
    for (int64_t i = 0; i < pairs; i++) {
      v[2 * i] = u[i];
      v[2 * i + 1] = angle[i];
    }
    store_all(y + first, v, count);
  });
}

template <class T>
void fill_bernoulli(nr_context* ctx, T* y, const float* p, int64_t n, nr_philox at) {
  const T one = convert<T>(1.0f), zero = convert<T>(0.0f);
  draw<1>(ctx, n, at, [&](int64_t first, int64_t count, const uint32_t* words) {
    for (int64_t i = 0; i < count; i++) {
      const float u = static_cast<float>(static_cast<int32_t>(words[i] >> 8)) * 0x1p-24f;
      y[first + i] = u < p[first + i] ? one : zero;
    }
  });
}

bool are_probabilities(nr_context* ctx, const float* p, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (p[i] >= 0 && p[i] <= 1) continue;
    ctx->fail(ctx, "VALUE_OUT_OF_RANGE", "expected probabilities in [0, 1], got %g at position %lld",
              static_cast<double>(p[i]), static_cast<long long>(i));
    return false;
  }
  return true;
}

}  // namespace

void uniform(nr_context* ctx, nr_tensor* y, double low, double high, nr_philox philox) {
  with_float_dtype(y->dtype, [&](auto tag) {
    Target<typename decltype(tag)::type> target(ctx, *y);
    if (!target.data()) return;
    fill_uniform(ctx, target.data(), element_count(*y), low, high, philox);
    target.finish();
  });
}

void normal(nr_context* ctx, nr_tensor* y, double mean, double std, nr_philox philox) {
  with_float_dtype(y->dtype, [&](auto tag) {
    Target<typename decltype(tag)::type> target(ctx, *y);
    if (!target.data()) return;
    fill_normal(ctx, target.data(), element_count(*y), mean, std, philox);
    target.finish();
  });
}

void bernoulli(nr_context* ctx, const nr_tensor* p_tensor, nr_tensor* y, nr_philox philox) {
  const int64_t n = element_count(*y);
  nr_tensor spread = packed_like(ctx, *y, nr_dtype_f32, sizeof(float));
  if (!spread.data) return;
  copy(ctx, p_tensor, &spread);
  const float* p = static_cast<const float*>(spread.data);
  if (!are_probabilities(ctx, p, n)) return;
  with_dtype(y->dtype, [&](auto tag) {
    Target<typename decltype(tag)::type> target(ctx, *y);
    if (!target.data()) return;
    fill_bernoulli(ctx, target.data(), p, n, philox);
    target.finish();
  });
}

void dropout(nr_context* ctx, const nr_tensor* x_tensor, nr_tensor* y_tensor, double p, nr_philox philox) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    using V = vector_t<T>;
    const T* x = elements<T>(ctx, *x_tensor);
    if (!x) return;
    T* y = static_cast<T*>(y_tensor->data);
    const auto dropped = static_cast<int32_t>(__builtin_ceil(p * 0x1p24));  // 24-bit numbers below it drop
    const C scale = static_cast<C>(p < 1 ? 1 / (1 - p) : 0);
    draw<1>(ctx, element_count(*x_tensor), philox, [=](int64_t first, int64_t count, const uint32_t* words) {
      alignas(64) C factor[draw_words];
      for (int64_t i = 0; i < count; i++)  // no branch: it would be mispredicted half of the time
        factor[i] = static_cast<C>(static_cast<int32_t>(words[i] >> 8) >= dropped) * scale;
      each_vector<V>(count, [&](int64_t i, auto lanes) {
        const V f = load<V>(factor + i, lanes), zero(0);  // a dropped infinity is 0, not NaN
        store(y + first + i, select(f == zero, zero, load<V>(x + first + i, lanes) * f), lanes);
      });
    });
  });
}

}  // namespace neurite::NR_ISA
