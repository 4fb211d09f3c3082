// Sums over the rows of [R, D], for the gradients of weights that all rows share: each block of rows adds into partials
// of its own while its rows are in cache, and the partials are added in a fixed order afterwards, in double.
#pragma once
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/stream.h"

namespace neurite::NR_ISA {
namespace {

template <class C, int sums>
class RowPartials {
 public:
  RowPartials(nr_context* ctx, int64_t rows, int64_t n) : rows_(rows), n_(n) {
    // Few enough rows for float partials to be precise, enough for the partials to cost little.
    const int64_t wanted = 65536 / (n + 1);
    block_ = wanted < 16 ? 16 : wanted > 128 ? 128 : wanted;
    blocks_ = (rows + block_ - 1) / block_;
    at_ = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(blocks_ * sums * n + 1) * sizeof(C)));
  }

  explicit operator bool() const { return at_ != nullptr; }

  // row(r, sum...) for every row, in parallel; it adds its terms to `sums` arrays of n.
  template <class Row>
  void run(nr_context* ctx, const Row& row) const {
    parallel_tasks(ctx, blocks_, [&](int64_t k, int32_t) {
      C* partial = at_ + k * sums * n_;
      for (int64_t j = 0; j < sums * n_; j++) partial[j] = 0;
      const int64_t end = (k + 1) * block_ < rows_ ? (k + 1) * block_ : rows_;
      for (int64_t r = k * block_; r < end; r++) {
        if constexpr (sums == 1) {
          row(r, partial);
        } else {
          row(r, partial, partial + n_);
        }
      }
      stream_end();
    });
  }

  // Sum `which` of all rows into `out`, if that is present. False when memory is out.
  bool reduce(nr_context* ctx, int which, nr_optional& out) const {
    if (!out.present) return true;
    Target<C> target(ctx, out.tensor);
    if (!target.data()) return false;
    constexpr int64_t columns = 256;
    parallel_range(ctx, n_, columns, [&](int64_t begin, int64_t end) {
      double total[columns] = {};
      for (int64_t k = 0; k < blocks_; k++) {
        const C* partial = at_ + (k * sums + which) * n_;
        for (int64_t j = begin; j < end; j++) total[j - begin] += partial[j];
      }
      for (int64_t j = begin; j < end; j++) target.data()[j] = static_cast<C>(total[j - begin]);
    });
    target.finish();
    return true;
  }

 private:
  static_assert(sums == 1 || sums == 2);
  int64_t rows_, n_, block_, blocks_;
  C* at_;
};

}  // namespace
}  // namespace neurite::NR_ISA
