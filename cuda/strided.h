// Walking several tensors of one shape at once: dimensions that all of them step through alike are merged, and a flat
// position becomes an offset for each of them, by multiplications instead of divisions while positions fit in 32 bits.
#pragma once
#include "backend.h"
#include "simt.h"

namespace neurite::cuda {
namespace {

// Division by a divisor that is known before the launch (Granlund and Montgomery, 1994: division by invariant
// integers).
struct Divisor {
  uint32_t divisor, magic, shift;

  static Divisor of(uint32_t n) {
    uint32_t shift = 0;
    while (shift < 32 && (uint64_t{1} << shift) < n) shift++;
    const uint64_t magic = ((uint64_t{1} << 32) * ((uint64_t{1} << shift) - n)) / n + 1;
    return {n, static_cast<uint32_t>(magic), shift};
  }
  // For x < 2^31.
  __device__ uint32_t divide(uint32_t x) const { return (__umulhi(x, magic) + x) >> shift; }
  // x becomes the remainder.
  __device__ uint32_t split(uint32_t& x) const {
    const uint32_t quotient = divide(x);
    x -= quotient * divisor;
    return quotient;
  }
};

// The same for any divisor and any positions below `end`: by multiplication where both fit.
struct PositionDivisor {
  int64_t divisor;
  Divisor narrow;
  bool is_narrow;

  static PositionDivisor of(int64_t n, int64_t end) {
    const bool is_narrow = n > 0 && n < int64_t{1} << 31 && end <= int64_t{1} << 31;
    return {n, Divisor::of(is_narrow ? static_cast<uint32_t>(n) : 1), is_narrow};
  }
  __device__ int64_t divide(int64_t x) const {
    return is_narrow ? narrow.divide(static_cast<uint32_t>(x)) : x / divisor;
  }
  // x becomes the remainder.
  __device__ int64_t split(int64_t& x) const {
    const int64_t quotient = divide(x);
    x -= quotient * divisor;
    return quotient;
  }
};

inline int64_t numel_of(const nr_tensor& t) {
  int64_t n = 1;
  for (int d = 0; d < t.ndim; d++) n *= t.shape[d];
  return n;
}

inline bool is_contiguous(const nr_tensor& t) {
  int64_t expected = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    if (t.shape[d] != 1 && t.stride[d] != expected) return false;
    expected *= t.shape[d];
  }
  return true;
}

// N tensors of one shape, or broadcast to it by strides of 0. Dimensions count from the last one.
template <int N>
struct Strided {
  int32_t ndim = 0;
  int64_t numel = 1;
  int64_t shape[NR_MAX_DIMS];
  int64_t stride[NR_MAX_DIMS][N];
  Divisor divisors[NR_MAX_DIMS];

  // True if tensor i lies contiguous: then its offset is the position.
  bool contiguous(int i) const { return ndim == 0 || (ndim == 1 && (stride[0][i] == 1 || shape[0] <= 1)); }

  __device__ void offsets(int64_t position, int64_t (&at)[N]) const {
    for (int i = 0; i < N; i++) at[i] = 0;
    if (numel < int64_t{1} << 31) {
      auto left = static_cast<uint32_t>(position);
      for (int d = 0; d < ndim; d++) {
        uint32_t index = left;
        left = divisors[d].split(index);
        for (int i = 0; i < N; i++) at[i] += static_cast<int64_t>(index) * stride[d][i];
      }
    } else {
#pragma unroll 1  // divisions of 64 bits take much code
      for (int d = 0; d < ndim; d++) {
        const int64_t index = position % shape[d];
        position /= shape[d];
        for (int i = 0; i < N; i++) at[i] += index * stride[d][i];
      }
    }
  }
};

template <int N>
Strided<N> strided(const nr_tensor* const (&tensors)[N]) {
  Strided<N> s;
  const nr_tensor& first = *tensors[0];
  for (int d = first.ndim - 1; d >= 0; d--) {
    const int64_t size = first.shape[d];
    s.numel *= size;
    if (size == 1) continue;
    bool merges = s.ndim > 0;
    for (int i = 0; i < N && merges; i++)
      merges = tensors[i]->stride[d] == s.stride[s.ndim - 1][i] * s.shape[s.ndim - 1];
    if (merges) {
      s.shape[s.ndim - 1] *= size;
      continue;
    }
    s.shape[s.ndim] = size;
    for (int i = 0; i < N; i++) s.stride[s.ndim][i] = tensors[i]->stride[d];
    s.ndim++;
  }
  for (int d = 0; d < s.ndim; d++) s.divisors[d] = Divisor::of(static_cast<uint32_t>(s.shape[d] ? s.shape[d] : 1));
  return s;
}

// t over the shape of y, by strides of 0 where it is shorter.
inline nr_tensor broadcast(const nr_tensor& t, const nr_tensor& y) {
  nr_tensor out = y;
  out.data = t.data;
  out.dtype = t.dtype;
  for (int d = 0; d < y.ndim; d++) {
    const int e = d - (y.ndim - t.ndim);
    out.stride[d] = e < 0 || t.shape[e] == 1 ? 0 : t.stride[e];
  }
  return out;
}

// The same elements with the dims in the order of `like`'s strides, the longest first, where their order does not
// matter.
inline nr_tensor in_memory_order_of(const nr_tensor& like, const nr_tensor& t) {
  nr_tensor sorted = t;
  int order[NR_MAX_DIMS];
  const auto length = [&](int d) { return like.stride[d] < 0 ? -like.stride[d] : like.stride[d]; };
  for (int d = 0; d < t.ndim; d++) {
    int at = d;
    for (; at > 0 && length(order[at - 1]) < length(d); at--) order[at] = order[at - 1];
    order[at] = d;
  }
  for (int d = 0; d < t.ndim; d++) {
    sorted.shape[d] = t.shape[order[d]];
    sorted.stride[d] = t.stride[order[d]];
  }
  return sorted;
}
inline nr_tensor in_memory_order(const nr_tensor& t) {
  return in_memory_order_of(t, t);
}

}  // namespace
}  // namespace neurite::cuda
