// Loop nests over operands of one broadcast shape. make_nest aligns the operands to the first one (the output), orders
// the dims by its strides, drops dims of size 1 and merges dims that are contiguous in every operand, so that most
// nests become one dim. Strides are in bytes, zero for broadcast dims.
#pragma once
#include "cpu/parallel.h"

namespace neurite::NR_ISA {
namespace {

template <int N>
struct nest {
  int ndim = 0;  // at least 1 once made
  int64_t numel = 1;
  int64_t shape[NR_MAX_DIMS];
  int64_t stride[N][NR_MAX_DIMS];
  char* base[N];

  int64_t row() const { return shape[ndim - 1]; }
  int64_t step(int k) const { return stride[k][ndim - 1]; }  // of operand k along a row
  bool is_dense(int k, int64_t size) const {
    for (int d = ndim - 1; d >= 0; size *= shape[d--])
      if (stride[k][d] != size) return false;
    return true;
  }
};

inline int64_t element_bytes(int32_t dtype) {
  static constexpr int64_t sizes[] = {
#define NR_DTYPE(tag, name, type) sizeof(type),
#include "dtypes.def"
  };
  return sizes[dtype];
}

// The tensor behind an operand; a number becomes a 0-d tensor over its own bits.
inline nr_tensor as_tensor(const nr_operand& x) {
  nr_tensor t = x.tensor;
  if (!t.data) t.data = const_cast<uint64_t*>(&x.immediate);
  return t;
}

template <int N>
inline void append_dim(nest<N>& out, int64_t size, const int64_t (&stride)[N]) {
  bool merges = out.ndim > 0;
  for (int k = 0; k < N && merges; k++) merges = out.stride[k][out.ndim - 1] == stride[k] * size;
  const int d = merges ? out.ndim - 1 : out.ndim++;
  out.shape[d] = merges ? out.shape[d] * size : size;
  for (int k = 0; k < N; k++) out.stride[k][d] = stride[k];
}

template <class... X>
inline nest<1 + sizeof...(X)> make_nest(const nr_tensor& y, const X&... x) {
  constexpr int N = 1 + sizeof...(X);
  const nr_tensor* operand[N] = {&y, &x...};
  int order[NR_MAX_DIMS];
  for (int d = 0; d < y.ndim; d++) {  // outermost: the output's longest stride
    const auto length = [&](int e) { return y.stride[e] < 0 ? -y.stride[e] : y.stride[e]; };
    int at = d;
    for (; at > 0 && length(order[at - 1]) < length(d); at--) order[at] = order[at - 1];
    order[at] = d;
  }
  nest<N> out;
  for (int k = 0; k < N; k++) out.base[k] = static_cast<char*>(operand[k]->data);
  for (int i = 0; i < y.ndim; i++) {
    const int d = order[i];
    out.numel *= y.shape[d];
    if (y.shape[d] == 1) continue;
    int64_t stride[N];
    for (int k = 0; k < N; k++) {
      const nr_tensor& t = *operand[k];
      const int e = d - (y.ndim - t.ndim);
      stride[k] = e < 0 || t.shape[e] == 1 ? 0 : t.stride[e] * element_bytes(t.dtype);
    }
    append_dim(out, y.shape[d], stride);
  }
  if (out.ndim == 0) {  // one element: a dense row of it
    int64_t stride[N];
    for (int k = 0; k < N; k++) stride[k] = element_bytes(operand[k]->dtype);
    append_dim(out, 1, stride);
  }
  return out;
}

// row(p, n) for every piece of a row that lies in the flat range [begin, end): p[k] is operand k's first element, n the
// number of elements, step(k) apart.
template <int N, class Row>
inline void each_row(const nest<N>& l, int64_t begin, int64_t end, const Row& row) {
  if (begin >= end) return;
  const int last = l.ndim - 1;
  int64_t index[NR_MAX_DIMS];
  char* p[N];
  for (int k = 0; k < N; k++) p[k] = l.base[k];
  int64_t rest = begin;
  for (int d = last; d >= 0; d--) {
    index[d] = rest % l.shape[d];
    rest /= l.shape[d];
    for (int k = 0; k < N; k++) p[k] += index[d] * l.stride[k][d];
  }
  while (begin < end) {
    const int64_t left = l.shape[last] - index[last];
    const int64_t n = left < end - begin ? left : end - begin;
    row(p, n);
    begin += n;
    for (int k = 0; k < N; k++) p[k] -= index[last] * l.stride[k][last];
    index[last] = 0;
    for (int d = last - 1; d >= 0; d--) {
      for (int k = 0; k < N; k++) p[k] += l.stride[k][d];
      if (++index[d] < l.shape[d]) break;
      for (int k = 0; k < N; k++) p[k] -= l.shape[d] * l.stride[k][d];
      index[d] = 0;
    }
  }
}

// n elements, `step` bytes apart, to and from a dense array.
template <class T>
inline void gather_row(T* out, const char* p, int64_t step, int64_t n) {
  if (step == static_cast<int64_t>(sizeof(T))) {
    __builtin_memcpy(out, p, static_cast<size_t>(n) * sizeof(T));
  } else if (step == 0) {
    const T value = *reinterpret_cast<const T*>(p);
    for (int64_t i = 0; i < n; i++) out[i] = value;
  } else {
    for (int64_t i = 0; i < n; i++) out[i] = *reinterpret_cast<const T*>(p + i * step);
  }
}
template <class T>
inline void scatter_row(char* p, int64_t step, const T* x, int64_t n) {
  if (step == static_cast<int64_t>(sizeof(T))) {
    __builtin_memcpy(p, x, static_cast<size_t>(n) * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; i++) *reinterpret_cast<T*>(p + i * step) = x[i];
  }
}

// Calls visit(bits) with an unsigned value as wide as an element, for kernels that move bits of any dtype.
template <class Visitor>
inline void with_bits(int64_t size, const Visitor& visit) {
  switch (size) {
    case 1:
      return visit(uint8_t());
    case 2:
      return visit(uint16_t());
    case 4:
      return visit(uint32_t());
    default:
      return visit(uint64_t());
  }
}
inline void gather_row(char* out, const char* p, int64_t step, int64_t n, int64_t size) {
  with_bits(size, [&](auto bits) { gather_row(reinterpret_cast<decltype(bits)*>(out), p, step, n); });
}
inline void scatter_row(char* p, int64_t step, const char* x, int64_t n, int64_t size) {
  with_bits(size, [&](auto bits) { scatter_row(p, step, reinterpret_cast<const decltype(bits)*>(x), n); });
}

}  // namespace
}  // namespace neurite::NR_ISA
