// Random integers, two words each: scaled from 64 bits to their range by a multiplication (see scale_to).
//
// randperm is the result of the inside-out Fisher-Yates shuffle, in which step i = 0, 1, … draws j in [0, i] and does
// y[i] = y[j], y[j] = i. What y[q] holds before step t is the last step before t that drew q, or else, q's own step
// having copied it, what y[j of q] held before step q. So the steps that drew the same number are chained, in any
// order, and every element is looked up for itself: chains have about ln(n) links, look-ups take two chains on average.
#include "draw.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class T>
struct Integers {
  uint64_t low, range;

  __device__ void operator()(const PhiloxBlock& block, const int64_t*, T* out) const {
    for (int e = 0; e < 2; e++) out[e] = convert<T>(static_cast<int64_t>(low + scale_to(two_words(block, e), range)));
  }
};

// What step i of the shuffle draws.
__device__ inline int64_t drawn_by(nr_philox philox, int64_t i) {
  const PhiloxBlock block = philox_block(philox, static_cast<uint64_t>(i / 2));
  return static_cast<int64_t>(scale_to(two_words(block, static_cast<int>(i % 2)), static_cast<uint64_t>(i) + 1));
}

// Chains hold steps counted from 1; 0 ends them.
struct ClearChains {
  static constexpr int threads = 256;
  unsigned long long* newest;
  int64_t n;
  __device__ void operator()() const {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (i < n) newest[i] = 0;
  }
};

struct ChainSteps {
  static constexpr int threads = 256;
  unsigned long long *newest, *next;
  int64_t n;
  nr_philox philox;
  __device__ void operator()() const {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (i < n) next[i] = atomicExch(&newest[drawn_by(philox, i)], static_cast<unsigned long long>(i) + 1);
  }
};

struct LookUp {
  static constexpr int threads = 256;
  int64_t* y;
  const unsigned long long *newest, *next;
  int64_t n;
  nr_philox philox;

  __device__ void operator()() const {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (i >= n) return;
    int64_t place = i, step = n, found = -1;
    while (found < 0) {
      for (auto link = newest[place]; link != 0; link = next[link - 1]) {
        const auto by = static_cast<int64_t>(link) - 1;
        if (by < step && by > found) found = by;
      }
      step = place;
      place = drawn_by(philox, place);
    }
    y[i] = found;
  }
};

}  // namespace

void randint(nr_context* ctx, nr_tensor* y, int64_t low, int64_t high, nr_philox philox) {
  const auto base = static_cast<uint64_t>(low), range = static_cast<uint64_t>(high) - base;
  dispatch(number_types{}, y->dtype, [&]<class T>() { draw<T, 2>(ctx, *y, *y, philox, Integers<T>{base, range}); });
}

void randperm(nr_context* ctx, nr_tensor* y, nr_philox philox) {
  const int64_t n = y->shape[0];
  if (n == 0) return;
  auto* newest = static_cast<unsigned long long*>(ctx->scratch(ctx, static_cast<size_t>(n) * 2 * sizeof(uint64_t)));
  if (!newest) return;
  const unsigned blocks = blocks_for(n, 256);
  launch(ctx, blocks, ClearChains{newest, n});
  launch(ctx, blocks, ChainSteps{newest, newest + n, n, philox});
  launch(ctx, blocks, LookUp{static_cast<int64_t*>(y->data), newest, newest + n, n, philox});
}

}  // namespace neurite::cuda
