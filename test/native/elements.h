// Elements of any dtype as doubles, and the tolerances that go with a dtype, for tests that compare with float64
// references. The 16-bit conversions are the plain definitions, independent of the kernels'.
#pragma once
#include <cmath>
#include <cstring>

#include "harness.h"

namespace harness {

inline double get(const nr_tensor& t, int64_t i) {
  switch (t.dtype) {
    case nr_dtype_f32:
      return static_cast<const float*>(t.data)[i];
    case nr_dtype_f64:
      return static_cast<const double*>(t.data)[i];
    case nr_dtype_i8:
      return static_cast<const int8_t*>(t.data)[i];
    case nr_dtype_u8:
      return static_cast<const uint8_t*>(t.data)[i];
    case nr_dtype_bool8:
      return static_cast<const bool*>(t.data)[i];
    case nr_dtype_i32:
      return static_cast<const int32_t*>(t.data)[i];
    case nr_dtype_i64:
      return static_cast<double>(static_cast<const int64_t*>(t.data)[i]);
    case nr_dtype_bf16: {
      const uint32_t bits = static_cast<uint32_t>(static_cast<const nr_bf16*>(t.data)[i].bits) << 16;
      float f;
      std::memcpy(&f, &bits, 4);
      return f;
    }
    default: {  // f16
      const uint16_t h = static_cast<const nr_f16*>(t.data)[i].bits;
      const int exponent = h >> 10 & 31, fraction = h & 1023;
      const double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                               : exponent == 0 ? std::ldexp(fraction, -24)
                                               : std::ldexp(1024 + fraction, exponent - 25);
      return h >> 15 ? -magnitude : magnitude;
    }
  }
}

// Stores x; 16-bit floats truncate, which is enough to make inputs.
inline void put(const nr_tensor& t, int64_t i, double x) {
  switch (t.dtype) {
    case nr_dtype_f32:
      static_cast<float*>(t.data)[i] = static_cast<float>(x);
      break;
    case nr_dtype_f64:
      static_cast<double*>(t.data)[i] = x;
      break;
    case nr_dtype_i8:
      static_cast<int8_t*>(t.data)[i] = static_cast<int8_t>(x);
      break;
    case nr_dtype_u8:
      static_cast<uint8_t*>(t.data)[i] = static_cast<uint8_t>(static_cast<int64_t>(x));
      break;
    case nr_dtype_bool8:
      static_cast<bool*>(t.data)[i] = x != 0;
      break;
    case nr_dtype_i32:
      static_cast<int32_t*>(t.data)[i] = static_cast<int32_t>(x);
      break;
    case nr_dtype_i64:
      static_cast<int64_t*>(t.data)[i] = static_cast<int64_t>(x);
      break;
    case nr_dtype_bf16: {
      const float f = static_cast<float>(x);
      uint32_t bits;
      std::memcpy(&bits, &f, 4);
      static_cast<nr_bf16*>(t.data)[i].bits = static_cast<uint16_t>(bits >> 16);
      break;
    }
    default: {  // f16
      uint16_t bits = std::signbit(x) ? 0x8000 : 0;
      int exponent;
      const double mantissa = std::frexp(std::abs(x), &exponent);  // in [0.5, 1)
      if (std::isnan(x)) {
        bits |= 0x7e00;
      } else if (std::abs(x) >= 65536) {
        bits |= 0x7c00;
      } else if (exponent < -13) {
        bits |= static_cast<uint16_t>(std::ldexp(std::abs(x), 24));
      } else {
        bits |= static_cast<uint16_t>((exponent + 14) << 10 | (static_cast<int>(mantissa * 2048) & 1023));
      }
      static_cast<nr_f16*>(t.data)[i].bits = bits;
    }
  }
}

// Relative error of storing a result.
inline double rounding_error(int32_t dtype) {
  if (dtype == nr_dtype_f32 && uses_tf32()) return 0x1p-10;
  return dtype == nr_dtype_f16 ? 0x1p-10 : dtype == nr_dtype_bf16 ? 0x1p-7 : dtype == nr_dtype_f32 ? 0x1p-22 : 0x1p-50;
}

// Error of a sum of n products, relative to the sum of their magnitudes.
inline double accumulation_error(int32_t dtype, int64_t n) {
  if (dtype == nr_dtype_f32 && uses_tf32()) return 0x1p-10;  // of each product
  if (dtype == nr_dtype_i32 || dtype == nr_dtype_i64) return 0;
  return (dtype == nr_dtype_f64 ? 0x1p-52 : 0x1p-23) * (4 + std::sqrt(static_cast<double>(n)));
}

// What an epilogue makes of a sum.
inline double activated(int64_t activation, double z) {
  const double sigmoid = 1 / (1 + std::exp(-z));
  switch (activation) {
    case nr_activation_relu:
      return std::max(z, 0.0);
    case nr_activation_gelu:
      return z / 2 * (1 + std::erf(z * M_SQRT1_2));
    case nr_activation_gelu_tanh:
      return z / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (z + 0.044715 * z * z * z)));
    case nr_activation_silu:
      return z * sigmoid;
    case nr_activation_tanh:
      return std::tanh(z);
    case nr_activation_sigmoid:
      return sigmoid;
    default:
      return z;
  }
}

}  // namespace harness
