// y = op(x...), element by element. Rows whose operands are dense or constant run straight from memory. Everything
// else (steps other than one, short rows) is staged: blocks are gathered into small dense arrays across row ends, so
// that one dense inner loop serves every layout. Only that loop is compiled per kernel and dtype.
#pragma once
#include "cpu/dtype.h"
#include "cpu/stream.h"
#include "cpu/tiles.h"

namespace neurite::NR_ISA {
namespace {

// One operand of the inner loop: an array, or one value for all elements.
template <class T, bool constant>
struct source {
  using V = vector_t<T>;
  explicit source(const void* memory) : p(static_cast<const T*>(memory)) {}
  const T* p;
  V at(int64_t i) const {
    if constexpr (std::is_same_v<V, T>)
      return p[i];
    else
      return load<V>(p + i);
  }
  V at(int64_t i, int64_t n) const { return load<V>(p + i, n); }
};
template <class T>
struct source<T, true> {
  using V = vector_t<T>;
  explicit source(const void* memory) : v(convert<compute_t<T>>(*static_cast<const T*>(memory))) {}
  V v;
  V at(int64_t) const { return v; }
  V at(int64_t, int64_t) const { return v; }
};

template <bool streamed, class R, class Op, class First, class... More>
inline void run(const Op& op, R* y, int64_t n, const First first, const More... more) {
  using V = typename First::V;
  if constexpr (std::is_arithmetic_v<V>) {
#pragma GCC ivdep  // in place, an operand is y itself
    for (int64_t i = 0; i < n; i++) y[i] = op(first.at(i), more.at(i)...);
  } else {
    int64_t i = 0;
    for (; i + V::width <= n; i += V::width) {
      if constexpr (streamed) {
        stream(y + i, op(first.at(i), more.at(i)...));
      } else {
        store(y + i, op(first.at(i), more.at(i)...));
      }
    }
    if (i < n) store(y + i, op(first.at(i, n - i), more.at(i, n - i)...), n - i);
  }
}

// The inner loop of one kernel and dtype, the only thing compiled for each: K operands of x_size bytes an element. Bit
// k of `how`: operand k is one value, not an array. `to_stream`: y is large and lies in whole vectors.
template <int K>
struct inner_loop {
  void (*run)(const void* op, char* y, char* const* x, int64_t n, unsigned how);
  const void* op;
  int64_t y_size, x_size[K];
  bool takes_constants;  // else constant operands are staged
};

inline constexpr unsigned to_stream = 1u << 31;

template <class R, class Op, class... Sources>
inline void run_either(bool streamed, const Op& op, R* y, int64_t n, const Sources... sources) {
  if constexpr (std::is_same_v<R, float>) {
    if (streamed) return run<true>(op, y, n, sources...);
  }
  run<false>(op, y, n, sources...);
}

template <class R, class T, class Op>
inline void run_unary(const void* op, char* y, char* const* x, int64_t n, unsigned how) {
  run_either(how & to_stream, *static_cast<const Op*>(op), reinterpret_cast<R*>(y), n, source<T, false>(x[0]));
}

template <class R, class T, class Op>
inline void run_binary(const void* state, char* memory, char* const* x, int64_t n, unsigned how) {
  const Op& op = *static_cast<const Op*>(state);
  const bool streamed = how & to_stream;
  R* y = reinterpret_cast<R*>(memory);
  if constexpr (!std::is_arithmetic_v<vector_t<T>>) {
    const unsigned constants = how & 3;
    if (constants == 1) return run_either(streamed, op, y, n, source<T, true>(x[0]), source<T, false>(x[1]));
    if (constants == 2) return run_either(streamed, op, y, n, source<T, false>(x[0]), source<T, true>(x[1]));
  }
  run_either(streamed, op, y, n, source<T, false>(x[0]), source<T, false>(x[1]));
}

inline constexpr int64_t task_elements = 1 << 15;
inline constexpr int64_t block_elements = 512;  // staged at a time
inline constexpr int64_t short_row = 32;

// Whether every piece of a task along a row of operand k begins where a vector may be streamed to.
template <int N>
bool in_whole_vectors(const nest<N>& l, int k, int64_t size) {
  bool whole = is_aligned(l.base[k]) && (l.ndim == 1 || l.row() * size % stream_alignment == 0);
  for (int d = 0; d < l.ndim - 1; d++) whole = whole && l.stride[k][d] % stream_alignment == 0;
  return whole;
}

// Whether y is worth streaming and lies in whole vectors. In place it does not pay: y is near already.
template <int K>
bool can_stream(const nest<1 + K>& l, const inner_loop<K>& loop) {
  bool can = is_streamed(l.numel * loop.y_size) && in_whole_vectors(l, 0, loop.y_size);
  for (int k = 0; k < K; k++) can = can && l.base[k + 1] != l.base[0];
  return can;
}

template <int K>
void run_direct(nr_context* ctx, const nest<1 + K>& l, const inner_loop<K>& loop, unsigned constants) {
  const bool streamed = can_stream(l, loop);
  const unsigned how = streamed ? constants | to_stream : constants;
  parallel_range(ctx, l.numel, task_elements, [&](int64_t begin, int64_t end) {
    each_row(l, begin, end, [&](char* const* p, int64_t n) { loop.run(loop.op, p[0], p + 1, n, how); });
    if (streamed) stream_end();
  });
}

// Elements [begin, end) of the nest, gathered into dense blocks, computed and, unless y is dense, scattered.
template <int K>
void run_staged(const nest<1 + K>& l, const inner_loop<K>& loop, bool dense, int64_t begin, int64_t end) {
  alignas(64) char in[K][block_elements * 8];
  alignas(64) char out[block_elements * 8];
  char* x[K];
  for (int k = 0; k < K; k++) x[k] = in[k];
  for (int64_t at = begin; at < end; at += block_elements) {
    const int64_t n = at + block_elements < end ? block_elements : end - at;
    int64_t filled = 0;
    each_row(l, at, at + n, [&](char* const* p, int64_t m) {
      for (int k = 0; k < K; k++)
        gather_row(in[k] + filled * loop.x_size[k], p[k + 1], l.step(k + 1), m, loop.x_size[k]);
      filled += m;
    });
    loop.run(loop.op, dense ? l.base[0] + at * loop.y_size : out, x, n, 0);
    if (dense) continue;
    filled = 0;
    each_row(l, at, at + n, [&](char* const* p, int64_t m) {
      scatter_row(p[0], l.step(0), out + filled * loop.y_size, m, loop.y_size);
      filled += m;
    });
  }
}

template <int K>
void run_tiled(nr_context* ctx, const nest<1 + K>& l, const inner_loop<K>& loop, int dim) {
  each_tile(ctx, l, dim, 64, [&](char* const* p, int64_t rows, int64_t columns) {
    nest<1 + K> tile;
    tile.ndim = 2;
    tile.numel = rows * columns;
    tile.shape[0] = rows;
    tile.shape[1] = columns;
    for (int k = 0; k <= K; k++) {
      tile.base[k] = p[k];
      tile.stride[k][0] = l.stride[k][dim];
      tile.stride[k][1] = l.step(k);
    }
    run_staged(tile, loop, false, 0, tile.numel);
  });
}

template <int K>
void run_elementwise(nr_context* ctx, const nest<1 + K>& l, const inner_loop<K>& loop) {
  bool direct = l.step(0) == loop.y_size && (l.ndim == 1 || l.row() >= short_row);
  unsigned constants = 0;
  for (int k = 0; k < K; k++) {
    if (l.step(k + 1) == 0)
      constants |= 1u << k;
    else if (l.step(k + 1) != loop.x_size[k])
      direct = false;
  }
  const bool possible = constants == 0 || (loop.takes_constants && constants != (1u << K) - 1);
  if (direct && possible) return run_direct(ctx, l, loop, constants);
  int64_t size[1 + K] = {loop.y_size};
  for (int k = 0; k < K; k++) size[k + 1] = loop.x_size[k];
  const int dim = transposed_dim(l, size);
  if (dim >= 0) return run_tiled(ctx, l, loop, dim);
  const bool dense = l.is_dense(0, loop.y_size);
  parallel_range(ctx, l.numel, task_elements,
                 [&](int64_t begin, int64_t end) { run_staged(l, loop, dense, begin, end); });
}

template <class V, class>
using repeat = V;

// y = op(x...) where every x has one dtype and y that dtype, or bool where op gives a mask. dtypes outside op's domain
// were refused by the contract.
template <class Op, class... X>
inline void map_elements(nr_context* ctx, const Op& op, const nr_tensor& y, const X&... x) {
  constexpr int K = sizeof...(X);
  static_assert(K <= 2);
  const auto l = make_nest(y, x...);
  const nr_tensor* first[] = {&x...};
  with_dtype(first[0]->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using V = vector_t<T>;
    if constexpr (requires(V v) { op(static_cast<repeat<V, X>>(v)...); }) {
      using result = decltype(op(repeat<V, X>()...));
      using R = std::conditional_t<std::is_same_v<result, V>, T, bool>;
      inner_loop<K> loop = {nullptr, &op, sizeof(R), {}, !std::is_arithmetic_v<V>};
      for (int k = 0; k < K; k++) loop.x_size[k] = sizeof(T);
      if constexpr (K == 1)
        loop.run = run_unary<R, T, Op>;
      else
        loop.run = run_binary<R, T, Op>;
      run_elementwise(ctx, l, loop);
    }
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
