// Random fills. Targets may be views; a new result (dropout, randperm) is contiguous.
#include <cmath>

#include "contract/contract.h"

namespace neurite::contract {
namespace {

verdict floating_target(const nr_tensor& y) {
  if (!is_float(y)) return "a floating dtype";
  if (!is_writable(y)) return "a target whose elements do not overlap";
  return nullptr;
}

}  // namespace

verdict dropout(const nr_tensor* x, nr_tensor* y, double p, nr_philox) {
  if (!is_float(*x) || x->dtype != y->dtype) return "tensors of one floating dtype";
  if (!same_shape(*x, *y)) return "tensors of one shape";
  if (!is_contiguous(*y)) return "a contiguous result";
  if (!(p >= 0 && p <= 1)) return "p in [0, 1]";
  return nullptr;
}

verdict uniform(nr_tensor* y, double low, double high, nr_philox) {
  if (!(low <= high) || !std::isfinite(high - low)) return "low <= high, both finite";
  return floating_target(*y);
}

verdict normal(nr_tensor* y, double mean, double std, nr_philox) {
  if (!std::isfinite(mean) || !(std >= 0) || !std::isfinite(std)) return "a finite mean and std >= 0";
  return floating_target(*y);
}

verdict randint(nr_tensor* y, int64_t low, int64_t high, nr_philox) {
  if (y->dtype == nr_dtype_bool8) return "an integer or floating dtype";
  if (low >= high) return "low < high";
  if (!is_writable(*y)) return "a target whose elements do not overlap";
  return nullptr;
}

verdict bernoulli(const nr_tensor* p, nr_tensor* y, nr_philox) {
  if (!is_float(*p)) return "probabilities of a floating dtype";
  if (!broadcasts_to(*p, *y)) return "probabilities that broadcast to the result";
  if (!is_writable(*y)) return "a target whose elements do not overlap";
  return nullptr;
}

verdict randperm(nr_tensor* y, nr_philox) {
  if (y->ndim != 1 || y->dtype != nr_dtype_i64 || !is_contiguous(*y)) return "a contiguous int64 vector";
  return nullptr;
}

}  // namespace neurite::contract
