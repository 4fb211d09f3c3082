// Sums of elements that meet in one place, in the order of their positions, whatever the order of threads: entries are
// sorted by where they go (radix_sort.h), threads add up runs of 32 of them, and what a run leaves unfinished, because
// its place continues in the next one, is added by a second launch, run after run. Sums are held in float32 at least
// and rounded once. Entries are read once; a place that is met very often costs one thread per column a step for each
// run.
#pragma once
#include "dispatch.h"
#include "radix_sort.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

template <class T>
struct OrderedSum {
  static constexpr int threads = 256;
  static constexpr int64_t run = 32;

  T* y;
  const T* source;
  Sorted entries;
  int64_t n, columns;
  uint64_t limit;     // keys from here on go nowhere
  Strided<2> places;  // of y and source: of columns if `by_row`, else of entries; held at the indexed dim of y
  bool by_row;
  int64_t size;                     // of the indexed dim: a key modulo it is the index
  int64_t y_stride, source_stride;  // from one index, one entry to the next
  sum_of<T>* partial;               // [runs, 2, columns]: of the place that a run begins with, that it ends with

  __device__ sum_of<T> value(int64_t s, const int64_t (&held)[2]) const {
    const int64_t entry = entries.number[s];
    int64_t at[2] = {held[0], held[1]};
    if (!by_row) places.offsets(entry, at);
    return static_cast<sum_of<T>>(computed(source[at[1] + entry * source_stride]));
  }
  __device__ void add(int64_t s, sum_of<T> sum, const int64_t (&held)[2]) const {
    const uint64_t key = entries.key[s];
    if (key >= limit) return;
    int64_t at[2] = {held[0], held[1]};
    if (!by_row) places.offsets(entries.number[s], at);
    T& to = y[at[0] + static_cast<int64_t>(key % static_cast<uint64_t>(size)) * y_stride];
    to = convert<T>(static_cast<sum_of<T>>(computed(to)) + sum);
  }
  // Whether entries s - 1 and s go to one place.
  __device__ bool continues(int64_t s) const { return s > 0 && s < n && entries.key[s - 1] == entries.key[s]; }
};

template <class T>
struct SumRuns : OrderedSum<T> {
  __device__ void operator()() const {
    const int64_t thread = static_cast<int64_t>(blockIdx.x) * this->threads + threadIdx.x;
    const int64_t column = thread % this->columns, number = thread / this->columns, begin = number * this->run;
    if (begin >= this->n) return;
    const int64_t end = begin + this->run < this->n ? begin + this->run : this->n;
    int64_t held[2] = {0, 0};
    if (this->by_row) this->places.offsets(column, held);
    sum_of<T> sum = 0, next = this->value(begin, held);
    bool begun_before = this->continues(begin);
    for (int64_t s = begin; s < end; s++) {
      sum += next;
      if (s + 1 < end) next = this->value(s + 1, held);
      const bool goes_on = this->continues(s + 1);
      if (goes_on && s + 1 < end) continue;
      if (begun_before || goes_on)
        this->partial[(2 * number + (begun_before ? 0 : 1)) * this->columns + column] = sum;
      else
        this->add(s, sum, held);
      sum = 0;
      begun_before = false;
    }
  }
};

// What places that several runs share received, added where the first of the runs ends.
template <class T>
struct JoinRuns : OrderedSum<T> {
  __device__ void operator()() const {
    const int64_t thread = static_cast<int64_t>(blockIdx.x) * this->threads + threadIdx.x;
    const int64_t column = thread % this->columns, first = thread / this->columns, begin = first * this->run;
    const int64_t end = begin + this->run;
    if (end >= this->n || !this->continues(end)) return;
    if (this->continues(begin) && this->entries.key[begin] == this->entries.key[end]) return;  // began before
    sum_of<T> sum = this->partial[(2 * first + 1) * this->columns + column];
    int64_t number = first;
    do {
      number++;
      sum += this->partial[2 * number * this->columns + column];
    } while (this->continues((number + 1) * this->run) &&
             this->entries.key[(number + 1) * this->run] == this->entries.key[end]);
    int64_t held[2] = {0, 0};
    if (this->by_row) this->places.offsets(column, held);
    this->add(end, sum, held);
  }
};

// Adds the entries whose keys (in scratch memory) and places `sum` has; it is completed here.
template <class T>
void ordered_sum(nr_context* ctx, OrderedSum<T> sum, uint64_t* keys, uint64_t keys_limit) {
  sum.entries = sort_by_key(ctx, keys, sum.n, keys_limit);
  const int64_t runs = (sum.n + sum.run - 1) / sum.run;
  sum.partial =
      static_cast<sum_of<T>*>(ctx->scratch(ctx, static_cast<size_t>(runs * 2 * sum.columns) * sizeof(sum_of<T>)));
  if (!sum.entries.key || !sum.partial) return;
  const unsigned blocks = blocks_for(runs * sum.columns, sum.threads);
  launch(ctx, blocks, SumRuns<T>{sum});
  launch(ctx, blocks, JoinRuns<T>{sum});
}

}  // namespace
}  // namespace neurite::cuda
