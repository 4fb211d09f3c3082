// The contract of each kernel: what its arguments must satisfy so that it can neither read nor write out of bounds.
// Contracts run on the calling thread before a command is enqueued, for every device. They are the last line of
// defence behind lib/ops, whose messages speak the user's language. One function per kernel, one file per family.
// A contract returns NULL, or says in a few words what it expected; the addon adds the kernel's name and the shapes.
#pragma once
#include "backend.h"

namespace neurite::contract {

using verdict = const char*;

#define NR_KERNEL(name, ...) verdict name(__VA_ARGS__);
#include "kernels.def"

inline bool is_float(int32_t dtype) {
  return dtype == nr_dtype_f32 || dtype == nr_dtype_f64 || dtype == nr_dtype_f16 || dtype == nr_dtype_bf16;
}
inline bool is_float(const nr_tensor& t) {
  return is_float(t.dtype);
}

// What sums and statistics of this floating dtype are held in.
inline int32_t accumulation_dtype(int32_t dtype) {
  return dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32;
}

inline int64_t element_size(int32_t dtype) {
  static constexpr int64_t sizes[] = {
#define NR_DTYPE(tag, name, type) sizeof(type),
#include "dtypes.def"
  };
  return sizes[dtype];
}

inline int64_t numel(const nr_tensor& t) {
  int64_t n = 1;
  for (int d = 0; d < t.ndim; d++) n *= t.shape[d];
  return n;
}

inline bool same_shape(const nr_tensor& a, const nr_tensor& b) {
  if (a.ndim != b.ndim) return false;
  for (int d = 0; d < a.ndim; d++)
    if (a.shape[d] != b.shape[d]) return false;
  return true;
}

inline bool is_like(const nr_tensor& t, const nr_tensor& x) {
  return t.dtype == x.dtype && same_shape(t, x);
}

inline bool is_contiguous(const nr_tensor& t) {
  if (numel(t) == 0) return true;
  int64_t expected = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    if (t.shape[d] != 1 && t.stride[d] != expected) return false;
    expected *= t.shape[d];
  }
  return true;
}

// True if `from` broadcasts to `to`: aligned at the last dim, every dim equal or 1.
inline bool broadcasts_to(const nr_tensor& from, const nr_tensor& to) {
  if (from.ndim > to.ndim) return false;
  for (int d = 0; d < from.ndim; d++) {
    const int64_t n = from.shape[from.ndim - 1 - d];
    if (n != 1 && n != to.shape[to.ndim - 1 - d]) return false;
  }
  return true;
}

// True if the address ranges that a and b span meet: writing one may change the other.
inline bool overlap(const nr_tensor& a, const nr_tensor& b) {
  if (numel(a) == 0 || numel(b) == 0) return false;
  const nr_tensor* const tensors[] = {&a, &b};
  const char *first[2], *last[2];
  for (int i = 0; i < 2; i++) {
    const nr_tensor& t = *tensors[i];
    int64_t low = 0, high = 1;
    for (int d = 0; d < t.ndim; d++) (t.stride[d] < 0 ? low : high) += (t.shape[d] - 1) * t.stride[d];
    first[i] = static_cast<const char*>(t.data) + low * element_size(t.dtype);
    last[i] = static_cast<const char*>(t.data) + high * element_size(t.dtype);
  }
  return first[0] < last[1] && first[1] < last[0];
}

// The part of a contract that is about an epilogue, for kernels that have one.
verdict epilogue(const nr_optional& residual, const nr_tensor& y, const nr_optional& preactivation, int64_t activation);

// True if no two elements of t share an address, so that threads may write all of them.
inline bool is_writable(const nr_tensor& t) {
  if (numel(t) == 0) return true;
  for (int d = 0; d < t.ndim; d++)
    if (t.shape[d] > 1 && t.stride[d] == 0) return false;
  return true;
}

}  // namespace neurite::contract
