// Atomics, bits, fences and the arithmetic that only device code has. Threads switch at barriers and exchanges alone,
// so that a plain operation is atomic here.
#pragma once
#include <bit>
#include <cmath>
#include <cstring>

#include "block.h"
#include "race.h"

#define SIMT_UNCHECKED __attribute__((no_sanitize("thread"))) inline

namespace simt {

template <class T, class F>
SIMT_UNCHECKED T update(T* address, F change) {
  if (reinterpret_cast<uintptr_t>(address) % sizeof(T) != 0)
    fail("an atomic on %p, which is not aligned", (void*)address);
  race::atomic(address, sizeof(T));
  const T before = *address;
  *address = change(before);
  return before;
}

}  // namespace simt

template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return simt::update(address, [value](T x) { return static_cast<T>(x + value); });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return simt::update(address, [value](T x) { return x > value ? x : value; });
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return simt::update(address, [value](T x) { return x < value ? x : value; });
}
template <class T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return simt::update(address, [value](T x) { return x | value; });
}
template <class T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return simt::update(address, [value](T x) { return x & value; });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return simt::update(address, [value](T) { return value; });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> compare, std::type_identity_t<T> value) {
  return simt::update(address, [=](T x) { return x == compare ? value : x; });
}

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
template <class T>
T __ldg(const T* address) {
  return *address;
}

inline int __popc(uint32_t x) {
  return std::popcount(x);
}
inline int __popcll(uint64_t x) {
  return std::popcount(x);
}
inline int __clz(int x) {
  return std::countl_zero(static_cast<uint32_t>(x));
}
inline int __clzll(int64_t x) {
  return std::countl_zero(static_cast<uint64_t>(x));
}
inline int __ffs(int x) {
  return x ? std::countr_zero(static_cast<uint32_t>(x)) + 1 : 0;
}
inline uint32_t __umulhi(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(uint64_t{a} * b >> 32);
}
inline uint64_t __umul64hi(uint64_t a, uint64_t b) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
}
inline uint32_t __brev(uint32_t x) {
  uint32_t y = 0;
  for (int i = 0; i < 32; i++) y |= (x >> i & 1) << (31 - i);
  return y;
}
inline uint32_t __float_as_uint(float x) {
  return std::bit_cast<uint32_t>(x);
}
inline float __uint_as_float(uint32_t x) {
  return std::bit_cast<float>(x);
}
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline int64_t __double_as_longlong(double x) {
  return std::bit_cast<int64_t>(x);
}
inline double __longlong_as_double(int64_t x) {
  return std::bit_cast<double>(x);
}

inline float __expf(float x) {
  return std::exp(x);
}
inline float __logf(float x) {
  return std::log(x);
}
inline float __fdividef(float a, float b) {
  return a / b;
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline float __frcp_rn(float x) {
  return 1 / x;
}
inline float __fsqrt_rn(float x) {
  return std::sqrt(x);
}
inline float rsqrtf(float x) {
  return 1 / std::sqrt(x);
}
inline double rsqrt(double x) {
  return 1 / std::sqrt(x);
}
inline void __nanosleep(unsigned) {
  simt::yield();
}
