// Max and average pooling over the last 1 to 3 dims of [B, C, ...], and their gradients (pool_window.h,
// pool_gradient.h). Every input is fetched from memory once, by neighbouring threads side by side; the taps that
// windows share come from the first-level cache. What a thread does besides reading is a few dozen instructions, so
// that memory is the bound for windows up to 3 × 3 of float32. Sums are of float32 for 16-bit floats.
#include "dispatch.h"
#include "pool_gradient.h"
#include "pool_window.h"
#include "table.h"

namespace neurite::cuda {

void max_pool(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_optional* index, nr_ints size, nr_ints stride,
              nr_ints padding, nr_ints dilation) {
  const PoolShape s = make_pool_shape(*x, *y, size, stride, padding, &dilation);
  dispatch(floating_types{}, x->dtype, [&]<class T>() {
    const auto find = [&]<class Index>() {
      pool_windows<T>(ctx, s, *x, [&](int64_t batch, int64_t channel) {
        Index* const places =
            index->present ? PlaceView<Index>(index->tensor).from(batch, channel).data : static_cast<Index*>(nullptr);
        return WindowMaximum<T, Index>{PlaceView<T>(*y).from(batch, channel), places};
      });
    };
    dispatch(index_types{}, index->present ? index->tensor.dtype : nr_dtype_i32, find);
  });
}

void max_pool_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* index, nr_tensor* dx, nr_ints size,
                       nr_ints stride, nr_ints padding, nr_ints dilation) {
  const PoolShape s = make_pool_shape(*dx, *dy, size, stride, padding, &dilation);
  const int64_t inputs = s.inputs().count();
  const Check check = take_check(ctx, "INDEX_OUT_OF_RANGE", "expected index in [0, %lld), got %lld");
  dispatch(floating_types{}, dx->dtype, [&]<class T>() {
    dispatch(index_types{}, index->dtype, [&]<class Index>() {
      gather_gradients<T>(ctx, s, *dx, [&](int64_t batch, int64_t channel) {
        return MaximumGradient<T, Index>{PlaceView<const T>(*dy).from(batch, channel),
                                         PlaceView<const Index>(*index).from(batch, channel), inputs, check};
      });
    });
  });
}

void avg_pool(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_ints size, nr_ints stride, nr_ints padding,
              bool count_include_pad) {
  const PoolShape s = make_pool_shape(*x, *y, size, stride, padding, nullptr);
  dispatch(floating_types{}, x->dtype, [&]<class T>() {
    pool_windows<T>(ctx, s, *x, [&](int64_t batch, int64_t channel) {
      return WindowMean<T>{PlaceView<T>(*y).from(batch, channel), {s.axis[0], s.axis[1], s.axis[2]}, count_include_pad};
    });
  });
}

void avg_pool_backward(nr_context* ctx, const nr_tensor* dy, nr_tensor* dx, nr_ints size, nr_ints stride,
                       nr_ints padding, bool count_include_pad) {
  const PoolShape s = make_pool_shape(*dx, *dy, size, stride, padding, nullptr);
  dispatch(floating_types{}, dx->dtype, [&]<class T>() {
    gather_gradients<T>(ctx, s, *dx, [&](int64_t batch, int64_t channel) {
      return MeanGradient<T>{
          PlaceView<const T>(*dy).from(batch, channel), {s.axis[0], s.axis[1], s.axis[2]}, count_include_pad};
    });
  });
}

}  // namespace neurite::cuda
