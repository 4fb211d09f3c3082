// Elements as records: a key whose unsigned order is the order of sort, above the element's position. Positions make
// records distinct, so that any way of sorting them is stable. Short arrays are ranked (a record's place is the number
// of smaller ones), longer ones take a radix sort by bytes, lowest first, which skips bytes that all keys share.
#pragma once
#include "cpu/dtype.h"

namespace neurite::NR_ISA {
namespace {

template <int bytes>
struct unsigned_of;
template <>
struct unsigned_of<1> {
  using type = uint8_t;
};
template <>
struct unsigned_of<2> {
  using type = uint16_t;
};
template <>
struct unsigned_of<4> {
  using type = uint32_t;
};
template <>
struct unsigned_of<8> {
  using type = uint64_t;
};
template <class T>
using key_t = typename unsigned_of<sizeof(T)>::type;

template <class T>
using record_t = std::conditional_t<sizeof(T) == 8, unsigned __int128, uint64_t>;

template <class R>
inline constexpr int position_bits = sizeof(R) * 4;

template <class R>
inline R make_record(uint64_t key, int64_t position) {
  return static_cast<R>(key) << position_bits<R> | static_cast<R>(position);
}
template <class R>
inline int64_t position_of(R record) {
  return static_cast<int64_t>(record & ((R(1) << position_bits<R>)-1));
}

// Keys in ascending order; NaN is the greatest, both zeros are equal.
template <class T>
inline key_t<T> key_of(const T& x) {
  using K = key_t<T>;
  constexpr K sign = static_cast<K>(K(1) << (sizeof(K) * 8 - 1));
  K bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  if constexpr (is_float_type<T>) {
    constexpr int fraction_bits = sizeof(T) == 8 ? 52 : sizeof(T) == 4 ? 23 : std::is_same_v<T, nr_f16> ? 10 : 7;
    constexpr K infinity = static_cast<K>(static_cast<K>(sign - 1) >> fraction_bits << fraction_bits);
    const K size = static_cast<K>(bits & (sign - 1));
    const K key = bits == size || size == 0 ? static_cast<K>(size | sign) : static_cast<K>(~bits);
    return size > infinity ? static_cast<K>(-1) : key;
  } else {
    return std::is_signed_v<T> ? static_cast<K>(bits ^ sign) : bits;
  }
}

// `turned`: all ones for descending order, else 0.
template <class T>
inline void load_keys(key_t<T>* keys, const T* x, int64_t n, key_t<T> turned) {
  for (int64_t i = 0; i < n; i++) keys[i] = static_cast<key_t<T>>(key_of(x[i]) ^ turned);
}

template <class T>
inline void load_records(record_t<T>* out, const T* x, int64_t first, int64_t n, bool descending) {
  const auto turned = static_cast<key_t<T>>(descending ? -1 : 0);
  for (int64_t i = 0; i < n; i++)
    out[i] = make_record<record_t<T>>(static_cast<key_t<T>>(key_of(x[first + i]) ^ turned), first + i);
}

template <class R>
inline void rank_records(const R* a, R* sorted, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const R r = a[i];
    uint64_t place = 0;
    for (int64_t j = 0; j < n; j++) place += a[j] < r;
    sorted[place] = r;
  }
}

// Sorts the n records at `a`; the result is there or at `spare`, which has as much room.
template <class R>
inline R* sort_records(R* a, R* spare, int64_t n) {
  if (n <= (sizeof(R) == 8 ? 48 : 16)) {
    rank_records(a, spare, n);
    return spare;
  }
  constexpr int digits = position_bits<R> / 8;
  const auto digit = [](R record, int d) { return static_cast<uint8_t>(record >> (position_bits<R> + 8 * d)); };
  int64_t place[digits][256] = {};
  for (int64_t i = 0; i < n; i++)
    for (int d = 0; d < digits; d++) place[d][digit(a[i], d)]++;
  for (int d = 0; d < digits; d++) {
    if (place[d][digit(a[0], d)] == n) continue;
    int64_t sum = 0;
    for (int64_t& p : place[d]) {
      const int64_t count = p;
      p = sum;
      sum += count;
    }
    for (int64_t i = 0; i < n; i++) spare[place[d][digit(a[i], d)]++] = a[i];
    R* const sorted = spare;
    spare = a;
    a = sorted;
  }
  return a;
}

// The elements that sorted records stand for, and where they were.
template <class T>
inline void store_records(const record_t<T>* sorted, const T* x, T* values, int64_t* index, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    index[i] = position_of(sorted[i]);
    values[i] = x[index[i]];
  }
}

// t with `dim` moved to the end.
inline nr_tensor with_dim_last(nr_tensor t, int64_t dim) {
  const int64_t n = t.shape[dim], stride = t.stride[dim];
  for (int64_t d = dim; d < t.ndim - 1; d++) {
    t.shape[d] = t.shape[d + 1];
    t.stride[d] = t.stride[d + 1];
  }
  t.shape[t.ndim - 1] = n;
  t.stride[t.ndim - 1] = stride;
  return t;
}

}  // namespace
}  // namespace neurite::NR_ISA
