// What sort and topk have in common: x, values and index as lines along one dim, which lies last in packed copies where
// it does not in the tensors.
#pragma once
#include "contiguous.h"
#include "sort_tiles.h"

namespace neurite::cuda {
namespace {

// t with `dim` moved to the end.
inline nr_tensor with_dim_last(nr_tensor t, int64_t dim) {
  const int64_t n = t.shape[dim], stride = t.stride[dim];
  for (int64_t d = dim; d < t.ndim - 1; d++) {
    t.shape[d] = t.shape[d + 1];
    t.stride[d] = t.stride[d + 1];
  }
  t.shape[t.ndim - 1] = n;
  t.stride[t.ndim - 1] = stride;
  return t;
}

// run(source, sink, lines) with the elements to order and the results to write, as many as `values` has along dim.
template <class Run>
void order_lines(nr_context* ctx, const nr_tensor& x_tensor, const nr_tensor& values_tensor,
                 const nr_tensor& index_tensor, int64_t dim, bool descending, const Run& run) {
  const int64_t n = x_tensor.shape[dim], kept = values_tensor.shape[dim], count = numel_of(x_tensor);
  if (count == 0 || kept == 0) return;
  nr_tensor values_lines = with_dim_last(values_tensor, dim), index_lines = with_dim_last(index_tensor, dim);
  dispatch(element_types{}, x_tensor.dtype, [&]<class T>() {
    using U = bits_of<T>;
    const T* x = elements<T>(ctx, with_dim_last(x_tensor, dim));
    Target<T> values(ctx, values_lines);
    Target<int64_t> index(ctx, index_lines);
    if (!x || !values.data() || !index.data()) return;
    const ElementSource<T> source{x, static_cast<U>(descending ? -1 : 0)};
    const ElementSink<record_of<T>, U> sink{reinterpret_cast<const U*>(x), reinterpret_cast<U*>(values.data()),
                                            index.data(), n, kept};
    run(source, sink, count / n);
    values.finish();
    index.finish();
  });
}

}  // namespace
}  // namespace neurite::cuda
