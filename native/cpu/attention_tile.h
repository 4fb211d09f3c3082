// The register tile of attention: C[rows × columns] = A · B, plus what was in C, in each column times a factor if one
// is given. Unlike the tile of gemm_kernel.h it reads its operands where other steps of attention leave or find them:
//   B, whole vectors: element (k, j) is b[k * b_step + j];
//   A, broadcast: element (i, k) is a[k * a_step + i] (a packed panel, or rows of values), or a[i * a_row + k] with
//   a_row > 0 known at compile time (a block of probabilities, transposed by nothing but its address).
#pragma once
#include "cpu/gemm_kernel.h"

namespace neurite::NR_ISA {
namespace {

enum class onto { nothing, sum, scaled_sum };

template <class T>
struct strided_product {
  const T* a;
  int64_t a_step;  // unused where a_row is
  const T* b;
  int64_t b_step;
  int64_t depth;
  T* c;
  int64_t c_step;
  onto start;
  const T* scale;  // one per column, of scaled_sum
};

template <class T, int64_t a_row, int rows, int vectors>
void attention_tile(const strided_product<T>& product) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  const strided_product<T> p = product;  // a copy: stores below could alias the original
  const T* a = p.a;
  const T* b = p.b;
  V sum[rows][vectors];
  unroll<rows>([&](auto i) NR_INLINE { unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = V(T(0)); }); });
  for (int64_t k = 0; k < p.depth; k++) {
    V row[vectors];
    unroll<vectors>([&](auto j) NR_INLINE { row[j] = load<V>(b + j * W); });
    unroll<rows>([&](auto i) NR_INLINE {
      const V x(a[a_row > 0 ? i * a_row : i]);
      unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = fma(x, row[j], sum[i][j]); });
    });
    a += a_row > 0 ? 1 : p.a_step;
    b += p.b_step;
  }
  const auto each = [&](auto visit) NR_INLINE {
    unroll<rows>([&](auto i) NR_INLINE {
      unroll<vectors>([&](auto j) NR_INLINE { visit(sum[i][j], p.c + i * p.c_step + j * W, j); });
    });
  };
  if (p.start == onto::scaled_sum) {
    each([&](V& v, const T* at, auto j) NR_INLINE { v = fma(load<V>(at), load<V>(p.scale + j * W), v); });
  } else if (p.start == onto::sum) {
    each([&](V& v, const T* at, auto) NR_INLINE { v = v + load<V>(at); });
  }
  each([&](V& v, T* at, auto) NR_INLINE { store(at, v); });
}

template <class T, int64_t a_row, class Rows, class Vectors>
struct attention_tiles;
template <class T, int64_t a_row, int... r, int... v>
struct attention_tiles<T, a_row, std::integer_sequence<int, r...>, std::integer_sequence<int, v...>> {
  using kernel = void (*)(const strided_product<T>&);
  template <int rows>
  struct of_rows {
    static constexpr kernel at[] = {attention_tile<T, a_row, rows, v + 1>...};
  };
  static kernel choose(int64_t rows, int64_t vectors) {
    static constexpr const kernel* table[] = {of_rows<r + 1>::at...};
    return table[rows - 1][vectors - 1];
  }
};

// `rows` <= tile_rows, `vectors` <= tile_vectors.
template <class T, int64_t a_row = 0>
inline void multiply_strided(int64_t rows, int64_t vectors, const strided_product<T>& product) {
  using tiles = attention_tiles<T, a_row, std::make_integer_sequence<int, tile_rows>,
                                std::make_integer_sequence<int, tile_vectors>>;
  tiles::choose(rows, vectors)(product);
}

}  // namespace
}  // namespace neurite::NR_ISA
