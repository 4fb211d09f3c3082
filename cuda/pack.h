// N elements that are loaded and stored as one: 4, 8 or 16 bytes at an address aligned to as many.
#pragma once
#include "simt.h"

namespace neurite::cuda {
namespace {

template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T at[N];
};

// As many elements of T as fit into 16 bytes.
template <class T>
constexpr int pack_size = 16 / static_cast<int>(sizeof(T));

template <class T, int N>
__device__ inline Pack<T, N> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <class T, int N>
__device__ inline void store_pack(T* to, const Pack<T, N>& pack) {
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

inline bool is_aligned(const void* address, size_t bytes) {
  return reinterpret_cast<uintptr_t>(address) % bytes == 0;
}

}  // namespace
}  // namespace neurite::cuda
