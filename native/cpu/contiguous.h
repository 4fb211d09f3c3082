// Operands as contiguous arrays of the type a kernel computes in. A tensor that already is one is used in place; any
// other layout or dtype goes through a packed copy in scratch memory. Null means that memory is out: return at once.
#pragma once
#include "cpu/dtype.h"
#include "cpu/table.h"

namespace neurite::NR_ISA {
namespace {

inline int64_t element_count(const nr_tensor& t) {
  int64_t n = 1;
  for (int d = 0; d < t.ndim; d++) n *= t.shape[d];
  return n;
}

inline bool in_row_major_order(const nr_tensor& t) {
  int64_t expected = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    if (t.shape[d] != 1 && t.stride[d] != expected) return false;
    expected *= t.shape[d];
  }
  return true;
}

// A contiguous tensor of t's shape in scratch memory, not filled.
inline nr_tensor packed_like(nr_context* ctx, const nr_tensor& t, int32_t dtype, size_t element_bytes) {
  nr_tensor packed = t;
  packed.dtype = dtype;
  int64_t n = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    packed.stride[d] = n;
    n *= t.shape[d];
  }
  packed.data = ctx->scratch(ctx, static_cast<size_t>(n) * element_bytes + 1);
  return packed;
}

// The elements of x in row-major order, as C.
template <class C>
inline const C* elements(nr_context* ctx, const nr_tensor& x) {
  if (x.dtype == dtype_of<C> && in_row_major_order(x)) return static_cast<const C*>(x.data);
  nr_tensor packed = packed_like(ctx, x, dtype_of<C>, sizeof(C));
  if (packed.data) copy(ctx, &x, &packed);
  return static_cast<const C*>(packed.data);
}

// The same for an optional vector of n numbers; `missing` stands for each number of an absent one.
template <class C>
inline const C* elements_or(nr_context* ctx, const nr_optional& x, int64_t n, C missing) {
  if (x.present) return elements<C>(ctx, x.tensor);
  C* p = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(n) * sizeof(C) + 1));
  if (p)
    for (int64_t i = 0; i < n; i++) p[i] = missing;
  return p;
}

// Where a kernel writes y's elements as C in row-major order; finish() brings them to y.
template <class C>
class Target {
 public:
  // `keep`: the kernel also reads what y holds.
  Target(nr_context* ctx, nr_tensor& y, bool keep = false) : ctx_(ctx), y_(&y), packed_(y) {
    if (y.dtype == dtype_of<C> && in_row_major_order(y)) return;
    packed_ = packed_like(ctx, y, dtype_of<C>, sizeof(C));
    if (keep && packed_.data) copy(ctx, &y, &packed_);
  }
  C* data() const { return static_cast<C*>(packed_.data); }
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
}  // namespace neurite::NR_ISA
