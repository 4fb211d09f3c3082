// One logical tensor in every memory layout a kernel may meet, filled and read by flat (row-major) position.
#pragma once
#include <algorithm>

#include "elements.h"
#include "harness.h"

namespace harness {

enum class Layout { dense, transposed, spaced, reversed, broadcast };

inline const char* name_of(Layout l) {
  static const char* const names[] = {"dense", "transposed", "spaced", "reversed", "broadcast"};
  return names[static_cast<int>(l)];
}

inline int64_t offset_of(const nr_tensor& t, int64_t flat) {
  int64_t offset = 0;
  for (int d = t.ndim - 1; d >= 0; d--) {
    offset += flat % t.shape[d] * t.stride[d];
    flat /= t.shape[d];
  }
  return offset;
}
inline double at(const nr_tensor& t, int64_t flat) {
  return get(t, offset_of(t, flat));
}
inline void set(const nr_tensor& t, int64_t flat, double x) {
  put(t, offset_of(t, flat), x);
}

inline Array make(const std::vector<int64_t>& shape, int32_t dtype, Layout layout) {
  Array a(shape, dtype);
  nr_tensor& t = a.t;
  int64_t spacing = 1, stride = 1;
  if (layout == Layout::spaced) spacing = 3;
  std::vector<int> order;
  for (int d = t.ndim - 1; d >= 0; d--) order.push_back(d);
  if (layout == Layout::transposed) std::reverse(order.begin(), order.end());
  for (int d : order) {
    t.stride[d] = stride * spacing;
    stride *= t.shape[d];
  }
  if (layout == Layout::spaced) {
    const auto bytes = static_cast<size_t>(std::max<int64_t>(3 * a.numel - 2, 0) * element_size(dtype));
    a.memory.reset(allocate(bytes), std::free);
    std::memset(a.memory.get(), 1, bytes);
    t.data = a.memory.get();
  }
  if (layout == Layout::reversed && a.numel > 0) {
    t.data = static_cast<char*>(t.data) + (a.numel - 1) * element_size(dtype);
    for (int d = 0; d < t.ndim; d++) t.stride[d] = -t.stride[d];
  }
  if (layout == Layout::broadcast && t.ndim > 0) t.stride[0] = 0;
  return a;
}

inline const std::vector<Layout> readable = {Layout::dense, Layout::transposed, Layout::spaced, Layout::reversed,
                                             Layout::broadcast};
inline const std::vector<Layout> writable = {Layout::dense, Layout::transposed, Layout::spaced, Layout::reversed};

// Values in [low, high], small integers for integer dtypes.
inline void randomize(const Array& a, uint32_t seed, double low = -4, double high = 4) {
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> draw(low, high);
  for (int64_t i = 0; i < a.numel; i++) set(a.t, i, draw(rng));
}

// Equal, both NaN, or apart by no more than the dtype's rounding of a value of this size.
inline bool close(double got, double expected, int32_t dtype, double scale = 0) {
  if (std::isnan(expected) || std::isnan(got)) return std::isnan(expected) && std::isnan(got);
  if (got == expected) return true;
  const double largest = dtype == nr_dtype_f16 ? 65504 : dtype == nr_dtype_f64 ? 1.7e308 : 3.38e38;
  if (std::isinf(got)) return std::abs(expected) >= largest && (got > 0) == (expected > 0);
  const double smallest = dtype == nr_dtype_f16 ? 0x1p-23 : dtype == nr_dtype_bf16 ? 0x1p-132 : 0x1p-146;
  return std::abs(got - expected) <= rounding_error(dtype) * (std::abs(expected) + scale) + smallest;
}

}  // namespace harness
