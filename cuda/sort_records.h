// Elements as records: a key whose unsigned order is the order of sort, and the element's position. Positions make
// records distinct, so that any way of sorting them is stable.
#pragma once
#include <type_traits>

#include "numbers.h"

namespace neurite::cuda {
namespace {

template <class K>
struct WideRecord {
  K key;
  uint64_t position;
  __device__ bool operator<(const WideRecord& b) const {
    return key < b.key || (key == b.key && position < b.position);
  }
};

// Keys of up to 32 bits share a word with their position.
template <class T>
using record_of = std::conditional_t<sizeof(T) == 8, WideRecord<uint64_t>, uint64_t>;

template <class R>
__device__ inline R make_record(uint64_t key, int64_t position) {
  if constexpr (std::is_same_v<R, uint64_t>)
    return key << 32 | static_cast<uint64_t>(position);
  else
    return {key, static_cast<uint64_t>(position)};
}
template <class R>
__device__ inline int64_t position_of(const R& record) {
  if constexpr (std::is_same_v<R, uint64_t>)
    return static_cast<int64_t>(record & 0xffffffff);
  else
    return static_cast<int64_t>(record.position);
}
// No record comes after it.
template <class R>
__device__ inline R last_record() {
  if constexpr (std::is_same_v<R, uint64_t>)
    return ~uint64_t{0};
  else
    return {~uint64_t{0}, ~uint64_t{0}};
}

template <class T>
using key_of_type = std::conditional_t<
    sizeof(T) == 1, uint8_t,
    std::conditional_t<sizeof(T) == 2, uint16_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

// Keys in ascending order; NaN is the greatest, both zeros are equal.
template <class T>
__device__ inline key_of_type<T> key_of(const T& x) {
  using K = key_of_type<T>;
  constexpr K sign = static_cast<K>(K(1) << (sizeof(K) * 8 - 1));
  const K bits = __builtin_bit_cast(K, x);
  if constexpr (is_floating<T>) {
    constexpr int fraction_bits = sizeof(T) == 8 ? 52 : sizeof(T) == 4 ? 23 : std::is_same_v<T, nr_f16> ? 10 : 7;
    constexpr K infinity = static_cast<K>(static_cast<K>(sign - 1) >> fraction_bits << fraction_bits);
    const K size = static_cast<K>(bits & (sign - 1));
    const K key = bits == size || size == 0 ? static_cast<K>(size | sign) : static_cast<K>(~bits);
    return size > infinity ? static_cast<K>(-1) : key;
  } else {
    return std::is_signed_v<T> ? static_cast<K>(bits ^ sign) : bits;
  }
}

}  // namespace
}  // namespace neurite::cuda
