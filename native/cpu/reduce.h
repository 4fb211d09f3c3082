// Reductions by an associative operation. Runs dense along the reduced dims go through four vector accumulators, runs
// dense along the kept dims through a tile of columns; every 64 steps the accumulators become a leaf of a pairwise
// tree, so float sums lose no more than about log2(n) roundings. Other layouts are gathered into dense blocks first.
#pragma once
#include <new>

#include "cpu/reduction.h"
#include "cpu/row.h"
#include "cpu/turn.h"

namespace neurite::NR_ISA {
namespace {

// W values of a type without vectors of its own; the compiler vectorises the loops over v.
template <class A, int W>
struct pack {
  static constexpr int width = W;
  using lane = A;
  A v[W];
  pack() = default;
  explicit pack(A s) {
    for (int i = 0; i < W; i++) v[i] = s;
  }
};

template <class V>
inline constexpr bool is_pack = std::is_integral_v<typename V::lane>;

template <class V, class T>
inline V lift(const T* p) {
  if constexpr (is_pack<V>) {
    V x;
    for (int i = 0; i < V::width; i++) x.v[i] = convert<typename V::lane>(p[i]);
    return x;
  } else {
    return load<V>(p);
  }
}
template <class V, class T>
inline V lift(const T* p, int64_t n) {
  if constexpr (is_pack<V>) {
    V x(typename V::lane(0));
    for (int i = 0; i < n; i++) x.v[i] = convert<typename V::lane>(p[i]);
    return x;
  } else {
    return load<V>(p, n);
  }
}

template <class Op, class V>
inline V fold(V a, V b) {
  if constexpr (is_pack<V>) {
    for (int i = 0; i < V::width; i++) a.v[i] = Op::combine(a.v[i], b.v[i]);
    return a;
  } else {
    return Op::combine(a, b);
  }
}

template <class V, class T>
inline void unpack(T* lanes, const V& x) {
  if constexpr (is_pack<V>)
    __builtin_memcpy(lanes, x.v, sizeof x.v);
  else
    store(lanes, x);
}

template <class Op, class V>
inline typename V::lane fold_lanes(const V& x) {
  alignas(64) typename V::lane lanes[V::width];
  unpack(lanes, x);
  for (int half = V::width / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] = Op::combine(lanes[i], lanes[i + half]);
  return lanes[0];
}

// Leaves combined like the carries of a binary counter: a balanced tree in the order they come.
template <class Op, class V, int N>
struct pairwise_tree {
  struct leaf {
    V v[N];
  };
  leaf level[40];
  int height = 0;
  uint64_t count = 0;

  void push(const V* x) {
    leaf& top = level[height++];
    for (int i = 0; i < N; i++) top.v[i] = x[i];
    for (uint64_t carry = count++; carry & 1; carry >>= 1) merge();
  }
  const V* total() {
    while (height > 1) merge();
    return level[0].v;
  }

 private:
  void merge() {
    height--;
    for (int i = 0; i < N; i++) level[height - 1].v[i] = fold<Op>(level[height - 1].v[i], level[height].v[i]);
  }
};

// One output from dense runs.
template <class Op, class T>
struct run_reducer {
  using V = typename Op::template accumulator<T>;
  using A = typename V::lane;
  static constexpr int W = V::width;
  static constexpr int64_t leaf = 64 * 4 * W;

  V acc[4];
  int64_t filled = 0;
  pairwise_tree<Op, V, 1> tree;

  run_reducer() { clear(); }

  void add(const T* p, int64_t n) {
    while (n > 0) {
      const int64_t m = n < leaf - filled ? n : leaf - filled;
      accumulate(p, m);
      filled += m;
      p += m;
      n -= m;
      if (filled == leaf) flush();
    }
  }
  A result() {
    if (tree.count == 0) return fold_lanes<Op>(joined());
    if (filled) flush();
    return fold_lanes<Op>(tree.total()[0]);
  }

 private:
  void clear() {
    for (V& a : acc) a = V(Op::template identity<A>());
    filled = 0;
  }
  V joined() const { return fold<Op>(fold<Op>(acc[0], acc[1]), fold<Op>(acc[2], acc[3])); }
  void flush() {
    const V x = joined();
    tree.push(&x);
    clear();
  }
  void accumulate(const T* p, int64_t n) {
    V a = acc[0], b = acc[1], c = acc[2], d = acc[3];
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
      a = fold<Op>(a, lift<V>(p + i));
      b = fold<Op>(b, lift<V>(p + i + W));
      c = fold<Op>(c, lift<V>(p + i + 2 * W));
      d = fold<Op>(d, lift<V>(p + i + 3 * W));
    }
    for (; i + W <= n; i += W) a = fold<Op>(a, lift<V>(p + i));
    if (i < n) {
      T last[W];
      for (int j = 0; j < W; j++) last[j] = convert<T>(Op::template identity<A>());
      __builtin_memcpy(last, p + i, static_cast<size_t>(n - i) * sizeof(T));
      b = fold<Op>(b, lift<V>(last));
    }
    acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
  }
};

// The elements of one short run folded into the lanes of a vector.
template <class Op, class V, class T>
inline V fold_run(const T* p, int64_t n) {
  constexpr int W = V::width;
  const V identity(Op::template identity<typename V::lane>());
  V a = identity, b = identity, c = identity, d = identity;
  int64_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W) {
    a = Op::combine(a, load<V>(p + i));
    b = Op::combine(b, load<V>(p + i + W));
    c = Op::combine(c, load<V>(p + i + 2 * W));
    d = Op::combine(d, load<V>(p + i + 3 * W));
  }
  for (; i + W <= n; i += W) a = Op::combine(a, load<V>(p + i));
  if (i < n) b = Op::combine(b, fill_tail(load<V>(p + i, n - i), identity, n - i));
  return Op::combine(Op::combine(a, b), Op::combine(c, d));
}

// One output per run, a vector's width of runs at a time: after a turn their lanes are folded side by side.
template <class Op, class T>
inline void reduce_short_runs(const char* x, int64_t step, int64_t n, int64_t count, void* partials) {
  using V = typename Op::template accumulator<T>;
  auto* out = static_cast<typename V::lane*>(partials);
  for (int64_t first = 0; first < count; first += V::width) {
    const int64_t runs = count - first < V::width ? count - first : V::width;
    V folded[V::width];
    for (int64_t k = 0; k < V::width; k++)
      folded[k] = fold_run<Op, V>(reinterpret_cast<const T*>(x + (first + (k < runs ? k : 0)) * step), n);
    turn(folded);
    for (int half = V::width / 2; half > 0; half /= 2)
      for (int k = 0; k < half; k++) folded[k] = Op::combine(folded[k], folded[k + half]);
    store(out + first, folded[0], runs);
  }
}

inline constexpr int tile_vectors = 8;

// A tile of neighbouring outputs from rows of them.
template <class Op, class T>
struct column_reducer {
  using V = typename Op::template accumulator<T>;
  using A = typename V::lane;
  static constexpr int W = V::width;

  V acc[tile_vectors];
  int64_t filled = 0;
  pairwise_tree<Op, V, tile_vectors> tree;

  column_reducer() { clear(); }

  void add(const char* p, int64_t step, int64_t rows, int64_t columns) {
    while (rows > 0) {
      const int64_t m = rows < 64 - filled ? rows : 64 - filled;
      if (columns == tile_vectors * W)
        add_full(p, step, m);
      else
        add_partial(p, step, m, columns);
      filled += m;
      p += m * step;
      rows -= m;
      if (filled == 64) flush();
    }
  }
  void result(A* lanes, int64_t columns) {
    if (tree.count > 0 && filled) flush();
    const V* total = tree.count > 0 ? tree.total() : acc;
    alignas(64) A all[tile_vectors * W];
    for (int t = 0; t < tile_vectors; t++) unpack(all + t * W, total[t]);
    __builtin_memcpy(lanes, all, static_cast<size_t>(columns) * sizeof(A));
  }

 private:
  void clear() {
    for (V& a : acc) a = V(Op::template identity<A>());
    filled = 0;
  }
  void flush() {
    tree.push(acc);
    clear();
  }
  void add_full(const char* p, int64_t step, int64_t rows) {
    V a[tile_vectors];
    for (int t = 0; t < tile_vectors; t++) a[t] = acc[t];
    for (int64_t i = 0; i < rows; i++, p += step)
      for (int t = 0; t < tile_vectors; t++) a[t] = fold<Op>(a[t], lift<V>(reinterpret_cast<const T*>(p) + t * W));
    for (int t = 0; t < tile_vectors; t++) acc[t] = a[t];
  }
  void add_partial(const char* p, int64_t step, int64_t rows, int64_t columns) {
    for (int t = 0; t * W < columns; t++) {
      V a = acc[t];
      const char* row = p + t * W * static_cast<int64_t>(sizeof(T));
      for (int64_t i = 0; i < rows; i++, row += step)
        a = fold<Op>(a, lift<V>(reinterpret_cast<const T*>(row), columns - t * W < W ? columns - t * W : W));
      acc[t] = a;
    }
  }
};

// The reducer of elements T into a y of R.
template <class Op, class T, class R>
inline reducer make_reducer() {
  using runs = run_reducer<Op, T>;
  using columns = column_reducer<Op, T>;
  using A = typename runs::A;
  static_assert(sizeof(runs) <= state_bytes && sizeof(columns) <= state_bytes);
  reducer op{sizeof(T), sizeof(A), sizeof(R), tile_vectors * runs::W};
  op.begin = [](void* state, int64_t) { new (state) runs; };
  op.add = [](void* state, const char* x, int64_t n) {
    static_cast<runs*>(state)->add(reinterpret_cast<const T*>(x), n);
  };
  op.end = [](void* state, void* partial) { *static_cast<A*>(partial) = static_cast<runs*>(state)->result(); };
  if constexpr (!is_pack<typename runs::V>) {
    op.short_run = runs::leaf;
    op.short_runs = reduce_short_runs<Op, T>;
  }
  op.columns_begin = [](void* state, int64_t) { new (state) columns; };
  op.columns_add = [](void* state, const char* x, int64_t step, int64_t rows, int64_t count) {
    static_cast<columns*>(state)->add(x, step, rows, count);
  };
  op.columns_end = [](void* state, void* partials, int64_t count) {
    static_cast<columns*>(state)->result(static_cast<A*>(partials), count);
  };
  op.combine = [](void* partials, const void* later, int64_t count) {
    A* a = static_cast<A*>(partials);
    for (int64_t i = 0; i < count; i++) a[i] = Op::combine(a[i], static_cast<const A*>(later)[i]);
  };
  op.finish = [](const void* partials, void* y, int64_t count, int64_t) {
    for (int64_t i = 0; i < count; i++) static_cast<R*>(y)[i] = convert<R>(static_cast<const A*>(partials)[i]);
  };
  return op;
}

}  // namespace
}  // namespace neurite::NR_ISA
