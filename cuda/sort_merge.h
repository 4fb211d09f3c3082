// Merging sorted runs of records two by two (Green, McColl, Bader 2012: GPU Merge Path): a block makes a tile of the
// merged run, whose places in both inputs a binary search finds; its threads share the tile in the same way.
#pragma once
#include "sort_tiles.h"

namespace neurite::cuda {
namespace {

// How many of the first n records of the union of two sorted runs come from `a`.
template <class R>
__device__ inline int64_t taken_of(const R* a, int64_t a_size, const R* b, int64_t b_size, int64_t n) {
  int64_t low = n > b_size ? n - b_size : 0, high = n < a_size ? n : a_size;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (a[middle] < b[n - middle - 1])
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

template <class R>
struct MergeRuns {
  static constexpr int threads = 256, capacity = tile_records<R>, each = capacity / threads;
  const R* from;
  R* to;
  int64_t n, run, tiles;  // tiles of a line of n records; runs are whole tiles

  __device__ void operator()() const {
    SIMT_SHARED(R, records, [capacity]);
    SIMT_SHARED(int64_t, taken, [2]);
    const int thread = static_cast<int>(threadIdx.x);
    const int64_t line = blockIdx.x / tiles * n, begin = blockIdx.x % tiles * capacity;
    const int64_t first = begin / (2 * run) * (2 * run);
    const int64_t middle = first + run < n ? first + run : n, last = first + 2 * run < n ? first + 2 * run : n;
    const R *a = from + line + first, *b = from + line + middle;
    const int64_t size = last - begin < capacity ? last - begin : capacity;
    if (thread < 2)
      taken[thread] = taken_of(a, middle - first, b, last - middle, begin - first + (thread == 0 ? 0 : size));
    __syncthreads();
    const int64_t a_begin = taken[0], a_size = taken[1] - taken[0], b_begin = begin - first - a_begin;
    const int64_t b_size = size - a_size;
    for (int64_t i = thread; i < size; i += threads) records[i] = i < a_size ? a[a_begin + i] : b[b_begin + i - a_size];
    __syncthreads();
    R merged[each];
    const int64_t at = int64_t{thread} * each;
    if (at < size) {
      int64_t i = taken_of<R>(records, a_size, records + a_size, b_size, at), j = at - i;
#pragma unroll
      for (int k = 0; k < each; k++) {
        if (i + j >= size) continue;
        const bool take_a = j >= b_size || (i < a_size && records[i] < records[a_size + j]);
        merged[k] = take_a ? records[i++] : records[a_size + j++];
      }
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < each; k++)
      if (at + k < size) records[at + k] = merged[k];
    __syncthreads();
    for (int64_t i = thread; i < size; i += threads) to[line + begin + i] = records[i];
  }
};

template <class R, class U>
struct StoreSorted {
  static constexpr int threads = 256;
  const R* records;  // [lines][n]
  ElementSink<R, U> sink;
  int64_t total;

  __device__ void operator()() const {
    const int64_t k = int64_t{blockIdx.x} * threads + threadIdx.x;
    if (k >= total) return;
    const int64_t line = k / sink.count, i = k - line * sink.count;
    sink.store(line, i, records[line * sink.n + i]);
  }
};

// Sorts lines of any length; the sink takes the first of each as many as it wants.
template <class T>
void sort_lines(nr_context* ctx, const ElementSource<T>& source, const ElementSink<record_of<T>, bits_of<T>>& sink,
                int64_t lines) {
  using R = record_of<T>;
  const int64_t n = sink.n;
  const SortShape shape(lines, n, n, tile_records<R>);
  if (shape.tiles == 1) return sort_tiles(ctx, source, sink, shape);
  auto* from = static_cast<R*>(ctx->scratch(ctx, static_cast<size_t>(lines * n) * sizeof(R)));
  auto* to = static_cast<R*>(ctx->scratch(ctx, static_cast<size_t>(lines * n) * sizeof(R)));
  if (!from || !to) return;
  sort_tiles(ctx, source, RecordSink<R>{from, n}, shape);
  for (int64_t run = shape.width; run < n; run *= 2) {
    launch(ctx, blocks_for(lines * shape.tiles, 1), MergeRuns<R>{from, to, n, run, shape.tiles});
    R* const merged = to;
    to = from;
    from = merged;
  }
  const StoreSorted<R, bits_of<T>> store{from, sink, lines * sink.count};
  launch(ctx, blocks_for(store.total, store.threads), store);
}

}  // namespace
}  // namespace neurite::cuda
