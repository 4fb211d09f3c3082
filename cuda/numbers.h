// 16-bit floats and what they are computed in, rounding to tf32, a fast 2^x, and conversion between any two element
// types.
#pragma once
#include <limits>
#include <type_traits>

#include "backend.h"
#include "simt.h"
#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#else
#include <bit>
#include <cmath>
#endif

namespace neurite::cuda {
namespace {

#if defined(__CUDACC__)
__host__ __device__ inline float to_float(nr_f16 x) {
  return __half2float(__ushort_as_half(x.bits));
}
__host__ __device__ inline float to_float(nr_bf16 x) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16);
}
__host__ __device__ inline nr_f16 to_f16(float x) {
  return {__half_as_ushort(__float2half_rn(x))};
}
__host__ __device__ inline nr_bf16 to_bf16(float x) {
  return {__bfloat16_as_ushort(__float2bfloat16_rn(x))};
}
// Rounded to the 10 bits of mantissa that tf32 products read.
__device__ inline uint32_t to_tf32(float x) {
#if __CUDA_ARCH__ >= 800
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
#else
  return __float_as_uint(x);
#endif
}
// Two floats as two 16-bit ones, the first in the lower half.
template <class T>
__device__ inline uint32_t to_halves(float first, float second) {
  if constexpr (std::is_same_v<T, nr_f16>) {
    const __half2 pair = __floats2half2_rn(first, second);
    return reinterpret_cast<const uint32_t&>(pair);
  } else {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
    return reinterpret_cast<const uint32_t&>(pair);
  }
}
// 2^x to two units in the last place, without subnormal results: one instruction.
__device__ inline float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
#else
inline float to_float(nr_f16 x) {
  return static_cast<float>(std::bit_cast<_Float16>(x.bits));
}
inline float to_float(nr_bf16 x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16);
}
inline nr_f16 to_f16(float x) {
  return {std::bit_cast<uint16_t>(static_cast<_Float16>(x))};
}
inline nr_bf16 to_bf16(float x) {  // to nearest, ties to even
  const auto bits = std::bit_cast<uint32_t>(x);
  if (x != x) return {static_cast<uint16_t>(bits >> 16 | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
template <class T>
inline uint32_t to_halves(float first, float second) {
  if constexpr (std::is_same_v<T, nr_f16>)
    return to_f16(first).bits | static_cast<uint32_t>(to_f16(second).bits) << 16;
  else
    return to_bf16(first).bits | static_cast<uint32_t>(to_bf16(second).bits) << 16;
}
inline float fast_exp2(float x) {
  return std::exp2(x);
}
inline uint32_t to_tf32(float x) {  // to nearest, ties away from zero
  const auto bits = std::bit_cast<uint32_t>(x);
  return x != x || (bits & 0x7f800000) == 0x7f800000 ? bits : (bits + 0x1000) & ~0x1fffu;
}
#endif

template <class T>
constexpr bool is_half = std::is_same_v<T, nr_f16> || std::is_same_v<T, nr_bf16>;
template <class T>
constexpr bool is_floating = is_half<T> || std::is_floating_point_v<T>;

// What an element is computed in: 16-bit floats in float, everything else in itself.
template <class T>
using compute_of = std::conditional_t<is_half<T>, float, T>;

// What sums of products of elements are made in: integers wrap, which only unsigned ones may.
template <class T, bool is_integer = std::is_integral_v<T>>
struct Sums {
  using type = compute_of<T>;
};
template <class T>
struct Sums<T, true> {
  using type = std::make_unsigned_t<T>;
};
template <class T>
using sum_of = typename Sums<T>::type;

template <class T>
__host__ __device__ inline compute_of<T> computed(T x) {
  if constexpr (is_half<T>)
    return to_float(x);
  else
    return x;
}

// x as an element of type T: floats to integers truncate, stay in T's range and make NaN 0; integers wrap; numbers to
// bool are true unless 0.
template <class T, class From>
__host__ __device__ inline T convert(From x) {
  if constexpr (std::is_same_v<T, From>)
    return x;
  else if constexpr (is_half<From>)
    return convert<T>(to_float(x));
  else if constexpr (std::is_same_v<T, nr_f16>)
    return to_f16(static_cast<float>(x));
  else if constexpr (std::is_same_v<T, nr_bf16>)
    return to_bf16(static_cast<float>(x));
  else if constexpr (std::is_same_v<T, bool>)
    return x != From(0);
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<T>) {
    constexpr T largest = std::numeric_limits<T>::max(), smallest = std::numeric_limits<T>::min();
    constexpr From end = From(uint64_t{1} << (std::numeric_limits<T>::digits - 1)) * 2;  // largest + 1, exactly
    if (x != x) return 0;
    if (x >= end) return largest;
    return x <= From(smallest) ? smallest : static_cast<T>(x);
  } else
    return static_cast<T>(x);
}

// The value of a scalar as an element of type T.
template <class T>
T from_scalar(nr_scalar s) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
    return s.is_integer ? static_cast<T>(s.i) : convert<T>(s.f);
  else
    return convert<T>(s.f);
}

}  // namespace
}  // namespace neurite::cuda
