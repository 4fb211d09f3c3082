// Element types at compile time: from a dtype code to a C++ type, the type an element is computed in, and conversions.
// The list of types is dtypes.def; nothing here names them one by one except the two 16-bit floats.
#pragma once
#include <type_traits>

#include "cpu/simd.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
struct type_tag {
  using type = T;
};

template <class T>
inline constexpr bool is_half = std::is_same_v<T, nr_f16> || std::is_same_v<T, nr_bf16>;
template <class T>
inline constexpr bool is_float_type = std::is_floating_point_v<T> || is_half<T>;

// Calls visit(type_tag<T>{}) with the element type of `dtype`:
//   with_dtype(x->dtype, [&](auto tag) { using T = typename decltype(tag)::type; … });
template <class Visitor>
inline void with_dtype(int32_t dtype, const Visitor& visit) {
  switch (dtype) {
#define NR_DTYPE(tag, name, type) \
  case nr_dtype_##tag:            \
    visit(type_tag<type>{});      \
    break;
#include "dtypes.def"
  }
}

// The same for the floating dtypes only; others are ignored (contracts refuse them).
template <class Visitor>
inline void with_float_dtype(int32_t dtype, const Visitor& visit) {
  with_dtype(dtype, [&](auto tag) {
    if constexpr (is_float_type<typename decltype(tag)::type>) visit(tag);
  });
}

template <class T>
inline constexpr int32_t dtype_of = -1;
#define NR_DTYPE(tag, name, type) \
  template <>                     \
  inline constexpr int32_t dtype_of<type> = nr_dtype_##tag;
#include "dtypes.def"

// The type one element of T is computed in: float for 16-bit floats, else T.
template <class T>
using compute_t = std::conditional_t<is_half<T>, float, T>;

// The vector whose lanes compute T: vf, vd, or, where there is none (integers), T itself.
template <class T>
using vector_t = std::conditional_t<is_half<T> || std::is_same_v<T, float>, vf,
                                    std::conditional_t<std::is_same_v<T, double>, vd, T>>;

template <class V>
struct lane_of {
  using type = V;
};
template <class V>
requires requires {
  typename V::lane;
}
struct lane_of<V> {
  using type = typename V::lane;
};
// The type of one lane of V; V itself where it is a single value.
template <class V>
using lane_t = typename lane_of<V>::type;

// One element as another type. Floats round to nearest even; float to integer truncates, saturates and makes NaN 0;
// integer to integer wraps; anything to bool is `!= 0`.
template <class To, class From>
inline To convert(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (is_half<From>) {
    return convert<To>(to_float(x));
  } else if constexpr (std::is_same_v<To, nr_f16>) {
    return to_f16(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, nr_bf16>) {
    return to_bf16(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr int bits = sizeof(To) * 8;
    constexpr From limit =
        From(uint64_t{1} << (bits - (std::is_signed_v<To> ? 1 : 0) - 1)) * 2;  // one past the largest
    constexpr To largest = static_cast<To>(static_cast<std::make_unsigned_t<To>>(-1) >> (std::is_signed_v<To> ? 1 : 0));
    constexpr To smallest = std::is_signed_v<To> ? static_cast<To>(-largest - 1) : To(0);
    if (x != x) return 0;
    if (x >= limit) return largest;
    if (x <= From(smallest)) return smallest;
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

// The value of a scalar as an element of T.
template <class T>
inline T from_scalar(nr_scalar s) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return s.is_integer ? static_cast<T>(s.i) : convert<T>(s.f);
  } else {
    return convert<T>(s.f);
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
