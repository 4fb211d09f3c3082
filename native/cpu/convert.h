// Dense arrays from one element type to another. Floats go through vectors; the rest are plain loops over convert().
#pragma once
#include "cpu/dtype.h"

namespace neurite::NR_ISA {
namespace {

template <class To, class From>
inline void convert_row(To* __restrict y, const From* __restrict x, int64_t n) {
  if constexpr (std::is_same_v<To, From>) {
    __builtin_memcpy(y, x, static_cast<size_t>(n) * sizeof(To));
  } else if constexpr (std::is_same_v<vector_t<To>, vf> && std::is_same_v<vector_t<From>, vf>) {
    int64_t i = 0;
    for (; i + vf::width <= n; i += vf::width) store(y + i, load<vf>(x + i));
    if (i < n) store(y + i, load<vf>(x + i, n - i), n - i);
  } else if constexpr (is_half<To> || is_half<From>) {
    constexpr int64_t block = 256;  // the 16-bit side by vectors, through float
    alignas(64) float lanes[block];
    for (int64_t i = 0; i < n; i += block) {
      const int64_t m = i + block < n ? block : n - i;
      convert_row(lanes, x + i, m);
      convert_row(y + i, lanes, m);
    }
  } else {
    for (int64_t i = 0; i < n; i++) y[i] = convert<To>(x[i]);
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
