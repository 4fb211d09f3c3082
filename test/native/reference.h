// What the tests of kernels share beyond the harness: arrays of any dtype and layout, their values as doubles, and
// comparison with a float64 reference within a tolerance per dtype.
#pragma once
#include "harness.h"

namespace harness {

inline const char* dtype_name(int32_t dtype) {
  static const char* const names[] = {
#define NR_DTYPE(tag, name, type) name,
#include "dtypes.def"
  };
  return names[dtype];
}

inline std::string text(const std::vector<int64_t>& shape) {
  std::string s = "[";
  for (int64_t n : shape) s += (s.size() > 1 ? ", " : "") + std::to_string(n);
  return s + "]";
}

inline double half_value(uint16_t bits, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits;
  const int exponent = (bits & 0x7fff) >> fraction_bits, bias = (1 << (exponent_bits - 1)) - 1;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  double v;
  if (exponent == (1 << exponent_bits) - 1)
    v = fraction ? NAN : INFINITY;
  else if (exponent == 0)
    v = std::ldexp(fraction, 1 - bias - fraction_bits);
  else
    v = std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  return bits & 0x8000 ? -v : v;
}

inline double get(const nr_tensor& t, int64_t offset) {
  switch (t.dtype) {
    case nr_dtype_f16:
      return half_value(static_cast<uint16_t*>(t.data)[offset], 5);
    case nr_dtype_bf16:
      return half_value(static_cast<uint16_t*>(t.data)[offset], 8);
    case nr_dtype_f32:
      return static_cast<float*>(t.data)[offset];
    case nr_dtype_f64:
      return static_cast<double*>(t.data)[offset];
    case nr_dtype_i8:
      return static_cast<int8_t*>(t.data)[offset];
    case nr_dtype_i32:
      return static_cast<int32_t*>(t.data)[offset];
    case nr_dtype_i64:
      return static_cast<double>(static_cast<int64_t*>(t.data)[offset]);
    default:
      return static_cast<uint8_t*>(t.data)[offset];
  }
}

inline void put(const nr_tensor& t, int64_t offset, double v) {
  const auto truncated = [](float f) { return static_cast<uint16_t>(__builtin_bit_cast(uint32_t, f) >> 16); };
  switch (t.dtype) {
    case nr_dtype_f16: {  // only for values that are normal in float16; truncates
      const uint32_t bits = __builtin_bit_cast(uint32_t, static_cast<float>(v));
      const int exponent = static_cast<int>(bits >> 23 & 0xff) - 112;
      static_cast<uint16_t*>(t.data)[offset] = static_cast<uint16_t>(
          (bits >> 16 & 0x8000) | (exponent <= 0 ? 0 : static_cast<uint32_t>(exponent) << 10 | (bits >> 13 & 0x3ff)));
      break;
    }
    case nr_dtype_bf16:
      static_cast<uint16_t*>(t.data)[offset] = truncated(static_cast<float>(v));
      break;
    case nr_dtype_f32:
      static_cast<float*>(t.data)[offset] = static_cast<float>(v);
      break;
    case nr_dtype_f64:
      static_cast<double*>(t.data)[offset] = v;
      break;
    case nr_dtype_i8:
      static_cast<int8_t*>(t.data)[offset] = static_cast<int8_t>(v);
      break;
    case nr_dtype_i32:
      static_cast<int32_t*>(t.data)[offset] = static_cast<int32_t>(v);
      break;
    case nr_dtype_i64:
      static_cast<int64_t*>(t.data)[offset] = static_cast<int64_t>(v);
      break;
    default:
      static_cast<uint8_t*>(t.data)[offset] = static_cast<uint8_t>(v);
  }
}

// Calls f(offset) for every element in row-major order.
template <class F>
void each_offset(const nr_tensor& t, const F& f) {
  int64_t n = 1;
  for (int d = 0; d < t.ndim; d++) n *= t.shape[d];
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = i, offset = 0;
    for (int d = t.ndim - 1; d >= 0; d--) {
      offset += rest % t.shape[d] * t.stride[d];
      rest /= t.shape[d];
    }
    f(offset);
  }
}

inline std::vector<double> values(const Array& a) {
  std::vector<double> v;
  v.reserve(static_cast<size_t>(a.numel));
  each_offset(a.t, [&](int64_t offset) { v.push_back(get(a.t, offset)); });
  return v;
}

enum class Layout { contiguous, transposed, reversed, broadcast };

// An array of the shape whose memory has another layout: dims in reverse order, a negative stride in the last dim, or
// the first dim repeated.
inline Array arranged(std::vector<int64_t> shape, int32_t dtype, Layout layout) {
  Array a(shape, dtype);
  nr_tensor& t = a.t;
  if (a.numel == 0 || t.ndim == 0) return a;
  if (layout == Layout::transposed) {
    int64_t n = 1;
    for (int d = 0; d < t.ndim; d++) {
      t.stride[d] = n;
      n *= t.shape[d];
    }
  } else if (layout == Layout::reversed) {
    t.data = static_cast<char*>(t.data) + (t.shape[t.ndim - 1] - 1) * element_size(dtype);
    t.stride[t.ndim - 1] = -1;
  } else if (layout == Layout::broadcast) {
    t.stride[0] = 0;
  }
  return a;
}

inline Array random(std::vector<int64_t> shape, int32_t dtype = nr_dtype_f32, Layout layout = Layout::contiguous,
                    uint32_t seed = 1, double low = -1, double high = 1) {
  Array a = arranged(std::move(shape), dtype, layout);
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> draw(low, high);
  each_offset(a.t, [&](int64_t offset) { put(a.t, offset, draw(rng)); });
  return a;
}

inline double tolerance(int32_t dtype) {
  if (dtype == nr_dtype_f32 && uses_tf32()) return 0x1p-10;
  return dtype == nr_dtype_f64 ? 1e-12 : dtype == nr_dtype_f32 ? 4e-6 : dtype == nr_dtype_f16 ? 1.5e-3 : 1e-2;
}

// |actual - expected| <= scale · tolerance · (1 + |expected|); NaN equals NaN, infinities must agree.
inline void expect_close(const Array& actual, const std::vector<double>& expected, const std::string& what,
                         double scale = 1) {
  const auto got = values(actual);
  CHECK(got.size() == expected.size(), "%s", what.c_str());
  size_t bad = got.size();
  for (size_t i = 0; i < got.size() && bad == got.size(); i++) {
    const double g = got[i], e = expected[i];
    const bool same = g == e || (std::isnan(g) && std::isnan(e));
    if (!same && !(std::fabs(g - e) <= scale * tolerance(actual.t.dtype) * (1 + std::fabs(e)))) bad = i;
  }
  CHECK(bad == got.size(), "%s: element %zu: got %.9g, expected %.9g", what.c_str(), bad, got[bad], expected[bad]);
}

// run(ctx) gives an Array; its bits must be the same with 1, 2 and 3 threads.
template <class F>
void expect_same_for_threads(const F& run) {
  if (left_out("the same bits for any number of threads")) return;
  Context one(1), two(2), three(3);
  const auto a = values(run(one)), b = values(run(two)), c = values(run(three));
  CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0, "1 and 2 threads differ");
  CHECK(std::memcmp(a.data(), c.data(), a.size() * sizeof(double)) == 0, "1 and 3 threads differ");
}

}  // namespace harness
