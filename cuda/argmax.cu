// argmax and argmin: the position of the first extreme within the reduced dims (reduction.h); NaN counts as the
// extreme.
#include "functions.h"
#include "reduction.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class V>
struct Candidate {
  V value;
  int64_t position;
};

template <class T, bool largest>
struct Position {
  using Element = T;
  using V = std::conditional_t<std::is_integral_v<T> && sizeof(T) < 4, int32_t, compute_of<T>>;
  using Value = Candidate<V>;
  using Result = int64_t;

  // Any element comes before it.
  __device__ static Value identity() { return {worst<V, largest>, INT64_MAX}; }
  __device__ static bool better(V x, V best) { return (largest ? x > best : x < best) || (x != x && best == best); }
  // Positions of one thread grow.
  __device__ static Value take(Value best, T x, int64_t position) {
    const auto v = convert<V>(x);
    return better(v, best.value) || best.position == INT64_MAX ? Value{v, position} : best;
  }
  __device__ static Value combine(Value a, Value b) {
    if (better(b.value, a.value)) return b;
    return b.position < a.position && !better(a.value, b.value) ? b : a;
  }
  __device__ static Value exchange(Value value, int bits) {
    return {__shfl_xor_sync(0xffffffff, value.value, bits), __shfl_xor_sync(0xffffffff, value.position, bits)};
  }
  __device__ static int64_t finish(Value value, int64_t) { return value.position; }
};

}  // namespace

void argmax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype,
           [&]<class T>() { reduce<Position<number_of<T>, true>>(ctx, *x, *y, dims, true); });
}
void argmin(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  dispatch(element_types{}, x->dtype,
           [&]<class T>() { reduce<Position<number_of<T>, false>>(ctx, *x, *y, dims, true); });
}

}  // namespace neurite::cuda
