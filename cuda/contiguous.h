// Operands as contiguous arrays of the type a kernel computes in. A tensor that already is one is used in place; any
// other layout or dtype goes through a packed copy in scratch memory. Null means that memory is out: return at once.
#pragma once
#include "dispatch.h"
#include "strided.h"
#include "table.h"

namespace neurite::cuda {
namespace {

// A contiguous tensor of t's shape in scratch memory, not filled.
template <class T>
nr_tensor packed_like(nr_context* ctx, const nr_tensor& t) {
  nr_tensor packed = t;
  packed.dtype = dtype_of<T>;
  int64_t n = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    packed.stride[d] = n;
    n *= t.shape[d];
  }
  packed.data = ctx->scratch(ctx, static_cast<size_t>(n) * sizeof(T) + 1);
  return packed;
}

// The elements of x in row-major order, as T.
template <class T>
const T* elements(nr_context* ctx, const nr_tensor& x) {
  if (x.dtype == dtype_of<T> && is_contiguous(x)) return static_cast<const T*>(x.data);
  nr_tensor packed = packed_like<T>(ctx, x);
  if (packed.data) copy(ctx, &x, &packed);
  return static_cast<const T*>(packed.data);
}

// The same for a tensor that may be absent. True unless memory is out; `at` is null without a tensor.
template <class T>
bool optional_elements(nr_context* ctx, const nr_optional& x, const T*& at) {
  at = x.present ? elements<T>(ctx, x.tensor) : nullptr;
  return at || !x.present;
}

// `n` numbers of T at `data` as a tensor.
template <class T>
nr_tensor vector_of(const T* data, int64_t n) {
  return {const_cast<T*>(data), dtype_of<T>, 1, {n}, {1}};
}

// Where a kernel writes y's elements as T in row-major order; finish() brings them to y.
template <class T>
class Target {
 public:
  // `keep`: the kernel also reads what y holds.
  Target(nr_context* ctx, nr_tensor& y, bool keep = false) : ctx_(ctx), y_(&y), packed_(y) {
    if (y.dtype == dtype_of<T> && is_contiguous(y)) return;
    packed_ = packed_like<T>(ctx, y);
    if (keep && packed_.data) copy(ctx, &y, &packed_);
  }
  T* data() const { return static_cast<T*>(packed_.data); }
  nr_tensor& tensor() { return packed_; }
  void finish() {
    if (packed_.data != y_->data) copy(ctx_, &packed_, y_);
  }

 private:
  nr_context* ctx_;
  nr_tensor* y_;
  nr_tensor packed_;
};

}  // namespace
}  // namespace neurite::cuda
