// Max and average pooling over the last 1 to 3 dims of [B, C, ...], and their gradients. Planes are independent: a task
// takes a few whole planes and works through them line by line (max_pool.h, avg_pool.h). Gradients are added in a fixed
// order, in float32 for 16-bit floats.
#include "cpu/avg_pool.h"
#include "cpu/max_pool.h"

namespace neurite::NR_ISA {
namespace {

// body(plane) for every plane.
template <class Body>
inline void each_plane(nr_context* ctx, const pool_shape& s, const Body& body) {
  parallel_range(ctx, s.planes, planes_per_task(s), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; plane++) body(plane);
  });
}

// add(plane, sums) adds a plane's gradient into zeroed sums, which are dx itself or, for 16-bit floats, working memory
// that is then rounded into dx (contiguous).
template <class T, class Add>
inline void each_gradient_plane(nr_context* ctx, const pool_shape& s, nr_tensor& dx, const Add& add) {
  using Sum = compute_t<T>;
  const int64_t size = s.inputs(), grain = planes_per_task(s), tasks = (s.planes + grain - 1) / grain;
  if (s.planes == 0 || size == 0) return;
  Sum* buffers = nullptr;
  if constexpr (!std::is_same_v<T, Sum>) {
    buffers = static_cast<Sum*>(ctx->scratch(ctx, static_cast<size_t>(ctx->threads * size) * sizeof(Sum)));
    if (!buffers) return;
  }
  parallel_tasks(ctx, tasks, [&](int64_t task, int32_t thread) {
    const int64_t end = (task + 1) * grain < s.planes ? (task + 1) * grain : s.planes;
    for (int64_t plane = task * grain; plane < end; plane++) {
      T* out = static_cast<T*>(dx.data) + plane * size;
      Sum* sums;
      if constexpr (std::is_same_v<T, Sum>) {
        sums = out;
      } else {
        sums = buffers + thread * size;
      }
      __builtin_memset(sums, 0, static_cast<size_t>(size) * sizeof(Sum));
      add(plane, sums);
      if constexpr (!std::is_same_v<T, Sum>) {
        for (int64_t i = 0; i < size; i++) out[i] = convert<T>(sums[i]);
      }
    }
  });
}

}  // namespace

void max_pool(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_tensor* index, nr_ints size, nr_ints stride,
              nr_ints padding, nr_ints dilation) {
  const pool_shape s = make_pool_shape(*x, *y, size, stride, padding, &dilation);
  with_float_dtype(x->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_plane(ctx, s, [&](int64_t plane) {
      max_pool_plane(s, plane_of<const T>(*x, s.channels, plane), plane_of<T>(*y, s.channels, plane),
                     plane_of<int64_t>(*index, s.channels, plane));
    });
  });
}

void max_pool_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* index, nr_tensor* dx, nr_ints size,
                       nr_ints stride, nr_ints padding, nr_ints dilation) {
  const pool_shape s = make_pool_shape(*dx, *dy, size, stride, padding, &dilation);
  with_float_dtype(dx->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_gradient_plane<T>(ctx, s, *dx, [&](int64_t plane, auto* sums) {
      int64_t bad;
      if (!max_pool_backward_plane(s, plane_of<const T>(*dy, s.channels, plane),
                                   plane_of<const int64_t>(*index, s.channels, plane), sums, &bad))
        ctx->fail(ctx, "INDEX_OUT_OF_RANGE", "expected index in [0, %lld), got %lld in plane %lld",
                  static_cast<long long>(s.inputs()), static_cast<long long>(bad), static_cast<long long>(plane));
    });
  });
}

void avg_pool(nr_context* ctx, const nr_tensor* x, nr_tensor* y, nr_ints size, nr_ints stride, nr_ints padding,
              bool count_include_pad) {
  const pool_shape s = make_pool_shape(*x, *y, size, stride, padding, nullptr);
  with_float_dtype(x->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_plane(ctx, s, [&](int64_t plane) {
      avg_pool_plane(s, plane_of<const T>(*x, s.channels, plane), plane_of<T>(*y, s.channels, plane),
                     count_include_pad);
    });
  });
}

void avg_pool_backward(nr_context* ctx, const nr_tensor* dy, nr_tensor* dx, nr_ints size, nr_ints stride,
                       nr_ints padding, bool count_include_pad) {
  const pool_shape s = make_pool_shape(*dx, *dy, size, stride, padding, nullptr);
  with_float_dtype(dx->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each_gradient_plane<T>(ctx, s, *dx, [&](int64_t plane, auto* sums) {
      avg_pool_backward_plane(s, plane_of<const T>(*dy, s.channels, plane), sums, count_include_pad);
    });
  });
}

}  // namespace neurite::NR_ISA
