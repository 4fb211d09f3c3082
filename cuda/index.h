// What kernels that move by index share: their indices, of either dtype, and views of tensors along the dims that are
// not indexed.
#pragma once
#include "dispatch.h"
#include "inspect.h"

namespace neurite::cuda {
namespace {

struct Indices {
  const void* data;
  bool wide;  // int64, else int32

  __device__ int64_t operator[](int64_t offset) const {
    return wide ? static_cast<const int64_t*>(data)[offset] : static_cast<const int32_t*>(data)[offset];
  }
};

inline Indices indices_of(const nr_tensor& index) {
  return {index.data, index.dtype == nr_dtype_i64};
}

inline Check take_index_check(nr_context* ctx) {
  return take_check(ctx, "INDEX_OUT_OF_RANGE", "expected index in [0, %lld), got %lld at position %lld");
}

template <class I>
struct RefuseOutside {
  int64_t limit;
  Check check;
  __device__ void operator()(I index, int64_t position) const {
    if (index < 0 || index >= limit) check.fail(limit, static_cast<int64_t>(index), position);
  }
};

// For kernels that write in place: what is launched behind this does nothing if an index lies outside [0, limit).
inline void require_in_range(nr_context* ctx, const nr_tensor& index, int64_t limit) {
  const Check check = take_index_check(ctx);
  dispatch(index_types{}, index.dtype, [&]<class I>() { inspect<I>(ctx, index, RefuseOutside<I>{limit, check}); });
  require(ctx, check);
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

// Strides under which t counts its elements in row-major order.
inline nr_tensor numbered(nr_tensor t) {
  int64_t n = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    t.stride[d] = n;
    n *= t.shape[d];
  }
  return t;
}

}  // namespace
}  // namespace neurite::cuda
