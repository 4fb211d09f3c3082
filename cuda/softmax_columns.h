// Softmax along a dim that is not the last, and its gradient: [outer, n, inner] is seen as outer · inner columns. A
// block takes `width` columns side by side, so that memory is read along lines, with threads along n as well.
#pragma once
#include "softmax_rows.h"

namespace neurite::cuda {
namespace {

// What is done is an Op: a struct of pointers with a Value and start(), add(value, at), combine(a, b),
// exchange(value, bits), and finish(value), which gives what put(at, finished) needs to write an element.
template <class Op>
struct Columns {
  using Value = typename Op::Value;
  static constexpr int threads = 256;
  Op op;
  int64_t columns, n, inner;
  int width;

  __device__ void operator()() const {
    const int thread = static_cast<int>(threadIdx.x), first = thread / width, step = threads / width;
    const int64_t column = int64_t{blockIdx.x} * width + thread % width;
    const bool exists = column < columns;
    const int64_t base = column / inner * n * inner + column % inner;
    Value values[1] = {op.start()};
    if (exists) {
      constexpr int block = 64;  // sums of many numbers are made of shorter ones
      for (int64_t i = first; i < n;) {
        Value part = op.start();
        for (int k = 0; k < block && i < n; k++, i += step) part = op.add(part, base + i * inner);
        values[0] = op.combine(values[0], part);
      }
    }
    reduce_group<threads>(op, values, width, threads);
    SIMT_SHARED(Value, finished, [threads]);
    const Value result = op.finish(values[0]);
    if (thread < width) finished[thread] = result;
    __syncthreads();
    if (exists) {
      const Value value = finished[thread % width];
      for (int64_t i = first; i < n; i += step) op.put(base + i * inner, value);
    }
  }
};

template <class Op>
void run_columns(nr_context* ctx, const Op& op, int64_t outer, int64_t n, int64_t inner) {
  using Kernel = Columns<Op>;
  int width = 1;
  while (width < 32 && width < inner) width *= 2;
  while (width < Kernel::threads && Kernel::threads / width >= 2 * n) width *= 2;  // no thread without an element
  launch(ctx, blocks_for(outer * inner, width), Kernel{op, outer * inner, n, inner, width});
}

template <class C>
struct MassOp {
  using Value = Mass<C>;
  __device__ static Value start() { return {-static_cast<C>(INFINITY), 0}; }
  __device__ static Value add(Value mass, C x) {
    if (x == -static_cast<C>(INFINITY)) return mass;
    const C e = exp(-abs(x - mass.top));
    return x > mass.top ? Value{x, mass.sum * e + 1} : Value{mass.top, mass.sum + e};
  }
  __device__ static Value combine(Value a, Value b) {
    const C top = Maximum{}(a.top, b.top);
    return {top, a.below(top) + b.below(top)};
  }
  __device__ static Value exchange(Value value, int bits) {
    return {__shfl_xor_sync(0xffffffff, value.top, bits), __shfl_xor_sync(0xffffffff, value.sum, bits)};
  }
};

template <class T, bool logarithm>
struct SoftmaxColumn : MassOp<compute_of<T>> {
  using C = compute_of<T>;
  using Value = Mass<C>;
  const T* x;
  T* y;

  SoftmaxColumn(const T* x, T* y) : x(x), y(y) {}
  __device__ Value add(Value mass, int64_t at) const { return MassOp<C>::add(mass, computed(x[at])); }
  // `sum` becomes what is multiplied by or subtracted.
  __device__ static Value finish(Value mass) { return {mass.top, logarithm ? log(mass.sum) : 1 / mass.sum}; }
  __device__ void put(int64_t at, Value finished) const {
    const C below = computed(x[at]) - finished.top;
    y[at] = convert<T>(logarithm ? below - finished.sum : exp(below) * finished.sum);
  }
};

template <class T, bool logarithm>
struct SoftmaxColumnBackward {
  using C = compute_of<T>;
  using Value = C;
  using Gradient = SoftmaxGradient<C, logarithm>;
  const T *dy, *y;
  T* dx;

  __device__ static C start() { return 0; }
  __device__ C add(C sum, int64_t at) const { return sum + Gradient::term(computed(dy[at]), computed(y[at])); }
  __device__ static C combine(C a, C b) { return a + b; }
  __device__ static C exchange(C value, int bits) { return __shfl_xor_sync(0xffffffff, value, bits); }
  __device__ static C finish(C sum) { return sum; }
  __device__ void put(int64_t at, C sum) const {
    dx[at] = convert<T>(Gradient::last(computed(dy[at]), computed(y[at]), sum));
  }
};

}  // namespace
}  // namespace neurite::cuda
