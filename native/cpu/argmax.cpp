// argmax and argmin: the position of the first extreme within the reduced dims; NaN counts as the extreme. Dense runs:
// the extreme of a block by vectors (of short runs, of many at a time), then, only if it beats the best so far, its
// position. Columns: best values and
// positions of a tile of neighbouring outputs, side by side.
#include "cpu/convert.h"
#include "cpu/reduce.h"
#include "formulas.h"

namespace neurite::NR_ISA {
namespace {

template <bool largest, class A>
inline bool better(A x, A best) {
  return (largest ? x > best : x < best) | ((x != x) & (best == best));
}

template <bool largest>
struct block_extreme {
  template <class T>
  using accumulator = std::conditional_t<std::is_integral_v<T>, pack<T, 64 / sizeof(T)>, vector_t<T>>;
  template <class A>
  static A identity() {
    return convert<A>(largest ? -__builtin_inf() : __builtin_inf());
  }
  template <class V>
  static V combine(V a, V b) {
    if constexpr (largest)
      return maximum_formula(a, b);
    else
      return minimum_formula(a, b);
  }
};

template <class A>
struct candidate {
  A value;
  int64_t position;
};

template <bool largest, class T>
inline compute_t<T> extreme_of_block(const T* x, int64_t n) {
  using A = compute_t<T>;
  using Op = block_extreme<largest>;
  using V = typename Op::template accumulator<T>;
  A value = convert<A>(x[0]);
  int64_t i = 0;
  if (n >= V::width) {
    V best = lift<V>(x);
    for (i = V::width; i + V::width <= n; i += V::width) best = fold<Op>(best, lift<V>(x + i));
    value = fold_lanes<Op>(best);
  }
  for (; i < n; i++) value = Op::combine(value, convert<A>(x[i]));
  return value;
}

// Of a value that is there among n; NaN is equal to NaN.
template <class T>
inline int64_t first_position(const T* x, int64_t n, compute_t<T> value) {
  int64_t first = 0;
  if constexpr (is_float_type<T>) {  // the vector that has it
    using V = vector_t<T>;
    const V wanted(value);
    if (value == value) {
      while (first + V::width <= n && !any(load<V>(x + first) == wanted)) first += V::width;
    }
  }
  for (int64_t i = first;; i++) {
    const auto v = convert<compute_t<T>>(x[i]);
    if (v == value || (v != v && value != value)) return i;
  }
}

template <bool largest, class T>
void short_arg_runs(const char* x, int64_t step, int64_t n, int64_t count, void* partials) {
  using V = vector_t<T>;
  auto* out = static_cast<candidate<compute_t<T>>*>(partials);
  alignas(64) compute_t<T> best[V::width];
  for (int64_t first = 0; first < count; first += V::width) {
    const int64_t runs = count - first < V::width ? count - first : V::width;
    reduce_short_runs<block_extreme<largest>, T>(x + first * step, step, n, runs, best);
    for (int64_t k = 0; k < runs; k++)
      out[first + k] = {best[k], first_position(reinterpret_cast<const T*>(x + (first + k) * step), n, best[k])};
  }
}

template <bool largest, class T>
struct arg_run {
  candidate<compute_t<T>> best;
  int64_t position;
  bool found = false;

  explicit arg_run(int64_t first) : position(first) {}
  void add(const T* x, int64_t n) {
    constexpr int64_t block = 2048;
    for (int64_t i = 0; i < n; i += block) {
      const int64_t m = n - i < block ? n - i : block;
      const auto value = extreme_of_block<largest>(x + i, m);
      if (found && !better<largest>(value, best.value)) continue;
      best = {value, position + i + first_position(x + i, m, value)};
      found = true;
    }
    position += n;
  }
};

inline constexpr int64_t tile = 64;

template <bool largest, class T>
struct arg_columns {
  using A = compute_t<T>;
  A best[tile] = {};  // the first row is taken whatever is here, but it is compared
  int64_t where[tile] = {};
  int64_t position, first;

  explicit arg_columns(int64_t start) : position(start), first(start) {}
  void add(const char* p, int64_t step, int64_t rows, int64_t columns) {
    A x[tile];
    for (int64_t i = 0; i < rows; i++, position++, p += step) {
      convert_row(x, reinterpret_cast<const T*>(p), columns);
      for (int64_t c = 0; c < columns; c++) {
        const bool take = (position == first) | better<largest>(x[c], best[c]);
        best[c] = take ? x[c] : best[c];
        where[c] = take ? position : where[c];
      }
    }
  }
};

template <bool largest, class T>
reducer make_arg_reducer() {
  using run = arg_run<largest, T>;
  using columns = arg_columns<largest, T>;
  using C = candidate<compute_t<T>>;
  reducer op{sizeof(T), sizeof(C), sizeof(int64_t), tile};
  op.begin = [](void* state, int64_t first) { new (state) run(first); };
  op.add = [](void* state, const char* x, int64_t n) {
    static_cast<run*>(state)->add(reinterpret_cast<const T*>(x), n);
  };
  op.end = [](void* state, void* partial) { *static_cast<C*>(partial) = static_cast<run*>(state)->best; };
  if constexpr (is_float_type<T>) {
    op.short_run = 2048;
    op.short_runs = short_arg_runs<largest, T>;
  }
  op.columns_begin = [](void* state, int64_t first) { new (state) columns(first); };
  op.columns_add = [](void* state, const char* x, int64_t step, int64_t rows, int64_t count) {
    static_cast<columns*>(state)->add(x, step, rows, count);
  };
  op.columns_end = [](void* state, void* partials, int64_t count) {
    const columns& s = *static_cast<columns*>(state);
    for (int64_t c = 0; c < count; c++) static_cast<C*>(partials)[c] = {s.best[c], s.where[c]};
  };
  op.combine = [](void* partials, const void* later, int64_t count) {  // earlier positions win ties
    for (int64_t i = 0; i < count; i++) {
      C& a = static_cast<C*>(partials)[i];
      const C& b = static_cast<const C*>(later)[i];
      if (better<largest>(b.value, a.value)) a = b;
    }
  };
  op.finish = [](const void* partials, void* y, int64_t count, int64_t) {
    for (int64_t i = 0; i < count; i++) static_cast<int64_t*>(y)[i] = static_cast<const C*>(partials)[i].position;
  };
  return op;
}

template <bool largest>
void arg_extreme(nr_context* ctx, const nr_tensor& x, const nr_tensor& y, int64_t dims) {
  const reduction r = make_reduction(x, y, dims, true);
  with_dtype(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    reduce(ctx, r, make_arg_reducer<largest, T>(), y.data);
  });
}

}  // namespace

void argmax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  arg_extreme<true>(ctx, *x, *y, dims);
}
void argmin(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  arg_extreme<false>(ctx, *x, *y, dims);
}

}  // namespace neurite::NR_ISA
