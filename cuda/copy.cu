// Movement of elements: copy between layouts and dtypes, cat, triangle. One dtype: bits are moved, transposes by tiles
// (transpose.h), the rest pack by pack as in any elementwise kernel. Two dtypes: the identity as an elementwise kernel
// whose results may have any dtype. cat is a copy per tensor.
#include "elementwise.h"
#include "table.h"
#include "transpose.h"

namespace neurite::cuda {
namespace {

struct identity_op {
  template <class V>
  __device__ V operator()(V x) const {
    return x;
  }
};

void copy_same(nr_context* ctx, const nr_tensor& x, nr_tensor& y) {
  const nr_tensor to = in_memory_order(y), from = in_memory_order_of(y, broadcast(x, y));
  const auto s = strided<2>({&to, &from});
  const int dim = transposed_dim(s);
  dispatch_size(y.dtype, [&]<class T>() {
    if (dim > 0)
      transpose<T>(ctx, y.data, x.data, s, dim);
    else
      launch_elementwise<types<T>, T>(ctx, identity_op{}, {&y}, &x);
  });
}

// y contiguous. The second of the places is how far right of the main diagonal an element lies.
template <class T>
struct Triangle {
  static constexpr int threads = 256, per_thread = 4;
  T* y;
  const T* x;
  Strided<2> places;
  int64_t diagonal;
  bool upper;

  __device__ void operator()() const {
    const int64_t first = static_cast<int64_t>(blockIdx.x) * threads * per_thread + threadIdx.x;
#pragma unroll
    for (int i = 0; i < per_thread; i++) {
      const int64_t position = first + i * threads;
      if (position >= places.numel) continue;
      int64_t at[2];
      places.offsets(position, at);
      const bool kept = upper ? at[1] >= diagonal : at[1] <= diagonal;
      y[position] = kept ? x[at[0]] : T(0);
    }
  }
};

}  // namespace

void copy(nr_context* ctx, const nr_tensor* x, nr_tensor* y) {
  if (x->dtype == y->dtype) return copy_same(ctx, *x, *y);
  dispatch_value(x->dtype, [&]<class V>() { launch_elementwise<element_types, V>(ctx, identity_op{}, {y}, x); });
}

void cat(nr_context* ctx, const nr_tensors* xs, nr_tensor* y, int64_t dim) {
  nr_tensor slot = *y;  // the part of y that the next tensor fills
  for (int64_t i = 0; i < xs->count; i++) {
    const nr_tensor& x = xs->at[i];
    slot.shape[dim] = x.shape[dim];
    copy_same(ctx, x, slot);
    slot.data = static_cast<char*>(slot.data) + x.shape[dim] * y->stride[dim] * size_of(y->dtype);
  }
}

void triangle(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t diagonal, bool upper) {
  nr_tensor right = *x;
  for (int d = 0; d < x->ndim; d++) right.stride[d] = d == x->ndim - 1 ? 1 : d == x->ndim - 2 ? -1 : 0;
  dispatch_size(y->dtype, [&]<class T>() {
    using Kernel = Triangle<T>;
    const Kernel kernel{static_cast<T*>(y->data), static_cast<const T*>(x->data), strided<2>({x, &right}), diagonal,
                        upper};
    launch(ctx, blocks_for(kernel.places.numel, Kernel::threads * Kernel::per_thread), kernel);
  });
}

}  // namespace neurite::cuda
