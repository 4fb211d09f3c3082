// Reading by index: gather, index_select and embedding are one walk over y, x and index, in which x is held still along
// the indexed dim and index · stride is added. Bits are moved, and where rows are moved whole, 16 bytes at a time: what
// is fetched is then what is needed. A thread has four elements on their way, since each waits for its index first.
#include "index.h"
#include "pack.h"
#include "table.h"

namespace neurite::cuda {
namespace {

// Places in y, x and index, and which index in row-major order it is.
using Places = Strided<4>;

template <class T>
struct Gather {
  static constexpr int threads = 256, per_thread = 4;
  T* y;
  const T* x;
  Indices index;
  Places places;
  int64_t stride, limit;  // of x along the indexed dim
  Check check;

  __device__ void operator()() const {
    const int64_t first = static_cast<int64_t>(blockIdx.x) * threads * per_thread + threadIdx.x;
    int64_t at[per_thread][4], picked[per_thread];
#pragma unroll
    for (int i = 0; i < per_thread; i++) {
      const int64_t position = first + i * threads;
      picked[i] = -1;
      if (position >= places.numel) continue;
      places.offsets(position, at[i]);
      picked[i] = index[at[i][2]];
      if (picked[i] >= 0 && picked[i] < limit) continue;
      check.fail(limit, picked[i], at[i][3]);
      picked[i] = -1;
    }
    T value[per_thread];
#pragma unroll
    for (int i = 0; i < per_thread; i++)
      if (picked[i] >= 0) value[i] = x[at[i][1] + picked[i] * stride];
#pragma unroll
    for (int i = 0; i < per_thread; i++)
      if (picked[i] >= 0) y[at[i][0]] = value[i];
  }
};

// How many elements can move as one of `bytes` bytes: those that follow each other in y and x under one index.
int64_t elements_in(int64_t bytes, const nr_tensor& y, const nr_tensor& x, const Places& p, int64_t stride) {
  const int64_t n = bytes / size_of(y.dtype);
  if (n < 2 || p.ndim == 0 || p.stride[0][0] != 1 || p.stride[0][1] != 1 || p.stride[0][2] != 0) return 1;
  if (p.shape[0] % n != 0 || stride % n != 0) return 1;
  for (int d = 1; d < p.ndim; d++)
    if (p.stride[d][0] % n != 0 || p.stride[d][1] % n != 0) return 1;
  const auto alignment = static_cast<size_t>(bytes);
  return is_aligned(y.data, alignment) && is_aligned(x.data, alignment) ? n : 1;
}

// y[…] = x[… + index · stride], where the tensors are seen over y's shape and the stride counts x's elements.
void gather_over(nr_context* ctx, const nr_tensor& y, const nr_tensor& x, const nr_tensor& index,
                 const nr_tensor& number, int64_t stride, int64_t limit) {
  nr_tensor sorted[4];
  const nr_tensor* given[] = {&y, &x, &index, &number};
  for (int k = 0; k < 4; k++) sorted[k] = in_memory_order_of(y, *given[k]);
  Places places = strided<4>({&sorted[0], &sorted[1], &sorted[2], &sorted[3]});
  const Check check = take_index_check(ctx);
  const auto run = [&]<class T>() {
    const Gather<T> kernel{
        static_cast<T*>(y.data), static_cast<const T*>(x.data), indices_of(index), places, stride, limit, check};
    launch(ctx, blocks_for(places.numel, kernel.threads * kernel.per_thread), kernel);
  };
  const int64_t n = elements_in(16, y, x, places, stride);
  if (n == 1) return dispatch_size(y.dtype, run);
  places.numel /= n;
  places.shape[0] /= n;
  places.divisors[0] = Divisor::of(static_cast<uint32_t>(places.shape[0]));
  for (int d = 1; d < places.ndim; d++)
    for (int k = 0; k < 2; k++) places.stride[d][k] /= n;
  stride /= n;
  run.template operator()<Pack<uint64_t, 2>>();
}

}  // namespace

void gather(nr_context* ctx, const nr_tensor* x, const nr_tensor* index, nr_tensor* y, int64_t dim) {
  gather_over(ctx, *y, held_at(*x, *y, dim), *index, numbered(*y), x->stride[dim], x->shape[dim]);
}

void index_select(nr_context* ctx, const nr_tensor* x, const nr_tensor* index, nr_tensor* y, int64_t dim) {
  gather_over(ctx, *y, held_at(*x, *y, dim), along(*index, *y, dim), along(numbered(*index), *y, dim), x->stride[dim],
              x->shape[dim]);
}

void embedding(nr_context* ctx, const nr_tensor* w, const nr_tensor* index, nr_tensor* y) {
  nr_tensor columns = *y, each = *y, number = *y;
  columns.data = w->data;
  each.data = index->data;
  each.dtype = index->dtype;
  const nr_tensor numbers = numbered(*index);
  for (int d = 0; d < y->ndim; d++) {
    const bool last = d == y->ndim - 1;
    columns.stride[d] = last ? w->stride[1] : 0;
    each.stride[d] = last ? 0 : index->stride[d];
    number.stride[d] = last ? 0 : numbers.stride[d];
  }
  gather_over(ctx, *y, columns, each, number, w->stride[0], w->shape[0]);
}

}  // namespace neurite::cuda
