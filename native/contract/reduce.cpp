// Reductions: bit d of dims is a dim of x; y is contiguous with one element per combination of the kept dims.
#include "contract/contract.h"

namespace neurite::contract {
namespace {

struct extent {
  int64_t outputs = 1, n = 1;
};

extent extent_of(const nr_tensor& x, int64_t dims) {
  extent e;
  for (int d = 0; d < x.ndim; d++) (dims >> d & 1 ? e.n : e.outputs) *= x.shape[d];
  return e;
}

verdict reduction(const nr_tensor& x, const nr_tensor& y, int64_t dims, int32_t dtype) {
  if (dims < 0 || dims >> x.ndim != 0) return "dims to reduce in [0, ndim)";
  if (y.dtype != dtype) return "an output of the reduction's dtype";
  if (!is_contiguous(y) || numel(y) != extent_of(x, dims).outputs)
    return "a contiguous output with an element per combination of the kept dims";
  return nullptr;
}

verdict wide(const nr_tensor& x, const nr_tensor& y, int64_t dims) {
  return reduction(x, y, dims, is_float(x) ? x.dtype : static_cast<int32_t>(nr_dtype_i64));
}

verdict extreme(const nr_tensor& x, const nr_tensor& y, int64_t dims, int32_t dtype) {
  if (verdict v = reduction(x, y, dims, dtype)) return v;
  const extent e = extent_of(x, dims);
  return e.n == 0 && e.outputs > 0 ? "at least one element to choose from" : nullptr;
}

// Positions count within one dim, or within all of them.
verdict position(const nr_tensor& x, const nr_tensor& y, int64_t dims) {
  const bool one = (dims & (dims - 1)) == 0 && dims != 0;
  if (!one && dims != (int64_t{1} << x.ndim) - 1) return "one dim or all dims";
  return extreme(x, y, dims, nr_dtype_i64);
}

}  // namespace

verdict sum(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return wide(*x, *y, dims);
}
verdict prod(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return wide(*x, *y, dims);
}
verdict mean(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return is_float(*x) ? reduction(*x, *y, dims, x->dtype) : "a floating dtype";
}
verdict amax(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return extreme(*x, *y, dims, x->dtype);
}
verdict amin(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return extreme(*x, *y, dims, x->dtype);
}
verdict any(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return reduction(*x, *y, dims, nr_dtype_bool8);
}
verdict all(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return reduction(*x, *y, dims, nr_dtype_bool8);
}
verdict argmax(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return position(*x, *y, dims);
}
verdict argmin(const nr_tensor* x, nr_tensor* y, int64_t dims) {
  return position(*x, *y, dims);
}

}  // namespace neurite::contract
