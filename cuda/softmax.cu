// Softmax and log-softmax along one dim, and their gradients. x is seen as [outer, n, inner]. With inner = 1 a row is
// held in registers (row_pieces.h); otherwise blocks take columns side by side and walk down n twice, the second time
// mostly in cache. One exponential (log-softmax and its gradient: one, softmax's gradient: none) per element and pass:
// the floor is memory.
#include "contiguous.h"
#include "row_pieces.h"
#include "softmax_columns.h"

namespace neurite::cuda {
namespace {

struct Extents {
  int64_t outer = 1, n = 1, inner = 1;
  Extents(const nr_tensor& t, int64_t dim) {
    for (int d = 0; d < t.ndim; d++) (d < dim ? outer : d == dim ? n : inner) *= t.shape[d];
  }
  bool empty() const { return outer * n * inner == 0; }
};

template <class T, bool logarithm>
void forward(nr_context* ctx, const nr_tensor& x_tensor, nr_tensor& y_tensor, int64_t dim) {
  const Extents e(x_tensor, dim);
  if (e.empty()) return;
  const T* x = elements<T>(ctx, x_tensor);
  T* y = static_cast<T*>(y_tensor.data);
  if (!x) return;
  if (e.inner == 1)
    run_rows<T>(ctx, SoftmaxRow<T, logarithm>{x, y}, e.outer, e.n, are_packed({x, y}));
  else
    run_columns(ctx, SoftmaxColumn<T, logarithm>{x, y}, e.outer, e.n, e.inner);
}

template <class T, bool logarithm>
void backward(nr_context* ctx, const nr_tensor& dy_tensor, const nr_tensor& y_tensor, nr_tensor& dx_tensor,
              int64_t dim) {
  const Extents e(y_tensor, dim);
  if (e.empty()) return;
  const T *dy = elements<T>(ctx, dy_tensor), *y = elements<T>(ctx, y_tensor);
  T* dx = static_cast<T*>(dx_tensor.data);
  if (!dy || !y) return;
  if (e.inner == 1)
    run_rows<T>(ctx, SoftmaxRowBackward<T, logarithm>{dy, y, dx}, e.outer, e.n, are_packed({dy, y, dx}));
  else
    run_columns(ctx, SoftmaxColumnBackward<T, logarithm>{dy, y, dx}, e.outer, e.n, e.inner);
}

}  // namespace

void softmax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dim) {
  dispatch(floating_types{}, x->dtype, [&]<class T>() { forward<T, false>(ctx, *x, *y, dim); });
}

void softmax_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* y, nr_tensor* dx, int64_t dim) {
  dispatch(floating_types{}, y->dtype, [&]<class T>() { backward<T, false>(ctx, *dy, *y, *dx, dim); });
}

void log_softmax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dim) {
  dispatch(floating_types{}, x->dtype, [&]<class T>() { forward<T, true>(ctx, *x, *y, dim); });
}

void log_softmax_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* y, nr_tensor* dx, int64_t dim) {
  dispatch(floating_types{}, y->dtype, [&]<class T>() { backward<T, true>(ctx, *dy, *y, *dx, dim); });
}

}  // namespace neurite::cuda
