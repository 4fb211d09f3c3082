// Barriers, exchanges between the lanes of a warp, votes.
#pragma once
#include <cstring>

#include "block.h"

#define __syncthreads() ::simt::block_barrier()
#define __syncthreads_or(value) ::simt::block_barrier_or(value)
#define __syncthreads_and(value) ::simt::block_barrier_and(value)
#define __syncthreads_count(value) ::simt::block_barrier_count(value)

namespace simt {

inline void block_barrier(Place at = Place::current()) {
  barrier(0, 0, 0, true, at);
}
inline int block_barrier_count(int value, Place at = Place::current()) {
  return barrier(0, 0, value != 0, true, at);
}
inline int block_barrier_or(int value, Place at = Place::current()) {
  return barrier(0, 0, value != 0, true, at) > 0;
}
inline int block_barrier_and(int value, Place at = Place::current()) {
  return barrier(0, 0, value == 0, true, at) == 0;
}

// What the lanes of a warp exchange: a value of up to eight bytes and the lane that each one asks.
struct Shuffle {
  uint64_t value, result;
  int source;
};
void perform_shuffle(Exchange& e);

template <class T>
T shuffle(uint32_t mask, const char* what, T value, int source, Place at) {
  static_assert(sizeof(T) <= 8);
  Shuffle s{0, 0, source};
  std::memcpy(&s.value, &value, sizeof value);
  exchange(mask, what, &s, perform_shuffle, at);
  T result;
  std::memcpy(&result, &s.result, sizeof result);
  return result;
}

struct Vote {
  uint32_t value, result;
};
void perform_ballot(Exchange& e);

inline uint32_t ballot(uint32_t mask, const char* what, bool value, Place at) {
  Vote vote{value, 0};
  exchange(mask, what, &vote, perform_ballot, at);
  return vote.result;
}

}  // namespace simt

inline void __syncwarp(uint32_t mask = 0xffffffff, simt::Place at = simt::Place::current()) {
  simt::exchange(mask, "__syncwarp", nullptr, nullptr, at);
}
template <class T>
T __shfl_sync(uint32_t mask, T value, int source, int width = 32, simt::Place at = simt::Place::current()) {
  const int lane = simt::self->lane;
  return simt::shuffle(mask, "__shfl_sync", value, (lane & ~(width - 1)) | (source & (width - 1)), at);
}
template <class T>
T __shfl_xor_sync(uint32_t mask, T value, int bits, int width = 32, simt::Place at = simt::Place::current()) {
  const int lane = simt::self->lane, source = lane ^ bits;
  return simt::shuffle(mask, "__shfl_xor_sync", value, source / width == lane / width ? source : lane, at);
}
template <class T>
T __shfl_down_sync(uint32_t mask, T value, int delta, int width = 32, simt::Place at = simt::Place::current()) {
  const int lane = simt::self->lane, source = lane + delta;
  return simt::shuffle(mask, "__shfl_down_sync", value, source / width == lane / width ? source : lane, at);
}
template <class T>
T __shfl_up_sync(uint32_t mask, T value, int delta, int width = 32, simt::Place at = simt::Place::current()) {
  const int lane = simt::self->lane, source = lane - delta;
  return simt::shuffle(mask, "__shfl_up_sync", value, source >= (lane & ~(width - 1)) ? source : lane, at);
}
inline uint32_t __ballot_sync(uint32_t mask, int value, simt::Place at = simt::Place::current()) {
  return simt::ballot(mask, "__ballot_sync", value != 0, at);
}
inline int __any_sync(uint32_t mask, int value, simt::Place at = simt::Place::current()) {
  return simt::ballot(mask, "__any_sync", value != 0, at) != 0;
}
inline int __all_sync(uint32_t mask, int value, simt::Place at = simt::Place::current()) {
  return simt::ballot(mask, "__all_sync", value == 0, at) == 0;
}

// Barrier `id` (1 to 15) among `threads` threads, a multiple of 32; arriving does not wait.
inline void named_barrier_sync(int id, int threads, simt::Place at = simt::Place::current()) {
  simt::barrier(id, threads, 0, true, at);
}
// The lanes of a warp arrive together.
inline void named_barrier_arrive(int id, int threads, simt::Place at = simt::Place::current()) {
  simt::barrier(id, threads, 0, false, at);
  simt::exchange(0xffffffff, "named_barrier_arrive", nullptr, nullptr, at);
}
