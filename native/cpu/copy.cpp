// Movement of elements: copy between layouts and dtypes, cat, triangle. One dtype: dense rows are moved as bytes,
// transposes by tiles, turned in registers, the rest element by element. Two dtypes: blocks are gathered, converted by
// vectors and stored.
#include "cpu/convert.h"
#include "cpu/tiles.h"
#include "cpu/turn.h"
#include "cpu/unroll.h"

namespace neurite::NR_ISA {
namespace {

constexpr int64_t grain = 1 << 15;

// Row r of y is column r of x, `rows` of them, `columns` long; the columns of x are dense.
template <class T>
inline void turn_block(const char* x, int64_t x_step, char* y, int64_t y_row, int64_t rows, int64_t columns) {
  using V = bits_vector<T>;
  constexpr int W = V::width;
  V block[W];
  if (rows >= W && columns >= W) {
    unroll<W>([&](auto c) NR_INLINE { block[c] = load_bits(reinterpret_cast<const T*>(x + c * x_step), W); });
    turn(block);
    unroll<W>([&](auto r) NR_INLINE { store_bits(reinterpret_cast<T*>(y + r * y_row), block[r], W); });
    return;
  }
  for (int c = 0; c < W; c++)
    block[c] = c < columns ? load_bits(reinterpret_cast<const T*>(x + c * x_step), rows) : V(0);
  turn(block);
  for (int r = 0; r < W && r < rows; r++) store_bits(reinterpret_cast<T*>(y + r * y_row), block[r], columns);
}

// y[r, c] = x[r, c] where the columns of x are dense, and as a rule the rows of y; elsewhere, and for bytes, tiles are
// turned in a buffer that fits the first-level cache.
template <class T>
void copy_transposed(nr_context* ctx, const nest<2>& l, int dim) {
  constexpr int64_t edge = sizeof(T) == 8 ? 32 : 64, size = sizeof(T);
  const int64_t y_row = l.stride[0][dim], y_step = l.step(0), x_row = l.stride[1][dim], x_step = l.step(1);
  each_tile(ctx, l, dim, edge, [&](char* const* p, int64_t rows, int64_t columns) {
    if constexpr (size > 1) {
      constexpr int64_t W = bits_vector<T>::width;
      if (x_row == size && y_step == size) {
        for (int64_t r = 0; r < rows; r += W)
          for (int64_t c = 0; c < columns; c += W)
            turn_block<T>(p[1] + r * size + c * x_step, x_step, p[0] + r * y_row + c * size, y_row, rows - r,
                          columns - c);
        return;
      }
    }
    T turned[edge][edge];
    for (int64_t c = 0; c < columns; c++) {
      T column[edge];
      gather_row(column, p[1] + c * x_step, x_row, rows);
      for (int64_t r = 0; r < rows; r++) turned[r][c] = column[r];
    }
    for (int64_t r = 0; r < rows; r++) scatter_row(p[0] + r * y_row, y_step, turned[r], columns);
  });
}

// Rows of `bytes` bytes each, some hundred perhaps, that follow each other in y but lie apart in x, where the processor
// does not foresee them.
inline void copy_short_row(char* y, const char* x, int64_t bytes, int64_t next) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(x + 4 * next + i);
  int64_t i = 0;
  for (; i + 64 <= bytes; i += 64) __builtin_memcpy(y + i, x + i, 64);
  __builtin_memcpy(y + i, x + i, static_cast<size_t>(bytes - i));
}

template <class T>
void copy_elements(nr_context* ctx, const nest<2>& l) {
  if (l.numel == 0) return;
  const int dim = transposed_dim(l, {sizeof(T), sizeof(T)});
  if (dim >= 0) return copy_transposed<T>(ctx, l, dim);
  const bool dense_y = l.step(0) == static_cast<int64_t>(sizeof(T)), dense_x = l.step(1) == l.step(0);
  const int64_t row_bytes = l.row() * static_cast<int64_t>(sizeof(T));
  const int64_t next = l.ndim > 1 && dense_x && dense_y && row_bytes <= 1024 ? l.stride[1][l.ndim - 2] : 0;
  parallel_range(ctx, l.numel, grain, [&](int64_t begin, int64_t end) {
    each_row(l, begin, end, [&](char* const* p, int64_t n) {
      if (next != 0) return copy_short_row(p[0], p[1], n * static_cast<int64_t>(sizeof(T)), next);
      if (dense_y) return gather_row(reinterpret_cast<T*>(p[0]), p[1], l.step(1), n);
      for (int64_t i = 0; i < n; i++)
        *reinterpret_cast<T*>(p[0] + i * l.step(0)) = *reinterpret_cast<const T*>(p[1] + i * l.step(1));
    });
  });
}

void copy_same(nr_context* ctx, const nr_tensor& x, const nr_tensor& y) {
  const auto l = make_nest(y, x);
  with_bits(element_bytes(y.dtype), [&](auto bits) { copy_elements<decltype(bits)>(ctx, l); });
}

template <class To, class From>
void convert_elements(nr_context* ctx, const nest<2>& l) {
  constexpr int64_t block = 512;
  const bool dense_x = l.is_dense(1, sizeof(From)), dense_y = l.is_dense(0, sizeof(To));
  parallel_range(ctx, l.numel, grain, [&](int64_t begin, int64_t end) {
    alignas(64) From in[block];
    alignas(64) To out[block];
    for (int64_t at = begin; at < end; at += block) {
      const int64_t n = at + block < end ? block : end - at;
      const From* x = dense_x ? reinterpret_cast<const From*>(l.base[1]) + at : in;
      To* y = dense_y ? reinterpret_cast<To*>(l.base[0]) + at : out;
      int64_t filled = 0;
      if (!dense_x)
        each_row(l, at, at + n, [&](char* const* p, int64_t m) {
          gather_row(in + filled, p[1], l.step(1), m);
          filled += m;
        });
      convert_row(y, x, n);
      filled = 0;
      if (!dense_y)
        each_row(l, at, at + n, [&](char* const* p, int64_t m) {
          scatter_row(p[0], l.step(0), out + filled, m);
          filled += m;
        });
    }
  });
}

template <class T>
void copy_triangle(nr_context* ctx, const nr_tensor& x, const nr_tensor& y, int64_t diagonal, bool upper) {
  const int row_dim = x.ndim - 2, column_dim = x.ndim - 1;
  const int64_t rows = x.shape[row_dim], columns = x.shape[column_dim];
  int64_t total = rows;
  for (int d = 0; d < row_dim; d++) total *= x.shape[d];
  if (columns == 0) return;
  parallel_range(ctx, total, 1 + grain / columns, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at++) {
      const int64_t r = at % rows;
      int64_t rest = at;
      const T* from = static_cast<const T*>(x.data);
      for (int d = row_dim; d >= 0; d--) {
        from += rest % x.shape[d] * x.stride[d];
        rest /= x.shape[d];
      }
      // Column r + diagonal is the first one kept (upper), or the last (lower).
      const int64_t edge = upper ? diagonal : diagonal + 1;  // small enough to add r: see the contract
      const int64_t split = r + edge < 0 ? 0 : r + edge > columns ? columns : r + edge;
      const int64_t first = upper ? split : 0, last = upper ? columns : split;
      T* to = static_cast<T*>(y.data) + at * columns;
      __builtin_memset(to, 0, static_cast<size_t>(columns) * sizeof(T));
      gather_row(to + first, reinterpret_cast<const char*>(from + first * x.stride[column_dim]),
                 x.stride[column_dim] * static_cast<int64_t>(sizeof(T)), last - first);
    }
  });
}

}  // namespace

void copy(nr_context* ctx, const nr_tensor* x, nr_tensor* y) {
  if (x->dtype == y->dtype) return copy_same(ctx, *x, *y);
  const auto l = make_nest(*y, *x);
  with_dtype(x->dtype, [&](auto from) {
    with_dtype(y->dtype, [&](auto to) {
      using From = typename decltype(from)::type;
      using To = typename decltype(to)::type;
      if constexpr (!std::is_same_v<To, From>) convert_elements<To, From>(ctx, l);
    });
  });
}

void cat(nr_context* ctx, const nr_tensors* xs, nr_tensor* y, int64_t dim) {
  nr_tensor slot = *y;  // the part of y that the next tensor fills
  for (int64_t i = 0; i < xs->count; i++) {
    const nr_tensor& x = xs->at[i];
    slot.shape[dim] = x.shape[dim];
    copy_same(ctx, x, slot);
    slot.data = static_cast<char*>(slot.data) + x.shape[dim] * y->stride[dim] * element_bytes(y->dtype);
  }
}

void triangle(nr_context* ctx, const nr_tensor* x, nr_tensor* y, int64_t diagonal, bool upper) {
  with_bits(element_bytes(y->dtype), [&](auto bits) { copy_triangle<decltype(bits)>(ctx, *x, *y, diagonal, upper); });
}

}  // namespace neurite::NR_ISA
