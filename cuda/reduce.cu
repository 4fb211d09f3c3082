// sum, mean, prod, amax, amin, any, all (reduction.h). 16-bit floats accumulate in float; integers and bools sum and
// multiply in int64; amax and amin give NaN if there is one.
#include "functions.h"
#include "reduction.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class T>
using wide = std::conditional_t<is_floating<T>, T, int64_t>;

// What operations share whose values are numbers.
template <class T, class V, class R>
struct NumberOp {
  using Element = T;
  using Value = V;
  using Result = R;

  __device__ static V exchange(V value, int bits) { return __shfl_xor_sync(0xffffffff, value, bits); }
  __device__ static R finish(V value, int64_t) { return convert<R>(value); }
};

template <class T>
struct Total : NumberOp<T, compute_of<wide<T>>, wide<T>> {
  using V = compute_of<wide<T>>;
  __device__ static V identity() { return 0; }
  __device__ static V take(V sum, T x, int64_t) { return combine(sum, convert<V>(x)); }
  __device__ static V combine(V a, V b) { return add_formula(a, b); }
};

template <class T>
struct Mean : Total<T> {
  using V = compute_of<T>;
  __device__ static T finish(V sum, int64_t n) { return convert<T>(sum / static_cast<V>(n)); }
};

template <class T>
struct Product : NumberOp<T, compute_of<wide<T>>, wide<T>> {
  using V = compute_of<wide<T>>;
  __device__ static V identity() { return 1; }
  __device__ static V take(V product, T x, int64_t) { return combine(product, convert<V>(x)); }
  __device__ static V combine(V a, V b) { return mul_formula(a, b); }
};

template <class T>
using extreme_value = std::conditional_t<std::is_integral_v<T> && sizeof(T) < 4, int32_t, compute_of<T>>;

template <class T, bool largest>
struct Extreme : NumberOp<T, extreme_value<T>, T> {
  using V = extreme_value<T>;
  __device__ static V identity() { return worst<V, largest>; }
  __device__ static V take(V best, T x, int64_t) { return combine(best, convert<V>(x)); }
  __device__ static V combine(V a, V b) {
    if constexpr (largest)
      return maximum_formula(a, b);
    else
      return minimum_formula(a, b);
  }
};

// Integers are zero or not whatever their sign.
template <class T>
using bits_of = std::conditional_t<std::is_same_v<T, int8_t>, uint8_t, number_of<T>>;

template <class T, bool start>  // any starts from false, all from true
struct Truth : NumberOp<T, uint32_t, bool> {
  __device__ static uint32_t identity() { return start; }
  __device__ static uint32_t take(uint32_t truth, T x, int64_t) { return combine(truth, convert<bool>(x)); }
  __device__ static uint32_t combine(uint32_t a, uint32_t b) { return start ? a & b : a | b; }
};

}  // namespace

void sum(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype, [&]<class T>() { reduce<Total<number_of<T>>>(ctx, *x, *y, dims); });
}
void mean(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(floating_types{}, x->dtype, [&]<class T>() { reduce<Mean<T>>(ctx, *x, *y, dims); });
}
void prod(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype, [&]<class T>() { reduce<Product<number_of<T>>>(ctx, *x, *y, dims); });
}
void amax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype, [&]<class T>() { reduce<Extreme<number_of<T>, true>>(ctx, *x, *y, dims); });
}
void amin(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype, [&]<class T>() { reduce<Extreme<number_of<T>, false>>(ctx, *x, *y, dims); });
}
void any(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype, [&]<class T>() { reduce<Truth<bits_of<T>, false>>(ctx, *x, *y, dims); });
}
void all(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype, [&]<class T>() { reduce<Truth<bits_of<T>, true>>(ctx, *x, *y, dims); });
}

}  // namespace neurite::cuda
