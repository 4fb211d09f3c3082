// From a dtype, known when a command runs, to a type, known when kernels are compiled.
#pragma once
#include "numbers.h"

namespace neurite::cuda {
namespace {

template <class... T>
struct types {};
using floating_types = types<float, double, nr_f16, nr_bf16>;
using half_types = types<nr_f16, nr_bf16>;
using integer_types = types<int8_t, uint8_t, int32_t, int64_t>;
using number_types = types<float, double, nr_f16, nr_bf16, int8_t, uint8_t, int32_t, int64_t>;
using element_types = types<float, double, nr_f16, nr_bf16, int8_t, uint8_t, int32_t, int64_t, bool>;
using index_types = types<int32_t, int64_t>;

template <class T>
constexpr int32_t dtype_of = -1;
#define NR_DTYPE(tag, name, type) \
  template <>                     \
  inline constexpr int32_t dtype_of<type> = nr_dtype_##tag;
#include "dtypes.def"

// Calls f<T>() with the type of the list that `dtype` names; contracts see to it that there is one.
template <class... T, class F>
void dispatch(types<T...>, int32_t dtype, const F& f) {
  ((dtype_of<T> == dtype ? f.template operator()<T>() : void()), ...);
}

inline int64_t size_of(int32_t dtype) {
  int64_t size = 0;
  dispatch(element_types{}, dtype, [&]<class T>() { size = sizeof(T); });
  return size;
}

// Calls f<U>() with the unsigned integer of as many bytes as elements of `dtype` have.
template <class F>
void dispatch_size(int32_t dtype, const F& f) {
  const int64_t size = size_of(dtype);
  if (size == 1) f.template operator()<uint8_t>();
  if (size == 2) f.template operator()<uint16_t>();
  if (size == 4) f.template operator()<uint32_t>();
  if (size == 8) f.template operator()<uint64_t>();
}

}  // namespace
}  // namespace neurite::cuda
