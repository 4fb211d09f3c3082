// What products do to their sums before they are stored: y = activation(sum + residual), of which `preactivation` keeps
// what the activation is applied to. All three lie alike: an element has the same offset in each. Sums are of the type
// computed in, results are rounded once.
#pragma once
#include "functions.h"
#include "numbers.h"
#include "pack.h"

namespace neurite::cuda {
namespace {

template <int N, class C>
__device__ inline void activate(int32_t activation, C (&v)[N]) {
  switch (activation) {
#define NR_ACTIVATION(name)                                  \
  case nr_activation_##name:                                 \
    for (int i = 0; i < N; i++) v[i] = name##_formula(v[i]); \
    break;
#include "activations.def"
  }
}

// v += count (at most N) elements from p on, which are read as one where that is possible.
template <class T, int N, class C>
__device__ inline void add_elements(const T* p, C (&v)[N], int count, bool as_one) {
  if (as_one) {
    const auto x = load_pack<T, N>(p);
    for (int i = 0; i < N; i++) v[i] += computed(x.at[i]);
  } else {
    for (int i = 0; i < N; i++)
      if (i < count) v[i] += computed(p[i]);
  }
}

template <class T, int N, class C>
__device__ inline void store_elements(T* p, const C (&v)[N], int count, bool as_one) {
  if (as_one) {
    Pack<T, N> x;
    for (int i = 0; i < N; i++) x.at[i] = convert<T>(v[i]);
    store_pack(p, x);
  } else {
    for (int i = 0; i < N; i++)
      if (i < count) p[i] = convert<T>(v[i]);
  }
}

template <class T>
struct Epilogue {
  T* y;
  const T* residual;  // or NULL
  T* preactivation;   // or NULL
  int32_t activation;
  bool is_packable;  // all three are aligned to 16 bytes

  // v: the sums of elements at, at + 1 …, of which `count` are there. N is a power of two, at most pack_size<T>.
  template <int N, class C>
  __device__ void finish(int64_t at, C (&v)[N], int count) const {
    const bool as_one = is_packable && count == N && at % N == 0;
    if (residual) add_elements(residual + at, v, count, as_one);
    if (preactivation) store_elements(preactivation + at, v, count, as_one);
    if constexpr (std::is_floating_point_v<C>) activate(activation, v);
    store_elements(y + at, v, count, as_one);
  }
};

template <class T>
Epilogue<T> make_epilogue(const nr_tensor& y, const nr_optional& residual, const nr_optional& preactivation,
                          int64_t activation) {
  Epilogue<T> e = {static_cast<T*>(y.data), residual.present ? static_cast<const T*>(residual.tensor.data) : nullptr,
                   preactivation.present ? static_cast<T*>(preactivation.tensor.data) : nullptr,
                   static_cast<int32_t>(activation), false};
  e.is_packable = is_aligned(e.y, 16) && is_aligned(e.residual, 16) && is_aligned(e.preactivation, 16);
  return e;
}

}  // namespace
}  // namespace neurite::cuda
