// What the walks of all recurrent layers share. The sequences of a batch do not depend on each other, so a batch is cut
// into blocks of at most 16 that walk through all time steps on their own, with no thread waiting for another; one
// block alone shares each of its steps among threads by hidden units. Sequences of different lengths are dealt out to
// blocks by length, the longest first: at any time those still running are the first of their block.
#pragma once
#include "cpu/contiguous.h"
#include "cpu/convert.h"
#include "cpu/gemm.h"
#include "cpu/row.h"

namespace neurite::NR_ISA {
namespace {

inline constexpr int64_t recurrent_rows = 16;

// One direction of one layer, and how its work is cut.
struct recurrence {
  int64_t T, B, H;
  bool reverse;
  const int64_t* length = nullptr;  // of each sequence; NULL: all T
  const int64_t* order = nullptr;   // which sequence stands at which place; NULL: in their own order
  int64_t blocks = 1;
  bool is_packed = false;      // weights are packed once for all steps; otherwise each step is a product of its own
  int64_t blocks_at_once = 1;  // blocks of one task
  int64_t unit_tasks = 1;      // tasks of one step of a single block

  int64_t sequence(int64_t place) const { return order ? order[place] : place; }
  int64_t length_of(int64_t b) const { return length ? length[b] : T; }
  // The time of a sequence's first step, and of its last.
  int64_t first_time(int64_t b) const { return reverse ? length_of(b) - 1 : 0; }
  int64_t last_time(int64_t b) const { return reverse ? 0 : length_of(b) - 1; }
  int64_t first_place(int64_t block) const { return block * B / blocks; }

  // How many of the sequences at `rows` places from `place` on have an element at time t.
  int64_t running(int64_t place, int64_t rows, int64_t t) const {
    while (length && rows > 0 && length[order[place + rows - 1]] <= t) rows--;
    return rows;
  }
};

// Blocks follow from the shape alone: how many rows are multiplied together may change a sum. Which thread takes which
// units does not, so a step is shared among as many threads as there are.
inline void cut_recurrence(recurrence& r, int64_t weights, int64_t element_bytes, int64_t threads) {
  // Packing reads and writes all weights once more: too much for a step or two.
  r.is_packed = r.T > 2;
  if (!r.is_packed) return;
  // Weights that stay in a second-level cache of their own are read by every block at no great cost.
  const bool is_light = weights * element_bytes <= int64_t{512} << 10;
  r.blocks = r.B > recurrent_rows ? ceil_div(r.B, recurrent_rows) : is_light && r.B >= 8 ? 2 : 1;
  const int64_t block_products = ceil_div(r.B, r.blocks) * r.T * weights;
  r.blocks_at_once = larger(1, smallest_task_products / larger(block_products, 1));
  if (r.blocks > 1) return;
  // A step of few rows moves the weights, one of many multiplies; threads meet in well under a tenth of its time.
  const int64_t cost = weights * larger(4, r.B);
  r.unit_tasks = larger(1, smaller(threads, cost / (int64_t{512} << 10)));
}

// From the recurrent weights [gates · H, H] and a tensor [T, B, ...].
inline recurrence recurrence_of(const nr_context* ctx, const nr_tensor& w, const nr_tensor& sequence, bool reverse) {
  recurrence r = {sequence.shape[0], sequence.shape[1], w.shape[1], reverse};
  cut_recurrence(r, w.shape[0] * w.shape[1], w.dtype == nr_dtype_f64 ? 8 : 4, ctx->threads);
  return r;
}

// Sets the order of the sequences; false where a length is not in [1, T] or memory is out.
inline bool order_sequences(nr_context* ctx, recurrence& r, const nr_optional& lengths) {
  if (!lengths.present) return true;
  const int64_t* length = elements<int64_t>(ctx, lengths.tensor);
  int64_t* order = scratch<int64_t>(ctx, 2 * r.B);
  int64_t* places = scratch<int64_t>(ctx, r.T + 1);  // of the next sequence of each length, longest first
  if (!length || !order || !places) return false;
  int64_t* sorted = order + r.B;
  for (int64_t n = 0; n <= r.T; n++) places[n] = 0;
  for (int64_t b = 0; b < r.B; b++) {
    if (length[b] < 1 || length[b] > r.T) {
      ctx->fail(ctx, "INDEX_OUT_OF_RANGE", "expected lengths in [1, %lld], got %lld", static_cast<long long>(r.T),
                static_cast<long long>(length[b]));
      return false;
    }
    places[length[b] - 1]++;  // sequences that come before those one shorter
  }
  for (int64_t n = r.T - 1; n >= 0; n--) places[n] += places[n + 1];
  for (int64_t b = 0; b < r.B; b++) sorted[places[length[b]]++] = b;
  int64_t next = 0;
  for (int64_t i = 0; next < r.B; i++)
    for (int64_t block = 0; block < r.blocks; block++)
      if (r.first_place(block) + i < r.first_place(block + 1)) order[r.first_place(block) + i] = sorted[next++];
  r.length = length;
  r.order = order;
  return true;
}

// Runs work(block, thread) for each block of the batch.
template <class Work>
inline void each_block(nr_context* ctx, const recurrence& r, const Work& work) {
  parallel_tasks(ctx, ceil_div(r.blocks, r.blocks_at_once), [&](int64_t task, int32_t thread) {
    for (int64_t block = task * r.blocks_at_once; block < (task + 1) * r.blocks_at_once && block < r.blocks; block++)
      work(block, thread);
  });
}

// Where a tensor's elements are, NULL for one that is absent; false when memory is out.
template <class T>
inline bool read(nr_context* ctx, const nr_tensor& t, const T*& data) {
  data = elements<T>(ctx, t);
  return data != nullptr;
}
template <class T>
inline bool read(nr_context* ctx, const nr_optional& t, const T*& data) {
  data = nullptr;
  return !t.present || read(ctx, t.tensor, data);
}
template <class T>
inline void write(const nr_tensor& t, T*& data) {
  data = static_cast<T*>(t.data);
}
template <class T>
inline void write(const nr_optional& t, T*& data) {
  data = t.present ? static_cast<T*>(t.tensor.data) : nullptr;
}

template <class T>
inline void clear(T* p, int64_t n) {
  __builtin_memset(p, 0, static_cast<size_t>(n) * sizeof(T));
}

}  // namespace
}  // namespace neurite::NR_ISA
