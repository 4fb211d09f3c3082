// Max and average pooling over the last 1 to 3 dims of [B, C, ...], and their gradients, line by line (pool_reduce.h,
// max_pool.h, avg_pool.h; pool_backward.h). Gradients are added in float32 for 16-bit floats.
#include "cpu/avg_pool.h"
#include "cpu/max_pool.h"

namespace neurite::NR_ISA {
namespace {

// body(index_tag) with the type of an index tensor.
template <class Body>
inline void with_index_type(const nr_tensor& index, const Body& body) {
  if (index.dtype == nr_dtype_i32) {
    body(type_tag<int32_t>{});
  } else {
    body(type_tag<int64_t>{});
  }
}

}  // namespace

void max_pool(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_optional* index, nr_ints size, nr_ints stride,
              nr_ints padding, nr_ints dilation) {
  const pool_shape s = make_pool_shape(*x, *y, size, stride, padding, &dilation);
  with_float_dtype(x->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (!index->present) return reduce_windows<T>(ctx, s, *x, *y, window_max<T>{});
    with_index_type(index->tensor, [&](auto index_tag) {
      find_maxima<T, typename decltype(index_tag)::type>(ctx, s, *x, *y, index->tensor);
    });
  });
}

void max_pool_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* index, nr_tensor* dx, nr_ints size,
                       nr_ints stride, nr_ints padding, nr_ints dilation) {
  const pool_shape s = make_pool_shape(*dx, *dy, size, stride, padding, &dilation);
  with_float_dtype(dx->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    pool_columns columns;
    if (s.planes == 0 || !make_pool_columns<vector_t<T>>(ctx, s.axis[2], columns)) return;
    const place_table<T> table(ctx, columns);
    if (!table.is_made()) return;
    with_index_type(*index, [&](auto index_tag) {
      using Index = typename decltype(index_tag)::type;
      gather_gradients<T>(ctx, s, columns, max_gradient<T, Index>{ctx, s, table, *dy, *index}, *dx);
    });
  });
}

void avg_pool(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_ints size, nr_ints stride, nr_ints padding,
              bool count_include_pad) {
  const pool_shape s = make_pool_shape(*x, *y, size, stride, padding, nullptr);
  with_float_dtype(x->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const window_mean<T> mean(ctx, s, count_include_pad);
    if (mean.is_made()) reduce_windows<T>(ctx, s, *x, *y, mean);
  });
}

void avg_pool_backward(nr_context* ctx, const nr_tensor* dy, nr_tensor* dx, nr_ints size, nr_ints stride,
                       nr_ints padding, bool count_include_pad) {
  const pool_shape s = make_pool_shape(*dx, *dy, size, stride, padding, nullptr);
  with_float_dtype(dx->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    pool_columns columns;
    if (s.planes == 0 || !make_pool_columns<vector_t<T>>(ctx, s.axis[2], columns)) return;
    const window_mean<T> mean(ctx, s, count_include_pad);
    if (!mean.is_made()) return;
    gather_gradients<T>(ctx, s, columns, mean_gradient<T>{mean, s.axis[2].out, *dy}, *dx);
  });
}

}  // namespace neurite::NR_ISA
