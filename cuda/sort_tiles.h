// Sorting in shared memory: a block takes as many lines as fit, each widened to a power of two, or a tile of one long
// line, and gives the first `keep` records of each by a bitonic network (Batcher 1968).
#pragma once
#include "dispatch.h"
#include "launch.h"
#include "sort_records.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

template <class R>
constexpr int tile_records = (16 << 10) / sizeof(R);

// How `lines` of n elements are cut: tiles of `width` records, a power of two, of which several may share a block.
struct SortShape {
  int64_t lines, n;
  int width;
  int64_t tiles;  // of a line
  int64_t keep;   // of a tile

  SortShape(int64_t lines, int64_t n, int64_t keep, int most) : lines(lines), n(n), width(2), keep(keep) {
    while (width < most && width < n) width *= 2;
    tiles = (n + width - 1) / width;
    if (this->keep > width) this->keep = width;
  }
  // The last tile of a line may have fewer than it could keep.
  int64_t kept() const {
    const int64_t left = n - (tiles - 1) * width;
    return (tiles - 1) * keep + (left < keep ? left : keep);
  }
};

// Where records come from: elements, or records that were kept.
template <class T>
struct ElementSource {
  using Record = record_of<T>;
  const T* x;
  key_of_type<T> turned;  // all ones for descending order, else 0

  __device__ Record load(int64_t line, int64_t i, int64_t n) const {
    return make_record<Record>(static_cast<key_of_type<T>>(key_of(x[line * n + i]) ^ turned), i);
  }
};
template <class R>
struct RecordSource {
  using Record = R;
  const R* records;
  __device__ R load(int64_t line, int64_t i, int64_t n) const { return records[line * n + i]; }
};

// Where they go: what they stand for, the bits U of an element of x [lines, n] and its position; or records again.
template <class R, class U>
struct ElementSink {
  const U* x;
  U* values;
  int64_t* index;
  int64_t n, count;  // elements of a line, results of a line

  __device__ void store(int64_t line, int64_t i, const R& record) const {
    if (i >= count) return;
    const int64_t position = position_of(record);
    values[line * count + i] = x[line * n + position];
    index[line * count + i] = position;
  }
};
template <class R>
struct RecordSink {
  R* records;
  int64_t count;
  __device__ void store(int64_t line, int64_t i, const R& record) const {
    if (i < count) records[line * count + i] = record;
  }
};

template <class Source, class Sink>
struct SortTiles {
  using R = typename Source::Record;
  static constexpr int threads = 256, capacity = tile_records<R>;
  Source source;
  Sink sink;
  SortShape shape;

  __device__ void operator()() const {
    SIMT_SHARED(R, records, [capacity]);
    const int thread = static_cast<int>(threadIdx.x), width = shape.width;
    const int64_t first_tile = int64_t{blockIdx.x} * (capacity / width);
    for (int k = thread; k < capacity; k += threads) {
      const int64_t tile = first_tile + k / width, line = tile / shape.tiles;
      const int64_t i = tile % shape.tiles * width + k % width;
      const R record = line < shape.lines && i < shape.n ? source.load(line, i, shape.n) : last_record<R>();
      records[k] = record;
    }
    __syncthreads();
    for (int size = 2; size <= width; size *= 2) {
      exchange(
          records, [&](int i) { return i ^ (size - 1); }, size / 2);
      for (int apart = size / 4; apart > 0; apart /= 2)
        exchange(
            records, [&](int i) { return i ^ apart; }, apart);
    }
    for (int k = thread; k < capacity; k += threads) {
      const int64_t tile = first_tile + k / width, line = tile / shape.tiles, in_line = tile % shape.tiles;
      if (line < shape.lines && k % width < shape.keep && in_line * width + k % width < shape.n)
        sink.store(line, in_line * shape.keep + k % width, records[k]);
    }
  }

  // Orders each i with bit `bit` unset and its partner.
  template <class Partner>
  __device__ void exchange(R* records, const Partner& partner, int bit) const {
    for (int k = static_cast<int>(threadIdx.x); k < capacity / 2; k += threads) {
      const int i = (k & ~(bit - 1)) * 2 + (k & (bit - 1)), j = partner(i);
      const R a = records[i], b = records[j];
      if (b < a) {
        records[i] = b;
        records[j] = a;
      }
    }
    __syncthreads();
  }
};

template <class Source, class Sink>
void sort_tiles(nr_context* ctx, const Source& source, const Sink& sink, const SortShape& shape) {
  using Kernel = SortTiles<Source, Sink>;
  const int64_t tiles = shape.lines * shape.tiles;
  launch(ctx, blocks_for(tiles, Kernel::capacity / shape.width), Kernel{source, sink, shape});
}

// The unsigned integer that holds T's bits.
template <class T>
using bits_of = key_of_type<T>;

}  // namespace
}  // namespace neurite::cuda
