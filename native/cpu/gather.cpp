// Reading by index: gather, index_select and embedding are one loop nest over y, x and index, in which x is held still
// along the indexed dim and index · stride is added. Where the index does not vary along a row, the row is one copy.
#include "cpu/index.h"

namespace neurite::NR_ISA {
namespace {

template <class Bits, class I, int N>
void gather_rows(nr_context* ctx, const nest<N>& l, int64_t index_stride) {
  const int64_t y_step = l.step(0), x_step = l.step(1), index_step = l.step(2);
  constexpr int64_t size = sizeof(Bits);
  parallel_range(ctx, l.numel, 16384, [&](int64_t begin, int64_t end) {
    each_row(l, begin, end, [&](char* const* p, int64_t n) {
      char* y = p[0];
      const char *x = p[1], *index = p[2];
      if (index_step == 0) {
        x += *reinterpret_cast<const I*>(index) * index_stride;
        if (y_step == size && x_step == size) {
          __builtin_memcpy(y, x, static_cast<size_t>(n * size));
          return;
        }
        for (int64_t i = 0; i < n; i++)
          *reinterpret_cast<Bits*>(y + i * y_step) = *reinterpret_cast<const Bits*>(x + i * x_step);
        return;
      }
      for (int64_t i = 0; i < n; i++) {
        const int64_t at = *reinterpret_cast<const I*>(index + i * index_step);
        *reinterpret_cast<Bits*>(y + i * y_step) = *reinterpret_cast<const Bits*>(x + i * x_step + at * index_stride);
      }
    });
  });
}

// y[…] = x[… + index · stride], where x and index are seen over y's shape and the stride counts x's elements.
void gather_over(nr_context* ctx, const nr_tensor& y, const nr_tensor& x, const nr_tensor& index, int64_t stride) {
  const auto l = make_nest(y, x, index);
  const int64_t size = element_bytes(x.dtype);
  with_bits(size, [&](auto bits) {
    with_index_dtype(
        index, [&](auto tag) { gather_rows<decltype(bits), typename decltype(tag)::type>(ctx, l, stride * size); });
  });
}

}  // namespace

void gather(nr_context* ctx, const nr_tensor* x, const nr_tensor* index, nr_tensor* y, int64_t dim) {
  if (indices_in_range(ctx, *index, x->shape[dim])) gather_over(ctx, *y, held_at(*x, *y, dim), *index, x->stride[dim]);
}

void index_select(nr_context* ctx, const nr_tensor* x, const nr_tensor* index, nr_tensor* y, int64_t dim) {
  if (!indices_in_range(ctx, *index, x->shape[dim])) return;
  gather_over(ctx, *y, held_at(*x, *y, dim), along(*index, *y, dim), x->stride[dim]);
}

void embedding(nr_context* ctx, const nr_tensor* w, const nr_tensor* index, nr_tensor* y) {
  if (!indices_in_range(ctx, *index, w->shape[0])) return;
  nr_tensor columns = *y, each = *y;
  columns.data = w->data;
  each.data = index->data;
  each.dtype = index->dtype;
  for (int d = 0; d < y->ndim; d++) {
    const bool last = d == y->ndim - 1;
    columns.stride[d] = last ? w->stride[1] : 0;
    each.stride[d] = last ? 0 : index->stride[d];
  }
  gather_over(ctx, *y, columns, each, w->stride[0]);
}

}  // namespace neurite::NR_ISA
