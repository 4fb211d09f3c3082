// y = op(x...), element by element, with broadcasting: one kernel for each op and type it is computed in, whatever the
// layout and the dtype of its operands.
//
// A thread computes a pack of elements that follow each other along one dim: the innermost of y, or, where y's
// neighbours lie far apart in an operand, the dim along which that operand is dense, so that either side uses all bytes
// of what it fetches. Operands whose packs are dense and aligned travel in loads of 16 bytes, broadcast ones in one
// load, others element by element. Every byte moves once, and but for pow, fmod and the functions of float64 it takes
// longer than the arithmetic.
#pragma once
#include <algorithm>
#include <utility>

#include "dispatch.h"
#include "functions.h"
#include "launch.h"
#include "pack.h"
#include "strided.h"

namespace neurite::cuda {
namespace {

// What an element is computed in: 16-bit floats in float, small integers and bool in int32_t, to which they convert
// without loss; results wrap, or are true, when they are stored. So there are four kernels for an op and not nine.
template <class T>
using value_of =
    std::conditional_t<is_half<T>, float, std::conditional_t<std::is_integral_v<T> && sizeof(T) < 4, int32_t, T>>;

// The types of elements that are computed in V.
template <class V>
struct Stored {
  using types = cuda::types<V>;
};
template <>
struct Stored<float> {
  using types = cuda::types<float, nr_f16, nr_bf16>;
};
template <>
struct Stored<int32_t> {
  using types = cuda::types<int32_t, int8_t, uint8_t, bool>;
};

// Calls f<V>() with what elements of `dtype` are computed in.
template <class F>
void dispatch_value(int32_t dtype, const F& f) {
  dispatch(element_types{}, dtype, [&]<class T>() { f.template operator()<value_of<T>>(); });
}

// The elements of a pack: 16 bytes of 16-bit floats.
constexpr int lanes = 8;

// Where the operands of a kernel lie, outputs first.
template <int N>
struct Layout {
  Strided<N + 1> places;  // of packs; the last offset is the position of a pack along its dim
  int64_t extent;         // of the dim of packs, in elements
  int64_t step[N];        // from one element of a pack to the next
  bool vectors[N];        // whether its packs are dense and aligned
};

// The dim that packs go along: 0, the innermost, unless neighbours of y are apart in an input that is dense elsewhere.
template <int N>
int dim_of_packs(const Strided<N>& s, int outputs) {
  for (int k = outputs; k < N; k++) {
    const int64_t step = s.stride[0][k];
    if (step == 0 || step == 1) continue;
    for (int d = 1; d < s.ndim; d++)
      if (s.stride[d][k] == 1 && s.shape[d] >= lanes) return d;
  }
  return 0;
}

template <int N>
Layout<N> layout_of(const nr_tensor* const (&tensors)[N], int outputs) {
  nr_tensor seen[N + 1];
  const nr_tensor* all[N + 1];
  for (int k = 0; k <= N; k++) {
    seen[k] = in_memory_order_of(*tensors[0], broadcast(*tensors[k < N ? k : 0], *tensors[0]));
    all[k] = &seen[k];
  }
  for (int d = 0; d < seen[N].ndim; d++) seen[N].stride[d] = 0;
  Layout<N> out = {strided(all), 1, {}, {}};
  Strided<N + 1>& s = out.places;
  if (s.ndim == 0) return out;  // one element
  const int dim = dim_of_packs(s, outputs);
  for (int k = 0; k < N; k++) {
    const size_t bytes = std::min<size_t>(16, static_cast<size_t>(lanes * size_of(seen[k].dtype)));
    out.step[k] = s.stride[dim][k];
    out.vectors[k] = out.step[k] == 1 && is_aligned(seen[k].data, bytes);
    for (int d = 0; d < s.ndim; d++) out.vectors[k] = out.vectors[k] && (d == dim || s.stride[d][k] % lanes == 0);
  }
  const int64_t extent = s.shape[dim], packs = (extent + lanes - 1) / lanes;
  out.extent = extent;
  s.numel = extent == 0 ? 0 : s.numel / extent * packs;
  s.shape[dim] = packs;
  s.divisors[dim] = Divisor::of(static_cast<uint32_t>(std::max<int64_t>(packs, 1)));
  s.stride[dim][N] = 1;
  for (int k = 0; k <= N; k++) s.stride[dim][k] *= lanes;
  return out;
}

// What an op with two outputs returns.
template <class V>
struct Two {
  V first, second;
};
template <class V>
__device__ inline V result(V of, int) {
  return of;
}
template <class V>
__device__ inline V result(const Two<V>& of, int output) {
  return output == 0 ? of.first : of.second;
}

// The lanes of input k.
template <size_t k, class V>
struct Lanes {
  V at[lanes];
};

// Results are elements of one of the types of `Results`, inputs of those that are computed in V.
template <class Op, class Results, int outputs, class... V>
struct Elementwise {
  static constexpr int threads = 256, inputs = sizeof...(V), operands = outputs + inputs;

  Op op;
  void* y[outputs];
  const void* x[inputs];  // nullptr: `number`
  uint64_t number[inputs];
  int32_t dtype[operands];
  Layout<operands> layout;

  __device__ void operator()() const { run(std::index_sequence_for<V...>{}); }

 private:
  template <size_t... k>
  __device__ void run(std::index_sequence<k...>) const {
    const int64_t pack = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (pack >= layout.places.numel) return;
    int64_t at[operands + 1];
    layout.places.offsets(pack, at);
    const int64_t left = layout.extent - at[operands];
    const int count = left < lanes ? static_cast<int>(left) : lanes;
    struct : Lanes<k, V>... {
    } in = {};
    (load(typename Stored<V>::types{}, static_cast<Lanes<k, V>&>(in).at, k, at[outputs + k], count), ...);
    decltype(op(V()...)) out[lanes];
#pragma unroll
    for (int j = 0; j < lanes; j++) out[j] = op(static_cast<Lanes<k, V>&>(in).at[j]...);
    for (int o = 0; o < outputs; o++) store(Results{}, out, o, at[o], count);
  }

  template <class... T, class To>
  __device__ void load(types<T...>, To (&to)[lanes], int k, int64_t offset, int count) const {
    const void* from = x[k] ? x[k] : &number[k];
    ((sizeof...(T) == 1 || dtype_of<T> == dtype[outputs + k]
          ? load_from(static_cast<const T*>(from) + offset, to, outputs + k, count)
          : void()),
     ...);
  }
  template <class T, class To>
  __device__ void load_from(const T* from, To (&to)[lanes], int operand, int count) const {
    constexpr int size = std::min(lanes, pack_size<T>);
    if (count == lanes && layout.vectors[operand]) {
#pragma unroll
      for (int i = 0; i < lanes; i += size) {
        const auto pack = load_pack<T, size>(from + i);
        for (int j = 0; j < size; j++) to[i + j] = convert<To>(pack.at[j]);
      }
    } else if (layout.step[operand] == 0) {
      const To value = convert<To>(*from);
      for (int j = 0; j < lanes; j++) to[j] = value;
    } else {
#pragma unroll
      for (int j = 0; j < lanes; j++)
        if (j < count) to[j] = convert<To>(from[j * layout.step[operand]]);
    }
  }

  template <class... T, class From>
  __device__ void store(types<T...>, const From (&from)[lanes], int o, int64_t offset, int count) const {
    ((sizeof...(T) == 1 || dtype_of<T> == dtype[o] ? store_to(static_cast<T*>(y[o]) + offset, from, o, count) : void()),
     ...);
  }
  template <class T, class From>
  __device__ void store_to(T* to, const From (&from)[lanes], int operand, int count) const {
    constexpr int size = std::min(lanes, pack_size<T>);
    if (count == lanes && layout.vectors[operand]) {
#pragma unroll
      for (int i = 0; i < lanes; i += size) {
        Pack<T, size> pack;
        for (int j = 0; j < size; j++) pack.at[j] = convert<T>(result(from[i + j], operand));
        store_pack(to + i, pack);
      }
    } else {
#pragma unroll
      for (int j = 0; j < lanes; j++)
        if (j < count) to[j * layout.step[operand]] = convert<T>(result(from[j], operand));
    }
  }
};

inline nr_operand as_operand(const nr_tensor* x) {
  return {*x, 0};
}
inline nr_operand as_operand(const nr_operand* x) {
  return *x;
}

// Launches y = op(x...) for operands that are computed in V.
template <class Results, class... V, class Op, int outputs, class... X>
void launch_elementwise(nr_context* ctx, const Op& op, nr_tensor* const (&y)[outputs], const X*... x) {
  using Kernel = Elementwise<Op, Results, outputs, V...>;
  const nr_operand given[] = {as_operand(x)...};
  const nr_tensor* tensors[Kernel::operands];
  Kernel kernel = {op, {}, {}, {}, {}, {}};
  for (int o = 0; o < outputs; o++) {
    tensors[o] = y[o];
    kernel.y[o] = y[o]->data;
  }
  for (int k = 0; k < Kernel::inputs; k++) {
    tensors[outputs + k] = &given[k].tensor;
    kernel.x[k] = given[k].tensor.data;
    kernel.number[k] = given[k].immediate;
  }
  for (int i = 0; i < Kernel::operands; i++) kernel.dtype[i] = tensors[i]->dtype;
  kernel.layout = layout_of(tensors, outputs);
  launch(ctx, blocks_for(kernel.layout.places.numel, Kernel::threads), kernel);
}

template <class V, class>
using repeat = V;

// The same where all operands have one dtype and y that dtype, or bool where op gives truth values. dtypes that op does
// not take were refused by the contract.
template <class Op, class First, class... More>
void map_elements(nr_context* ctx, const Op& op, nr_tensor* y, const First* first, const More*... more) {
  dispatch_value(as_operand(first).tensor.dtype, [&]<class V>() {
    if constexpr (std::is_invocable_v<Op, V, repeat<V, More>...>) {
      using Result = std::invoke_result_t<Op, V, repeat<V, More>...>;
      launch_elementwise<typename Stored<Result>::types, V, repeat<V, More>...>(ctx, op, {y}, first, more...);
    }
  });
}

// The formula of a kernel as an op, callable exactly on the formula's domain.
#define NR_OP(name)                                                              \
  struct name##_op {                                                             \
    template <class... V>                                                        \
    __device__ auto operator()(V... v) const -> decltype(name##_formula(v...)) { \
      return name##_formula(v...);                                               \
    }                                                                            \
  };

}  // namespace
}  // namespace neurite::cuda
