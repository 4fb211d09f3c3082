// The first k elements along one dim in the order of sort. A row is read once: elements that come before the k-th best
// so far join a buffer, which is sorted and cut back to k when it is full, so that random rows cost little more than
// comparing each element. Where a row begins, the k-th best of the best of some groups stands in for the k-th best: at
// least k elements are as good, and hardly more. Long rows are cut into segments, whose best are sorted together at the
// end.
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/sizes.h"
#include "cpu/sort_records.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t block = 1024;            // elements whose keys are made at once
constexpr int64_t groups = 64, step = 16;  // of a block; step: elements compared at once

constexpr int64_t capacity(int64_t k) {
  return 2 * k + 2 * block;
}

template <class T>
class Best {
 public:
  using R = record_t<T>;
  using K = key_t<T>;

  // `memory` has room for 2 capacity(k) records.
  Best(R* memory, int64_t k, bool descending)
      : kept_(memory), spare_(memory + capacity(k)), k_(k), turned_(static_cast<K>(descending ? -1 : 0)) {}

  // Elements [begin, end) of x.
  void add(const T* x, int64_t begin, int64_t end) {
    for (; begin < end; begin += block) {
      const int64_t n = end - begin < block ? end - begin : block;
      K keys[block];
      load_keys(keys, x + begin, n, turned_);
      for (int64_t i = n; i < round_up(n, groups); i++) keys[i] = static_cast<K>(-1);
      if (limit_ == none && k_ <= groups / 2) limit_ = first_limit(keys, n);
      for (int64_t at = 0; at < n; at += step)
        if (any_up_to(keys + at)) keep(keys + at, begin + at, smaller(step, n - at));
      if (count_ + block > capacity(k_)) sort();
    }
  }

  // The best in order, at most k.
  const R* result() {
    sort();
    return kept_;
  }

 private:
  static constexpr R none = ~R(0);  // no record comes after it

  // No record of the best k comes after it: group g has every 64th key from g on.
  R first_limit(const K* keys, int64_t n) const {
    K least[groups];
    for (int64_t g = 0; g < groups; g++) least[g] = keys[g];
    for (int64_t i = groups; i < n; i += groups)
      for (int64_t g = 0; g < groups; g++) least[g] = keys[i + g] < least[g] ? keys[i + g] : least[g];
    K limit = 0;
    for (int64_t g = 0; g < groups; g++) {
      int64_t before = 0;
      for (int64_t j = 0; j < groups; j++) before += least[j] < least[g];
      if (before < k_ && least[g] > limit) limit = least[g];
    }
    return make_record<R>(limit, 0) | ((R(1) << position_bits<R>)-1);
  }

  bool any_up_to(const K* keys) const {
    const K limit = static_cast<K>(limit_ >> position_bits<R>);
    bool any = false;
    for (int64_t i = 0; i < step; i++) any |= keys[i] <= limit;
    return any;
  }

  void keep(const K* keys, int64_t begin, int64_t n) {
    for (int64_t i = 0; i < n; i++) {  // no branch: early on every second one would be mispredicted
      const R r = make_record<R>(keys[i], begin + i);
      kept_[count_] = r;
      count_ += r < limit_;
    }
  }

  void sort() {
    if (sort_records(kept_, spare_, count_) == spare_) {
      R* const sorted = spare_;
      spare_ = kept_;
      kept_ = sorted;
    }
    if (count_ < k_) return;
    count_ = k_;
    limit_ = kept_[k_ - 1];
  }

  R *kept_, *spare_;
  int64_t k_, count_ = 0;
  R limit_ = none;
  K turned_;
};

template <class T>
void best_of_rows(nr_context* ctx, const T* x, T* values, int64_t* index, int64_t rows, int64_t n, int64_t k,
                  bool descending) {
  using R = record_t<T>;
  // Segments are long against k, so that few candidates are left.
  const int64_t shortest = 8 * k > 65536 ? 8 * k : 65536, segments = n < 2 * shortest ? 1 : n / shortest;
  const int64_t length = (n + segments - 1) / segments, candidates = segments * k;
  auto* scratch = static_cast<R*>(ctx->scratch(ctx, static_cast<size_t>(ctx->threads * 2 * capacity(k)) * sizeof(R)));
  R* found = nullptr;  // [rows][2][segments][k], half of it for sorting
  if (segments > 1) found = static_cast<R*>(ctx->scratch(ctx, static_cast<size_t>(rows * 2 * candidates) * sizeof(R)));
  if (!scratch || (segments > 1 && !found)) return;
  const int64_t tasks = rows * segments, grain = 16384 / length + 1;
  parallel_tasks(ctx, (tasks + grain - 1) / grain, [&](int64_t task, int32_t thread) {
    for (int64_t at = task * grain; at < (task + 1) * grain && at < tasks; at++) {
      const int64_t row = at / segments, segment = at % segments;
      const int64_t begin = segment * length, end = begin + length < n ? begin + length : n;
      Best<T> best(scratch + thread * 2 * capacity(k), k, descending);
      best.add(x + row * n, begin, end);
      const R* sorted = best.result();
      if (segments == 1) {
        store_records(sorted, x + row * n, values + row * k, index + row * k, k);
      } else {
        __builtin_memcpy(found + row * 2 * candidates + segment * k, sorted, static_cast<size_t>(k) * sizeof(R));
      }
    }
  });
  if (segments == 1) return;
  parallel_tasks(ctx, rows, [&](int64_t row, int32_t) {
    R* const all = found + row * 2 * candidates;
    store_records(sort_records(all, all + candidates, candidates), x + row * n, values + row * k, index + row * k, k);
  });
}

}  // namespace

void topk(nr_context* ctx, const nr_tensor* x_tensor, nr_tensor* values_tensor, nr_tensor* index_tensor, int64_t dim,
          bool largest) {
  const int64_t n = x_tensor->shape[dim], k = values_tensor->shape[dim], count = element_count(*x_tensor);
  if (count == 0 || k == 0) return;
  nr_tensor values_rows = with_dim_last(*values_tensor, dim), index_rows = with_dim_last(*index_tensor, dim);
  with_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* x = elements<T>(ctx, with_dim_last(*x_tensor, dim));
    Target<T> values(ctx, values_rows);
    Target<int64_t> index(ctx, index_rows);
    if (!x || !values.data() || !index.data()) return;
    best_of_rows(ctx, x, values.data(), index.data(), count / n, n, k, largest);
    values.finish();
    index.finish();
  });
}

}  // namespace neurite::NR_ISA
