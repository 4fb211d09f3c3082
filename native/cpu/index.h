// What kernels that move by index share: the check of the indices before anything is written, and views of tensors
// along the dims that are not indexed.
#pragma once
#include "cpu/dtype.h"
#include "cpu/strided.h"

namespace neurite::NR_ISA {
namespace {

// Calls visit(type_tag<I>{}) with the index's element type, int32 or int64.
template <class Visitor>
inline void with_index_dtype(const nr_tensor& index, const Visitor& visit) {
  index.dtype == nr_dtype_i32 ? visit(type_tag<int32_t>{}) : visit(type_tag<int64_t>{});
}

// Names the first bad index in row-major order, whichever thread met one first.
template <class I>
inline void report_bad_index(nr_context* ctx, const nr_tensor& index, int64_t limit) {
  int64_t n = 1;
  for (int d = 0; d < index.ndim; d++) n *= index.shape[d];
  for (int64_t position = 0; position < n; position++) {
    int64_t rest = position, offset = 0;
    for (int d = index.ndim - 1; d >= 0; d--) {
      offset += rest % index.shape[d] * index.stride[d];
      rest /= index.shape[d];
    }
    const int64_t i = static_cast<const I*>(index.data)[offset];
    if (i >= 0 && i < limit) continue;
    return ctx->fail(ctx, "INDEX_OUT_OF_RANGE", "expected index in [0, %lld), got %lld at position %lld",
                     static_cast<long long>(limit), static_cast<long long>(i), static_cast<long long>(position));
  }
}

// True if every index lies in [0, limit); else marks the command as failed.
inline bool indices_in_range(nr_context* ctx, const nr_tensor& index, int64_t limit) {
  bool ok = true;
  with_index_dtype(index, [&](auto tag) {
    using I = typename decltype(tag)::type;
    const auto l = make_nest(index);
    const int64_t step = l.step(0);
    int32_t bad = 0;
    parallel_range(ctx, l.numel, 32768, [&](int64_t begin, int64_t end) {
      uint64_t largest = 0;  // a negative index is a huge unsigned one
      each_row(l, begin, end, [&](char* const* p, int64_t n) {
        for (int64_t i = 0; i < n; i++) {
          const auto u = static_cast<uint64_t>(static_cast<int64_t>(*reinterpret_cast<const I*>(p[0] + i * step)));
          largest = u > largest ? u : largest;
        }
      });
      if (largest >= static_cast<uint64_t>(limit)) __atomic_store_n(&bad, 1, __ATOMIC_RELAXED);
    });
    ok = bad == 0;
    if (!ok) report_bad_index<I>(ctx, index, limit);
  });
  return ok;
}

// t seen over `shape`, its stride 0 at `dim`: positions outside the indexed dim.
inline nr_tensor held_at(const nr_tensor& t, const nr_tensor& shape, int64_t dim) {
  nr_tensor v = t;
  for (int d = 0; d < t.ndim; d++) v.shape[d] = shape.shape[d];
  v.stride[dim] = 0;
  return v;
}

// A vector `index` seen over `shape`: it varies along `dim` alone.
inline nr_tensor along(const nr_tensor& index, const nr_tensor& shape, int64_t dim) {
  nr_tensor v = shape;
  v.data = index.data;
  v.dtype = index.dtype;
  for (int d = 0; d < v.ndim; d++) v.stride[d] = d == dim ? index.stride[0] : 0;
  return v;
}

inline nr_tensor without_dim(nr_tensor t, int64_t dim) {
  t.ndim--;
  for (int64_t d = dim; d < t.ndim; d++) {
    t.shape[d] = t.shape[d + 1];
    t.stride[d] = t.stride[d + 1];
  }
  return t;
}

}  // namespace
}  // namespace neurite::NR_ISA
