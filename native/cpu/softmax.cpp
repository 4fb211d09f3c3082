// Softmax and log-softmax along one dim, and their gradients. x is seen as [outer, n, inner]. With inner = 1 a row is
// contiguous: one pass finds its maximum, one sums exp(x - max), one scales, all while the row is in cache. Otherwise
// strips of neighbouring columns are walked down n, a lane per column. 16-bit floats are computed in float32.
#include "cpu/contiguous.h"
#include "cpu/parallel.h"
#include "cpu/row.h"
#include "cpu/vmath.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t task_elements = 16384;

// ---- rows: `e` has room for n numbers; it is y itself where y has the type computed in and is not streamed.

struct SoftmaxForward {
  template <class Streamed, class T, class C>
  static void row(Streamed streamed, const T* x, T* y, C* e, int64_t n) {
    using V = vector_t<T>;
    const V top(max_row<V>(n, x));
    const V scale(static_cast<C>(1 / sum_row<V>(n, [&](int64_t i, auto lanes) {
                                   const V p = exp(load<V>(x + i, lanes) - top);
                                   store(e + i, p, lanes);
                                   return fill_tail(p, V(0), lanes);
                                 })));
    each_vector<V>(n, [&](int64_t i, auto lanes) { put(streamed, y + i, load<V>(e + i, lanes) * scale, lanes); });
  }
  template <class V>
  static V scale(V sum) {
    return V(1) / sum;
  }
  template <class V>
  static V last(V x, V top, V scale) {
    return exp(x - top) * scale;
  }
};

struct LogSoftmaxForward {
  template <class Streamed, class T, class C>
  static void row(Streamed streamed, const T* x, T* y, C*, int64_t n) {
    using V = vector_t<T>;
    const V top(max_row<V>(n, x));
    const V log_sum(static_cast<C>(__builtin_log(sum_row<V>(
        n, [&](int64_t i, auto lanes) { return fill_tail(exp(load<V>(x + i, lanes) - top), V(0), lanes); }))));
    each_vector<V>(n,
                   [&](int64_t i, auto lanes) { put(streamed, y + i, load<V>(x + i, lanes) - top - log_sum, lanes); });
  }
  template <class V>
  static V scale(V sum) {
    return log(sum);
  }
  template <class V>
  static V last(V x, V top, V log_sum) {
    return x - top - log_sum;
  }
};

// dx = y (dy - sum(dy y))
struct SoftmaxBackward {
  template <class V>
  static V term(V dy, V y) {
    return dy * y;
  }
  template <class V>
  static V last(V dy, V y, V sum) {
    return y * (dy - sum);
  }
};

// dx = dy - exp(y) sum(dy)
struct LogSoftmaxBackward {
  template <class V>
  static V term(V dy, V) {
    return dy;
  }
  template <class V>
  static V last(V dy, V y, V sum) {
    return dy - exp(y) * sum;
  }
};

template <class Op, class Streamed, class T>
void backward_row(Streamed streamed, const T* dy, const T* y, T* dx, int64_t n) {
  using V = vector_t<T>;
  const V sum(static_cast<compute_t<T>>(
      sum_row<V>(n, [&](int64_t i, auto lanes) { return Op::term(load<V>(dy + i, lanes), load<V>(y + i, lanes)); })));
  each_vector<V>(n, [&](int64_t i, auto lanes) {
    put(streamed, dx + i, Op::last(load<V>(dy + i, lanes), load<V>(y + i, lanes), sum), lanes);
  });
}

// ---- strips: `width` neighbouring columns. Rows of a strip are read one after another, with a number per column in
// small arrays, so that memory is read along lines however far apart the rows lie.

constexpr int64_t strip_columns = 256;

// sum[j] = the sum over i of term(offset of the vector at (i, j), j, lanes), in blocks of rows, so that long columns
// keep their precision.
template <class V, class Term>
void sum_strip(int64_t n, int64_t inner, int64_t width, typename V::lane* sum, const Term& term) {
  constexpr int64_t block = 128;
  alignas(64) typename V::lane partial[strip_columns];
  each_vector<V>(width, [&](int64_t j, auto lanes) { store(sum + j, V(0), lanes); });
  for (int64_t begin = 0; begin < n; begin += block) {
    each_vector<V>(width, [&](int64_t j, auto lanes) { store(partial + j, V(0), lanes); });
    for (int64_t i = begin; i < begin + block && i < n; i++)
      each_vector<V>(width, [&](int64_t j, auto lanes) {
        store(partial + j, load<V>(partial + j, lanes) + term(i * inner + j, j, lanes), lanes);
      });
    each_vector<V>(width, [&](int64_t j, auto lanes) {
      store(sum + j, load<V>(sum + j, lanes) + load<V>(partial + j, lanes), lanes);
    });
  }
}

template <class Op, class T>
void forward_strip(const T* x, T* y, int64_t n, int64_t inner, int64_t width) {
  using V = vector_t<T>;
  alignas(64) compute_t<T> top[strip_columns], sum[strip_columns];
  each_vector<V>(width, [&](int64_t j, auto lanes) { store(top + j, V(-__builtin_inff()), lanes); });
  for (int64_t i = 0; i < n; i++)
    each_vector<V>(width, [&](int64_t j, auto lanes) {
      store(top + j, max(load<V>(top + j, lanes), load<V>(x + i * inner + j, lanes)), lanes);
    });
  sum_strip<V>(n, inner, width, sum, [&](int64_t at, int64_t j, auto lanes) {
    return exp(load<V>(x + at, lanes) - load<V>(top + j, lanes));
  });
  each_vector<V>(width, [&](int64_t j, auto lanes) { store(sum + j, Op::scale(load<V>(sum + j, lanes)), lanes); });
  for (int64_t i = 0; i < n; i++)
    each_vector<V>(width, [&](int64_t j, auto lanes) {
      const int64_t at = i * inner + j;
      store(y + at, Op::last(load<V>(x + at, lanes), load<V>(top + j, lanes), load<V>(sum + j, lanes)), lanes);
    });
}

template <class Op, class T>
void backward_strip(const T* dy, const T* y, T* dx, int64_t n, int64_t inner, int64_t width) {
  using V = vector_t<T>;
  alignas(64) compute_t<T> sum[strip_columns];
  sum_strip<V>(n, inner, width, sum, [&](int64_t at, int64_t, auto lanes) {
    return Op::term(load<V>(dy + at, lanes), load<V>(y + at, lanes));
  });
  for (int64_t i = 0; i < n; i++)
    each_vector<V>(width, [&](int64_t j, auto lanes) {
      const int64_t at = i * inner + j;
      store(dx + at, Op::last(load<V>(dy + at, lanes), load<V>(y + at, lanes), load<V>(sum + j, lanes)), lanes);
    });
}

// ---- how the work is cut

struct Extents {
  int64_t outer = 1, n = 1, inner = 1;
  Extents(const nr_tensor& t, int64_t dim) {
    for (int d = 0; d < t.ndim; d++) (d < dim ? outer : d == dim ? n : inner) *= t.shape[d];
  }
  bool empty() const { return outer * n * inner == 0; }
};

// strip(offset of the first element, width) for every strip of every outer index.
template <class Strip>
void each_strip(nr_context* ctx, const Extents& e, const Strip& strip) {
  const int64_t strips = (e.inner + strip_columns - 1) / strip_columns;
  const int64_t columns = e.inner < strip_columns ? e.inner : strip_columns;
  parallel_range(ctx, e.outer * strips, task_elements / (e.n * columns), [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; s++) {
      const int64_t column = s % strips * strip_columns, left = e.inner - column;
      strip(s / strips * e.n * e.inner + column, left < strip_columns ? left : strip_columns);
    }
  });
}

template <class Op>
void forward(nr_context* ctx, const nr_tensor& x_tensor, nr_tensor& y_tensor, int64_t dim) {
  const Extents e(x_tensor, dim);
  if (e.empty()) return;
  with_float_dtype(x_tensor.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const T* x = elements<T>(ctx, x_tensor);
    T* y = static_cast<T*>(y_tensor.data);
    if (!x) return;
    if (e.inner > 1) {
      return each_strip(ctx, e, [&](int64_t offset, int64_t width) {
        forward_strip<Op>(x + offset, y + offset, e.n, e.inner, width);
      });
    }
    const int64_t rows = e.n < task_elements ? task_elements / e.n : 1;
    with_streaming(y, e.outer, e.n, [&](auto streamed) {
      constexpr bool apart = is_half<T> || decltype(streamed)::value;
      C* scratch = nullptr;
      if constexpr (apart) {
        scratch = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(ctx->threads * e.n) * sizeof(C)));
        if (!scratch) return;
      }
      parallel_tasks(ctx, (e.outer + rows - 1) / rows, [&](int64_t task, int32_t thread) {
        for (int64_t r = task * rows; r < (task + 1) * rows && r < e.outer; r++) {
          if constexpr (apart) {
            Op::row(streamed, x + r * e.n, y + r * e.n, scratch + thread * e.n, e.n);
          } else {
            Op::row(streamed, x + r * e.n, y + r * e.n, y + r * e.n, e.n);
          }
        }
        stream_end();
      });
    });
  });
}

template <class Op>
void backward(nr_context* ctx, const nr_tensor& dy_tensor, const nr_tensor& y_tensor, nr_tensor& dx_tensor,
              int64_t dim) {
  const Extents e(y_tensor, dim);
  if (e.empty()) return;
  with_float_dtype(y_tensor.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* dy = elements<T>(ctx, dy_tensor);
    const T* y = elements<T>(ctx, y_tensor);
    T* dx = static_cast<T*>(dx_tensor.data);
    if (!dy || !y) return;
    if (e.inner > 1) {
      return each_strip(ctx, e, [&](int64_t offset, int64_t width) {
        backward_strip<Op>(dy + offset, y + offset, dx + offset, e.n, e.inner, width);
      });
    }
    with_streaming(dx, e.outer, e.n, [&](auto streamed) {
      parallel_range(ctx, e.outer, task_elements / e.n, [&](int64_t begin, int64_t end) {
        for (int64_t at = begin * e.n; at < end * e.n; at += e.n)
          backward_row<Op>(streamed, dy + at, y + at, dx + at, e.n);
        stream_end();
      });
    });
  });
}

}  // namespace

void softmax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dim) {
  forward<SoftmaxForward>(ctx, *x, *y, dim);
}

void softmax_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* y, nr_tensor* dx, int64_t dim) {
  backward<SoftmaxBackward>(ctx, *dy, *y, *dx, dim);
}

void log_softmax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dim) {
  forward<LogSoftmaxForward>(ctx, *x, *y, dim);
}

void log_softmax_backward(nr_context* ctx, const nr_tensor* dy, const nr_tensor* y, nr_tensor* dx, int64_t dim) {
  backward<LogSoftmaxBackward>(ctx, *dy, *y, *dx, dim);
}

}  // namespace neurite::NR_ISA
