// Sorting along one dim (sort_records.h). A row that fits the cache is sorted whole; a longer one in blocks, which are
// then merged two by two, each merge cut into pieces where a binary search finds its place in both inputs.
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/sort_records.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t block = 32768;

// How many of the first n records of the union of two sorted runs come from `a`.
template <class R>
int64_t taken_of(const R* a, int64_t a_size, const R* b, int64_t b_size, int64_t n) {
  int64_t low = n > b_size ? n - b_size : 0, high = n < a_size ? n : a_size;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (a[middle] < b[n - middle - 1]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Records [begin, end) of the union of two sorted runs.
template <class R>
void merge_piece(const R* a, int64_t a_size, const R* b, int64_t b_size, R* out, int64_t begin, int64_t end) {
  int64_t i = taken_of(a, a_size, b, b_size, begin), j = begin - i, at = begin;
  for (; at < end && i < a_size && j < b_size; at++) {
    const bool first = a[i] < b[j];  // no branch: it would be mispredicted half of the time
    const R x = a[i], y = b[j];
    out[at] = first ? x : y;
    i += first;
    j += !first;
  }
  for (; at < end && i < a_size; at++) out[at] = a[i++];
  for (; at < end; at++) out[at] = b[j++];
}

// Merges sorted runs of `run` records until one is left; returns where it is.
template <class R>
R* merge_runs(nr_context* ctx, R* from, R* to, int64_t n) {
  for (int64_t run = block; run < n; run *= 2) {
    parallel_range(ctx, n, block, [&](int64_t begin, int64_t end) {
      const int64_t first = begin / (2 * run) * (2 * run);
      const int64_t middle = first + run < n ? first + run : n, last = first + 2 * run < n ? first + 2 * run : n;
      merge_piece(from + first, middle - first, from + middle, last - middle, to + first, begin - first, end - first);
    });
    R* const merged = to;
    to = from;
    from = merged;
  }
  return from;
}

template <class T>
void sort_long_row(nr_context* ctx, const T* x, T* values, int64_t* index, int64_t n, bool descending,
                   record_t<T>* records) {
  using R = record_t<T>;
  R* const spare = records + n;
  parallel_range(ctx, n, block, [&](int64_t begin, int64_t end) {
    load_records(records + begin, x, begin, end - begin, descending);
    const R* sorted = sort_records(records + begin, spare + begin, end - begin);
    if (sorted != records + begin)
      __builtin_memcpy(records + begin, sorted, static_cast<size_t>(end - begin) * sizeof(R));
  });
  const R* sorted = merge_runs(ctx, records, spare, n);
  parallel_range(ctx, n, block, [&](int64_t begin, int64_t end) {
    store_records(sorted + begin, x, values + begin, index + begin, end - begin);
  });
}

template <class T>
void sort_rows(nr_context* ctx, const T* x, T* values, int64_t* index, int64_t rows, int64_t n, bool descending) {
  using R = record_t<T>;
  const int64_t at_once = n > block ? 1 : ctx->threads;
  auto* scratch = static_cast<R*>(ctx->scratch(ctx, static_cast<size_t>(at_once * 2 * n) * sizeof(R)));
  if (!scratch) return;
  if (n > block) {
    for (int64_t at = 0; at < rows * n; at += n)
      sort_long_row(ctx, x + at, values + at, index + at, n, descending, scratch);
    return;
  }
  const int64_t grain = 16384 / n + 1;
  parallel_tasks(ctx, (rows + grain - 1) / grain, [&](int64_t task, int32_t thread) {
    R* const records = scratch + thread * 2 * n;
    const int64_t end = (task + 1) * grain < rows ? (task + 1) * grain : rows;
    for (int64_t at = task * grain * n; at < end * n; at += n) {
      load_records(records, x + at, 0, n, descending);
      store_records(sort_records(records, records + n, n), x + at, values + at, index + at, n);
    }
  });
}

}  // namespace

void sort(nr_context* ctx, const nr_tensor* x_tensor, nr_tensor* values_tensor, nr_tensor* index_tensor, int64_t dim,
          bool descending) {
  const int64_t n = x_tensor->shape[dim], count = element_count(*x_tensor);
  if (count == 0) return;
  nr_tensor values_rows = with_dim_last(*values_tensor, dim), index_rows = with_dim_last(*index_tensor, dim);
  with_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* x = elements<T>(ctx, with_dim_last(*x_tensor, dim));
    Target<T> values(ctx, values_rows);
    Target<int64_t> index(ctx, index_rows);
    if (!x || !values.data() || !index.data()) return;
    sort_rows(ctx, x, values.data(), index.data(), count / n, n, descending);
    values.finish();
    index.finish();
  });
}

}  // namespace neurite::NR_ISA
