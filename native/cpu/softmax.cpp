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

// ---- rows: `e` has room for n numbers; it is y itself where y has the type computed in.

struct SoftmaxForward {
  template <class T, class C>
  static void row(const T* x, T* y, C* e, int64_t n) {
    using V = vector_t<T>;
    const V top(max_row<V>(n, x));
    const V scale(static_cast<C>(1 / sum_row<V>(n, [&](int64_t i, auto lanes) {
      const V p = exp(load<V>(x + i, lanes) - top);
      store(e + i, p, lanes);
      return fill_tail(p, V(0), lanes);
    })));
    each_vector<V>(n, [&](int64_t i, auto lanes) { store(y + i, load<V>(e + i, lanes) * scale, lanes); });
  }
  template <class V>
  static V last(V x, V top, V sum) {
    return exp(x - top) / sum;
  }
};

struct LogSoftmaxForward {
  template <class T, class C>
  static void row(const T* x, T* y, C*, int64_t n) {
    using V = vector_t<T>;
    const V top(max_row<V>(n, x));
    const V log_sum(static_cast<C>(__builtin_log(sum_row<V>(
        n, [&](int64_t i, auto lanes) { return fill_tail(exp(load<V>(x + i, lanes) - top), V(0), lanes); }))));
    each_vector<V>(n, [&](int64_t i, auto lanes) { store(y + i, load<V>(x + i, lanes) - top - log_sum, lanes); });
  }
  template <class V>
  static V last(V x, V top, V sum) {
    return x - top - log(sum);
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

template <class Op, class T>
void backward_row(const T* dy, const T* y, T* dx, int64_t n) {
  using V = vector_t<T>;
  const V sum(static_cast<compute_t<T>>(sum_row<V>(
      n, [&](int64_t i, auto lanes) { return Op::term(load<V>(dy + i, lanes), load<V>(y + i, lanes)); })));
  each_vector<V>(n, [&](int64_t i, auto lanes) {
    store(dx + i, Op::last(load<V>(dy + i, lanes), load<V>(y + i, lanes), sum), lanes);
  });
}

// ---- strips: `vectors` neighbouring vectors of columns; element (i, j) of the strip lies at i * inner + j * width.

// sum[j] = the sum of term(i, j) over i, in blocks, so that long columns keep their precision.
template <class V, int vectors, class Term>
void sum_strip(int64_t n, V (&sum)[vectors], const Term& term) {
  constexpr int64_t block = 128;
  for (V& s : sum) s = V(0);
  for (int64_t begin = 0; begin < n; begin += block) {
    V partial[vectors];
    for (V& p : partial) p = V(0);
    for (int64_t i = begin; i < begin + block && i < n; i++)
      for (int j = 0; j < vectors; j++) partial[j] = partial[j] + term(i, j);
    for (int j = 0; j < vectors; j++) sum[j] = sum[j] + partial[j];
  }
}

template <class Op, int vectors, class T, class Lanes>
void forward_strip(const T* x, T* y, int64_t n, int64_t inner, Lanes lanes) {
  using V = vector_t<T>;
  const auto at = [&](int64_t i, int j) { return load<V>(x + i * inner + j * V::width, lanes); };
  V top[vectors], sum[vectors];
  for (V& t : top) t = V(-__builtin_inff());
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < vectors; j++) top[j] = max(top[j], at(i, j));
  sum_strip(n, sum, [&](int64_t i, int j) { return exp(at(i, j) - top[j]); });
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < vectors; j++) store(y + i * inner + j * V::width, Op::last(at(i, j), top[j], sum[j]), lanes);
}

template <class Op, int vectors, class T, class Lanes>
void backward_strip(const T* dy, const T* y, T* dx, int64_t n, int64_t inner, Lanes lanes) {
  using V = vector_t<T>;
  const auto at = [&](const T* p, int64_t i, int j) { return load<V>(p + i * inner + j * V::width, lanes); };
  V sum[vectors];
  sum_strip(n, sum, [&](int64_t i, int j) { return Op::term(at(dy, i, j), at(y, i, j)); });
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < vectors; j++)
      store(dx + i * inner + j * V::width, Op::last(at(dy, i, j), at(y, i, j), sum[j]), lanes);
}

// ---- how the work is cut

struct Extents {
  int64_t outer = 1, n = 1, inner = 1;
  Extents(const nr_tensor& t, int64_t dim) {
    for (int d = 0; d < t.ndim; d++) (d < dim ? outer : d == dim ? n : inner) *= t.shape[d];
  }
  bool empty() const { return outer * n * inner == 0; }
};

// strip(offset of the first element, vectors as a type, lanes) for every strip of every outer index.
template <class V, class Strip>
void each_strip(nr_context* ctx, const Extents& e, const Strip& strip) {
  constexpr int64_t wide = 4 * V::width;
  const int64_t strips = (e.inner + wide - 1) / wide;
  const int64_t columns = e.inner < wide ? e.inner : wide;
  parallel_range(ctx, e.outer * strips, task_elements / (e.n * columns), [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; s++) {
      int64_t column = s % strips * wide;
      const int64_t offset = s / strips * e.n * e.inner;
      if (column + wide <= e.inner) {
        strip(offset + column, std::integral_constant<int, 4>{}, whole{});
        continue;
      }
      for (; column + V::width <= e.inner; column += V::width)
        strip(offset + column, std::integral_constant<int, 1>{}, whole{});
      if (column < e.inner) strip(offset + column, std::integral_constant<int, 1>{}, e.inner - column);
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
      return each_strip<vector_t<T>>(ctx, e, [&](int64_t offset, auto vectors, auto lanes) {
        forward_strip<Op, decltype(vectors)::value>(x + offset, y + offset, e.n, e.inner, lanes);
      });
    }
    const int64_t rows = e.n < task_elements ? task_elements / e.n : 1;
    C* scratch = nullptr;
    if constexpr (is_half<T>) {
      scratch = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(ctx->threads * e.n) * sizeof(C)));
      if (!scratch) return;
    }
    parallel_tasks(ctx, (e.outer + rows - 1) / rows, [&](int64_t task, int32_t thread) {
      for (int64_t r = task * rows; r < (task + 1) * rows && r < e.outer; r++) {
        if constexpr (is_half<T>) {
          Op::row(x + r * e.n, y + r * e.n, scratch + thread * e.n, e.n);
        } else {
          Op::row(x + r * e.n, y + r * e.n, y + r * e.n, e.n);
        }
      }
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
      return each_strip<vector_t<T>>(ctx, e, [&](int64_t offset, auto vectors, auto lanes) {
        backward_strip<Op, decltype(vectors)::value>(dy + offset, y + offset, dx + offset, e.n, e.inner, lanes);
      });
    }
    parallel_range(ctx, e.outer, task_elements / e.n, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin * e.n; at < end * e.n; at += e.n) backward_row<Op>(dy + at, y + at, dx + at, e.n);
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
