// The products of a recurrence: the rows of a block's state times weights that were packed once into panels and stay in
// cache over all time steps. A unit block is as many hidden units as a register tile has columns; for each of them and
// each matrix of weights (a gate in the forward walk, one in the backward walk) there is a panel [depth][tile_columns].
// Four rows and more go through the register tile of gemm_kernel.h, fewer through several panels at once: alone, so few
// sums would wait for each other.
#pragma once
#include "cpu/gemm_kernel.h"
#include "cpu/pack.h"
#include "cpu/recurrent.h"

namespace neurite::NR_ISA {
namespace {

// Weights of `matrices` matrices: element (k, unit) of matrix g is at[g * matrix_stride + k * stride_k + unit *
// stride_unit].
template <class C>
struct recurrent_weights {
  const C* at;
  int64_t matrices, matrix_stride, stride_k, stride_unit;
  int64_t units, depth;
  C* panels = nullptr;

  int64_t unit_blocks() const { return ceil_div(units, tile_columns<C>); }
  int64_t panel_size() const { return depth * tile_columns<C>; }
  C* panels_of(int64_t unit_block) const { return panels + unit_block * matrices * panel_size(); }

  // False when memory is out.
  bool pack(nr_context* ctx) {
    panels = scratch<C>(ctx, unit_blocks() * matrices * panel_size());
    if (!panels) return false;
    parallel_range(
        ctx, unit_blocks() * matrices, larger(1, 65536 / larger(1, panel_size())), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; i++) {
            const int64_t unit = i / matrices * tile_columns<C>, matrix = i % matrices;
            pack_panel(at + matrix * matrix_stride + unit * stride_unit, stride_unit, stride_k,
                       smaller(tile_columns<C>, units - unit), depth, panels + i * panel_size(), tile_columns<C>);
          }
        });
    return true;
  }
};

#if defined(NR_ISA_avx512)
inline constexpr int thin_state_rows = 3;  // times four panels of two vectors: 24 sums
#else
inline constexpr int thin_state_rows = 1;
#endif

// The state of a block: `rows` rows of `depth` numbers, and the same in the layout of the register tile.
template <class C>
struct state_rows {
  C* at;
  int64_t stride;
  C* tiles;

  // Brings the first `rows` rows into `tiles`; thin states are read where they are.
  void pack(int64_t rows, int64_t depth) const {
    if (rows <= thin_state_rows) return;
    const int64_t panels = panels_of_rows(rows);
    for (int64_t p = 0; p < panels; p++) {
      const int64_t begin = p * rows / panels, height = (p + 1) * rows / panels - begin;
      pack_panel(at + begin * stride, stride, 1, height, depth, tiles + begin * depth, height);
    }
  }
};

// Where the cells of a unit block will read and write when its product is done: pieces of two lines, far apart, which
// the hardware does not foresee. The tiles ask for them on their way, so few at a time that nothing waits.
class fetch_list {
 public:
  // Pieces that may be NULL: nothing to ask for.
  template <class T>
  void add(const T* p) {
    if (p) at_[count_++] = reinterpret_cast<const char*>(p);
  }
  void fetch_one() {
    if (next_ == count_) return;
    const char* p = at_[next_++];
    __builtin_prefetch(p);
    __builtin_prefetch(p + 64);
  }
  void fetch_rest() {
    while (next_ < count_) fetch_one();
    next_ = count_ = 0;
  }

  static constexpr int64_t most_per_row = 11;

 private:
  int64_t next_ = 0, count_ = 0;
  const char* at_[recurrent_rows * most_per_row];
};

// sums (rows apart by sums_stride) = a tile of state [depth][rows] · a panel of weights, the register tile of
// gemm_kernel.h with a fetch every few steps.
template <class C, int rows, int vectors>
void multiply_rows(const C* a, const C* b, int64_t depth, C* sums, int64_t sums_stride, fetch_list& lines) {
  using V = vector_t<C>;
  constexpr int W = V::width;
  constexpr int64_t steps = 8;
  V sum[rows][vectors];
  unroll<rows>([&](auto i) NR_INLINE { unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = V(C(0)); }); });
  for (int64_t first = 0; first < depth; first += steps) {
    lines.fetch_one();
    for (int64_t k = smaller(steps, depth - first); k > 0; k--) {
      V row[vectors];
      unroll<vectors>([&](auto j) NR_INLINE { row[j] = load<V>(b + j * W); });
      unroll<rows>([&](auto i) NR_INLINE {
        const V x(a[i]);
        unroll<vectors>([&](auto j) NR_INLINE { sum[i][j] = fma(x, row[j], sum[i][j]); });
      });
      a += rows;
      b += tile_columns<C>;
    }
  }
  unroll<rows>([&](auto i) NR_INLINE {
    unroll<vectors>([&](auto j) NR_INLINE { store(sums + i * sums_stride + j * W, sum[i][j]); });
  });
}

template <class C>
using state_tile = void (*)(const C*, const C*, int64_t, C*, int64_t, fetch_list&);

template <class C, int... rows>
inline state_tile<C> choose_state_tile(int64_t height, int64_t columns, std::integer_sequence<int, rows...>) {
  static constexpr state_tile<C> narrow[] = {multiply_rows<C, rows + 1, 1>...};
  static constexpr state_tile<C> wide[] = {multiply_rows<C, rows + 1, tile_vectors>...};
  return (columns <= vector_t<C>::width ? narrow : wide)[height - 1];
}
template <class C>
inline state_tile<C> choose_state_tile(int64_t height, int64_t columns) {
  return choose_state_tile<C>(height, columns, std::make_integer_sequence<int, tile_rows>{});
}

// sums[row][stream] (rows apart by sums_stride, streams by tile_columns) = a[row] from stream * a_step on · the panel
// at b + stride * b_step, for `streams` panels side by side.
template <class C, int rows, int streams>
void multiply_streams(const C* a, int64_t a_stride, int64_t a_step, const C* b, int64_t b_step, int64_t depth, C* sums,
                      int64_t sums_stride) {
  using V = vector_t<C>;
  constexpr int W = V::width;
  V sum[rows][streams][tile_vectors];
  const auto each = [&](auto visit) NR_INLINE {
    unroll<rows>([&](auto i) NR_INLINE {
      unroll<streams>([&](auto s) NR_INLINE { unroll<tile_vectors>([&](auto j) NR_INLINE { visit(i, s, j); }); });
    });
  };
  each([&](auto i, auto s, auto j) NR_INLINE { sum[i][s][j] = V(C(0)); });
  for (int64_t k = 0; k < depth; k++, b += tile_columns<C>) {
    each([&](auto i, auto s, auto j) NR_INLINE {
      sum[i][s][j] = fma(V(a[i * a_stride + s * a_step + k]), load<V>(b + s * b_step + j * W), sum[i][s][j]);
    });
  }
  each([&](auto i, auto s, auto j)
           NR_INLINE { store(sums + i * sums_stride + s * tile_columns<C> + j * W, sum[i][s][j]); });
}

template <class C, int streams>
inline void multiply_thin(const C* a, int64_t a_stride, int64_t a_step, const C* b, int64_t b_step, int64_t rows,
                          int64_t depth, C* sums, int64_t sums_stride) {
  using kernel = void (*)(const C*, int64_t, int64_t, const C*, int64_t, int64_t, C*, int64_t);
  static constexpr kernel by_rows[] = {multiply_streams<C, 1, streams>, multiply_streams < C,
                                       thin_state_rows == 1 ? 1 : 2, streams >,
                                       multiply_streams<C, thin_state_rows, streams>};
  by_rows[rows - 1](a, a_stride, a_step, b, b_step, depth, sums, sums_stride);
}

// sums[row][matrix][tile_columns] = state · the panels of one unit block.
template <class C>
void multiply_state(const state_rows<C>& state, int64_t rows, const recurrent_weights<C>& w, int64_t unit_block,
                    C* sums, fetch_list& lines) {
  const C* panels = w.panels_of(unit_block);
  const int64_t stride = w.matrices * tile_columns<C>;
  if (rows > thin_state_rows) {
    const int64_t columns = smaller(tile_columns<C>, w.units - unit_block * tile_columns<C>);
    const int64_t tiles = panels_of_rows(rows);
    for (int64_t g = 0; g < w.matrices; g++) {
      for (int64_t p = 0; p < tiles; p++) {
        const int64_t i = p * rows / tiles, height = (p + 1) * rows / tiles - i;
        choose_state_tile<C>(height, columns)(state.tiles + i * w.depth, panels + g * w.panel_size(), w.depth,
                                              sums + i * stride + g * tile_columns<C>, stride, lines);
      }
    }
    lines.fetch_rest();
    return;
  }
  lines.fetch_rest();
  if (w.matrices == 4)
    return multiply_thin<C, 4>(state.at, state.stride, 0, panels, w.panel_size(), rows, w.depth, sums, stride);
  if (w.matrices == 3)
    return multiply_thin<C, 3>(state.at, state.stride, 0, panels, w.panel_size(), rows, w.depth, sums, stride);
  // One panel alone: four parts of its depth side by side.
  constexpr int parts = 4;
  alignas(64) C partial[thin_state_rows * (parts + 1) * tile_columns<C>];
  constexpr int64_t partial_stride = (parts + 1) * tile_columns<C>;
  const int64_t part = w.depth / parts, rest = w.depth - parts * part;
  multiply_thin<C, parts>(state.at, state.stride, part, panels, part * tile_columns<C>, rows, part, partial,
                          partial_stride);
  multiply_thin<C, 1>(state.at + parts * part, state.stride, 0, panels + parts * part * tile_columns<C>, 0, rows, rest,
                      partial + parts * tile_columns<C>, partial_stride);
  using V = vector_t<C>;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < tile_columns<C>; j += V::width) {
      V sum(C(0));
      for (int64_t p = 0; p <= parts; p++) sum = sum + load<V>(partial + i * partial_stride + p * tile_columns<C> + j);
      store(sums + i * stride + j, sum);
    }
}

// y [rows, columns] = a [rows, depth] · w, where w is [depth, columns], or [columns, depth] if `transpose`: one product
// of the matmul kernel, for walks too short to pack w.
template <class C>
void multiply_whole(nr_context* ctx, const C* a, int64_t rows, int64_t depth, int64_t a_stride, const C* w,
                    int64_t columns, bool transpose, C* y) {
  const auto matrix = [](const C* data, int64_t m, int64_t n, int64_t stride) {
    return nr_tensor{const_cast<C*>(data), dtype_of<C>, 2, {m, n}, {stride, 1}};
  };
  const nr_tensor left = matrix(a, rows, depth, a_stride);
  const nr_tensor right = transpose ? matrix(w, columns, depth, depth) : matrix(w, depth, columns, columns);
  nr_optional none = {};
  nr_tensor product = matrix(y, rows, columns, columns);
  matmul(ctx, &left, &right, &none, &none, &product, &none, false, transpose, nr_activation_none);
}

}  // namespace
}  // namespace neurite::NR_ISA
