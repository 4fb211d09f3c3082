// Products with a right operand that was packed once, because it is constant: panels of 32 columns, [panels][K][32],
// the last filled up with zeros. The layout is the same for every instruction set: tiles take a panel whole or by
// parts.
#pragma once
#include "cpu/matmul_in_place.h"
#include "cpu/matmul_thin.h"

namespace neurite::NR_ISA {
namespace {

// Elements are moved, not converted; w has N rows and K columns of any strides here.
template <class T>
void pack_columns(nr_context* ctx, const T* w, int64_t stride_n, int64_t stride_k, int64_t N, int64_t K, T* packed) {
  parallel_tasks(ctx, ceil_div(N, panel_columns), [&](int64_t panel, int32_t) {
    const int64_t n = panel * panel_columns;
    pack_panel(w + n * stride_n, stride_n, stride_k, smaller(panel_columns, N - n), K, packed + n * K, panel_columns);
  });
}

// The right operand of a blocked product.
template <class T, class In>
struct column_panels {
  static constexpr bool is_costly = false;
  static_assert(panel_columns % tile_columns<T> == 0);
  int64_t variants;
  const In* data;
  int64_t K;

  void panel(T* dst, int64_t, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* from = data + first / panel_columns * K * panel_columns + first % panel_columns;
    pack_panel(from + k * panel_columns, 1, panel_columns, count, depth, dst, width);
  }
};

// With few rows, a panel is widened as it is multiplied.
template <class T, class In>
void thin_packed_matmul(nr_context* ctx, const matmul_plan& p, const In* a, const In* b, const T* bias, In* y,
                        const epilogue<T, In>& ending) {
  if (p.M == 0) return;
  T* wide = scratch<T>(ctx, p.M * p.K);
  if (!wide) return;
  for (int64_t m = 0; m < p.M; m++)
    for (int64_t k = 0; k < p.K; k++) wide[m * p.K + k] = convert<T>(a[m * p.a_stride_m + k * p.a_stride_k]);
  parallel_tasks(ctx, ceil_div(p.N, panel_columns), [&](int64_t panel, int32_t) {
    const int64_t n = panel * panel_columns, width = smaller(panel_columns, p.N - n);
    T sums[thin_rows * panel_columns];
    for (int64_t m = 0; m < p.M; m++)
      for (int64_t j = 0; j < width; j++) sums[m * panel_columns + j] = bias ? bias[n + j] : T(0);
    add_thin_strip<T, In>({wide, p.K, b + n * p.K, panel_columns, sums, panel_columns, width, p.K}, p.M, true);
    ending.finish(sums, panel_columns, y, n, p.N, p.M, width);
  });
}

// sums[panels × 32] += a · b for one row a and panels that lie `apart` from each other.
template <int panels, class T, class In>
void add_packed_row(const T* a, const In* b, int64_t apart, int64_t K, T* sums) {
  using V = vector_t<T>;
  constexpr int vectors = panel_columns / V::width;
  V sum[panels][vectors];
  const auto each = [](const auto& body) NR_INLINE {
    unroll<panels>([&](auto i) NR_INLINE { unroll<vectors>([&](auto j) NR_INLINE { body(i, j); }); });
  };
  each([&](auto i, auto j) NR_INLINE { sum[i][j] = load<V>(sums + i * panel_columns + j * V::width); });
  for (int64_t k = 0; k < K; k++, b += panel_columns) {
    const V x(a[k]);
    each([&](auto i, auto j) NR_INLINE { sum[i][j] = fma(x, load<V>(b + i * apart + j * V::width), sum[i][j]); });
  }
  each([&](auto i, auto j) NR_INLINE { store(sums + i * panel_columns + j * V::width, sum[i][j]); });
}

// One row takes as long as reading the panels does, and machines read two long streams faster than one: a thread
// multiplies with two panels at a time, half of all panels apart.
template <class T, class In>
void packed_row_matmul(nr_context* ctx, const matmul_plan& p, const In* a, const In* b, const T* bias, In* y,
                       const epilogue<T, In>& ending) {
  T* row = scratch<T>(ctx, p.K);
  if (!row) return;
  for (int64_t k = 0; k < p.K; k++) row[k] = convert<T>(a[k * p.a_stride_k]);
  const int64_t panels = ceil_div(p.N, panel_columns), share = ceil_div(panels, 2);
  parallel_tasks(ctx, share, [&](int64_t task, int32_t) {
    const int64_t count = task + share < panels ? 2 : 1;
    const auto column = [&](int64_t i) { return (task + i * share) * panel_columns; };
    T sums[2 * panel_columns];
    for (int64_t i = 0; i < count; i++)
      for (int64_t j = 0; j < panel_columns; j++)
        sums[i * panel_columns + j] = bias && column(i) + j < p.N ? bias[column(i) + j] : T(0);
    (count == 2 ? add_packed_row<2, T, In> : add_packed_row<1, T, In>)(row, b + task * p.b_panel, share * p.b_panel,
                                                                       p.K, sums);
    for (int64_t i = 0; i < count; i++)
      ending.finish(sums + i * panel_columns, panel_columns, y, column(i), p.N, 1,
                    smaller(panel_columns, p.N - column(i)));
  });
}

}  // namespace
}  // namespace neurite::NR_ISA
