// Elementwise formulas, once, for the CPU and for CUDA: functions `<kernel>_formula` of a value type V, which is a
// vector, a float or a double, an integer or bool. Included after the functions of V are declared (exp, tanh, select
// …), into the namespace of the including backend (NR_ISA). The concept before V is the formula's domain: kernels and
// contracts ask whether the call is well-formed. Comparisons give V's mask (bool for single values).
#pragma once
#include <stdint.h>

#include <type_traits>

#ifndef NR_DEVICE
#define NR_DEVICE inline
#endif

namespace neurite::NR_ISA {
namespace {

template <class V>
concept boolean = std::is_same_v<V, bool>;
template <class V>
concept integer = std::is_integral_v<V> && !boolean<V>;
template <class V>
concept floating = !std::is_integral_v<V>;
template <class V>
concept number = integer<V> || floating<V>;
template <class V>
concept element = boolean<V> || number<V>;

template <class V>
using mask_of = decltype(V() == V());

template <class V>
requires std::is_arithmetic_v<V> NR_DEVICE V select(bool mask, V a, V b) {
  return mask ? a : b;
}

// Integers wrap; unsigned arithmetic makes that defined.
template <class V>
using wrapping = std::conditional_t<sizeof(V) <= 4, uint32_t, uint64_t>;

// Arithmetic

template <element V>
NR_DEVICE V add_formula(V a, V b) {
  if constexpr (boolean<V>)
    return a | b;
  else if constexpr (integer<V>)
    return static_cast<V>(wrapping<V>(a) + wrapping<V>(b));
  else
    return a + b;
}
template <number V>
NR_DEVICE V sub_formula(V a, V b) {
  if constexpr (integer<V>)
    return static_cast<V>(wrapping<V>(a) - wrapping<V>(b));
  else
    return a - b;
}
template <element V>
NR_DEVICE V mul_formula(V a, V b) {
  if constexpr (boolean<V>)
    return a & b;
  else if constexpr (integer<V>)
    return static_cast<V>(wrapping<V>(a) * wrapping<V>(b));
  else
    return a * b;
}
template <floating V>
NR_DEVICE V div_formula(V a, V b) {
  return a / b;
}

// The larger, the smaller; NaN if either is NaN. A vector's max and min give b then.
template <element V>
NR_DEVICE V maximum_formula(V a, V b) {
  if constexpr (std::is_arithmetic_v<V>)
    return select((a > b) | (a != a), a, b);
  else
    return select(a != a, a, max(a, b));
}
template <element V>
NR_DEVICE V minimum_formula(V a, V b) {
  if constexpr (std::is_arithmetic_v<V>)
    return select((a < b) | (a != a), a, b);
  else
    return select(a != a, a, min(a, b));
}

// a modulo b with the sign of b. The kernel refuses a zero divisor among integers before it comes to this.
template <number V>
NR_DEVICE V remainder_formula(V a, V b) {
  if constexpr (integer<V>) {
    if (b == V(0) || b == V(-1)) return 0;  // INT_MIN % -1 would trap
    const V r = static_cast<V>(a % b);
    return r != 0 && (r < 0) != (b < 0) ? static_cast<V>(r + b) : r;
  } else {
    const V r = fmod(a, b);
    return select((r != V(0)) & ((r < V(0)) ^ (b < V(0))), r + b, r);
  }
}

// Integers wrap; a negative exponent gives the truncated quotient: 0, or ±1 for a base of ±1.
template <number V>
NR_DEVICE V pow_formula(V a, V b) {
  if constexpr (integer<V>) {
    if (b < 0) return a == V(1) ? V(1) : a == V(-1) ? V(b % 2 ? -1 : 1) : V(0);
    wrapping<V> y = 1, base = wrapping<V>(a);
    for (; b > 0; b = static_cast<V>(b >> 1), base *= base)
      if (b & 1) y *= base;
    return static_cast<V>(y);
  } else {
    return pow(a, b);
  }
}

// Comparison and logic; not-a-number equals nothing and counts as true.

template <element V>
NR_DEVICE mask_of<V> eq_formula(V a, V b) {
  return a == b;
}
template <element V>
NR_DEVICE mask_of<V> ne_formula(V a, V b) {
  return a != b;
}
template <element V>
NR_DEVICE mask_of<V> lt_formula(V a, V b) {
  return a < b;
}
template <element V>
NR_DEVICE mask_of<V> le_formula(V a, V b) {
  return a <= b;
}
template <element V>
NR_DEVICE mask_of<V> gt_formula(V a, V b) {
  return a > b;
}
template <element V>
NR_DEVICE mask_of<V> ge_formula(V a, V b) {
  return a >= b;
}
template <element V>
NR_DEVICE mask_of<V> logical_and_formula(V a, V b) {
  return (a != V(0)) & (b != V(0));
}
template <element V>
NR_DEVICE mask_of<V> logical_or_formula(V a, V b) {
  return (a != V(0)) | (b != V(0));
}
template <element V>
NR_DEVICE mask_of<V> logical_xor_formula(V a, V b) {
  return (a != V(0)) ^ (b != V(0));
}
template <element V>
NR_DEVICE mask_of<V> logical_not_formula(V x) {
  return x == V(0);
}
template <element V>
NR_DEVICE mask_of<V> isnan_formula(V x) {
  return x != x;
}

// Of one operand

template <number V>
NR_DEVICE V neg_formula(V x) {
  if constexpr (integer<V>)
    return sub_formula(V(0), x);
  else
    return -x;
}
template <number V>
NR_DEVICE V abs_formula(V x) {
  if constexpr (integer<V>)
    return select(x < V(0), neg_formula(x), x);
  else
    return abs(x);
}
template <number V>
NR_DEVICE V sign_formula(V x) {
  return select(x > V(0), V(1), select(x < V(0), V(-1), x));
}
template <number V>
NR_DEVICE V square_formula(V x) {
  return mul_formula(x, x);
}
template <floating V>
NR_DEVICE V sqrt_formula(V x) {
  return sqrt(x);
}
template <floating V>
NR_DEVICE V rsqrt_formula(V x) {
  return V(1) / sqrt(x);
}
template <floating V>
NR_DEVICE V reciprocal_formula(V x) {
  return V(1) / x;
}
template <floating V>
NR_DEVICE V exp_formula(V x) {
  return exp(x);
}
template <floating V>
NR_DEVICE V expm1_formula(V x) {
  return expm1(x);
}
template <floating V>
NR_DEVICE V log_formula(V x) {
  return log(x);
}
template <floating V>
NR_DEVICE V log1p_formula(V x) {
  return log1p(x);
}
template <floating V>
NR_DEVICE V sin_formula(V x) {
  return sin(x);
}
template <floating V>
NR_DEVICE V cos_formula(V x) {
  return cos(x);
}
template <floating V>
NR_DEVICE V tanh_formula(V x) {
  return tanh(x);
}
template <floating V>
NR_DEVICE V erf_formula(V x) {
  return erf(x);
}

template <number V>
NR_DEVICE V floor_formula(V x) {
  if constexpr (integer<V>)
    return x;
  else
    return floor(x);
}
template <number V>
NR_DEVICE V ceil_formula(V x) {
  if constexpr (integer<V>)
    return x;
  else
    return ceil(x);
}
template <number V>
NR_DEVICE V round_formula(V x) {  // half to even
  if constexpr (integer<V>)
    return x;
  else
    return round(x);
}
template <number V>
NR_DEVICE V trunc_formula(V x) {
  if constexpr (integer<V>)
    return x;
  else
    return trunc(x);
}
template <number V>
NR_DEVICE V clamp_formula(V x, V low, V high) {
  const V y = select(x < low, low, x);
  return select(y > high, high, y);
}

// The formula of a kernel as a function object, callable exactly on the formula's domain.
#define NR_FORMULA(name) [](auto... v) -> decltype(name##_formula(v...)) { return name##_formula(v...); }

}  // namespace
}  // namespace neurite::NR_ISA
