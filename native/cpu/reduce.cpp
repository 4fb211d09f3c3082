// sum, mean, prod, amax, amin, any, all. 16-bit floats accumulate in float; integers and bools sum and multiply in
// int64; amax and amin give NaN if there is one.
#include "cpu/reduce.h"
#include "formulas.h"

namespace neurite::NR_ISA {
namespace {

template <class T>
using wide_accumulator = std::conditional_t<is_float_type<T>, vector_t<T>, pack<int64_t, 8>>;

template <class T>
struct own_accumulator_of {
  using type = vector_t<T>;
};
template <class T>
requires std::is_integral_v<T>
struct own_accumulator_of<T> {
  using type = pack<T, 64 / sizeof(T)>;
};

struct total {
  template <class T>
  using accumulator = wide_accumulator<T>;
  template <class A>
  static A identity() {
    return 0;
  }
  template <class V>
  static V combine(V a, V b) {
    return add_formula(a, b);
  }
};

struct product {
  template <class T>
  using accumulator = wide_accumulator<T>;
  template <class A>
  static A identity() {
    return 1;
  }
  template <class V>
  static V combine(V a, V b) {
    return mul_formula(a, b);
  }
};

template <bool of_largest>
struct extreme {
  template <class T>
  using accumulator = typename own_accumulator_of<T>::type;
  template <class A>
  static A identity() {
    return convert<A>(of_largest ? -__builtin_inf() : __builtin_inf());
  }
  template <class V>
  static V combine(V a, V b) {
    if constexpr (of_largest)
      return maximum_formula(a, b);
    else
      return minimum_formula(a, b);
  }
};
template <>
template <>
bool extreme<true>::identity<bool>() {
  return false;
}

template <bool start>  // any starts from false, all from true
struct truth {
  template <class T>
  using accumulator = pack<bool, 64>;
  template <class A>
  static A identity() {
    return start;
  }
  template <class V>
  static V combine(V a, V b) {
    if constexpr (start)
      return mul_formula(a, b);
    else
      return add_formula(a, b);
  }
};

// Runs Op with `result` naming y's element type for elements T.
template <class Op, template <class> class result>
void reduce_by(nr_context* ctx, const nr_tensor& x, const nr_tensor& y, int64_t dims) {
  const reduction r = make_reduction(x, y, dims, false);
  with_dtype(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    reduce(ctx, r, make_reducer<Op, T, result<T>>(), y.data);
  });
}

template <class T>
using wide = std::conditional_t<is_float_type<T>, T, int64_t>;
template <class T>
using same = T;
template <class T>
using truth_value = bool;

}  // namespace

void sum(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  reduce_by<total, wide>(ctx, *x, *y, dims);
}
void prod(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  reduce_by<product, wide>(ctx, *x, *y, dims);
}
void amax(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  reduce_by<extreme<true>, same>(ctx, *x, *y, dims);
}
void amin(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  reduce_by<extreme<false>, same>(ctx, *x, *y, dims);
}
void any(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  reduce_by<truth<false>, truth_value>(ctx, *x, *y, dims);
}
void all(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  reduce_by<truth<true>, truth_value>(ctx, *x, *y, dims);
}

void mean(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t dims) {
  const reduction r = make_reduction(*x, *y, dims, false);
  with_float_dtype(x->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using A = compute_t<T>;
    reducer op = make_reducer<total, T, T>();
    op.finish = [](const void* sums, void* y, int64_t count, int64_t n) {
      for (int64_t i = 0; i < count; i++)
        static_cast<T*>(y)[i] = convert<T>(static_cast<const A*>(sums)[i] / static_cast<A>(n));
    };
    reduce(ctx, r, op, y->data);
  });
}

}  // namespace neurite::NR_ISA
