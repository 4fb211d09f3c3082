// Copies a strided panel of a matrix into the layout of the register tile: element (p, k), read at
// src[p * stride_p + k * stride_k], goes to dst[k * width + p], converted to the type computed in. Contiguous p is a
// copy, contiguous k a transposition in registers, anything else element by element.
#pragma once
#include "cpu/dtype.h"
#include "cpu/turn.h"
#include "cpu/unroll.h"

namespace neurite::NR_ISA {
namespace {

// Up to W rows of up to W elements, rows at src + i * stride, into columns of dst. `columns` <= W lanes are written per
// step: rows of dst beyond `rows` become zero.
template <class T, class In>
inline void pack_square(const In* src, int64_t stride, int64_t rows, int64_t depth, T* dst, int64_t width,
                        int64_t columns) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  V v[W];
  if (rows == W && depth == W) {
    unroll<W>([&](auto i) NR_INLINE { v[i] = load<V>(src + i * stride); });
  } else {
    unroll<W>([&](auto i) NR_INLINE { v[i] = i < rows ? load<V>(src + i * stride, depth) : V(compute_t<T>(0)); });
  }
  turn(v);
  if (columns == W && depth == W) {
    unroll<W>([&](auto k) NR_INLINE { store(dst + k * width, v[k]); });
  } else {
    unroll<W>([&](auto k) NR_INLINE {
      if (k < depth) store(dst + k * width, v[k], columns);
    });
  }
}

template <class T, class In>
inline void pack_rows(const In* src, int64_t stride_k, int64_t count, int64_t depth, T* dst, int64_t width) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  for (int64_t k = 0; k < depth; k++, src += stride_k, dst += width) {
    int64_t p = 0;
    for (; p + W <= count; p += W) store(dst + p, load<V>(src + p));
    for (; p < width; p += W) store(dst + p, p < count ? load<V>(src + p, count - p) : V(compute_t<T>(0)), width - p);
  }
}

template <class T, class In>
inline void pack_panel(const In* src, int64_t stride_p, int64_t stride_k, int64_t count, int64_t depth, T* dst,
                       int64_t width) {
  using V = vector_t<T>;
  constexpr int W = V::width;
  if (stride_p == 1) {
    pack_rows(src, stride_k, count, depth, dst, width);
  } else if (stride_k == 1 && W > 1) {
    for (int64_t k = 0; k < depth; k += W) {
      const int64_t steps = depth - k < W ? depth - k : W;
      for (int64_t p = 0; p < width; p += W) {
        const int64_t rows = count - p < W ? (count > p ? count - p : 0) : W;
        pack_square<T>(src + p * stride_p + k, stride_p, rows, steps, dst + k * width + p, width,
                       width - p < W ? width - p : W);
      }
    }
  } else {
    for (int64_t k = 0; k < depth; k++, dst += width) {
      const In* from = src + k * stride_k;
      for (int64_t p = 0; p < count; p++) dst[p] = convert<T>(from[p * stride_p]);
      for (int64_t p = count; p < width; p++) dst[p] = T{};
    }
  }
}

}  // namespace
}  // namespace neurite::NR_ISA
