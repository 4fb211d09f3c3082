// Writing by index: scatter, scatter_add and index_add. Elements that can meet in one place differ only along the
// indexed dim, so threads share out the other dims and each walks the indexed one in order: duplicates add, or
// overwrite, in the same order for any number of threads. 16-bit sums are held in float32 and rounded once.
#include "cpu/contiguous.h"
#include "cpu/index.h"
#include "cpu/row.h"

namespace neurite::NR_ISA {
namespace {

struct Assign {
  template <class Y, class S>
  static void one(Y& y, S s) {
    y = s;
  }
  template <class Y>
  static void row(Y* y, const Y* s, int64_t n) {
    __builtin_memmove(y, s, static_cast<size_t>(n) * sizeof(Y));
  }
};

struct Accumulate {
  template <class Y, class S>
  static void one(Y& y, S s) {
    if constexpr (std::is_integral_v<Y>) {
      y = static_cast<Y>(static_cast<std::make_unsigned_t<Y>>(y) + static_cast<std::make_unsigned_t<Y>>(s));  // wraps
    } else {
      y += convert<Y>(s);
    }
  }
  template <class Y, class S>
  static void row(Y* y, const S* s, int64_t n) {
    if constexpr (std::is_integral_v<Y>) {
      for (int64_t i = 0; i < n; i++) one(y[i], s[i]);
    } else {
      using V = vector_t<Y>;
      each_vector<V>(
          n, [&](int64_t i, auto lanes) { store(y + i, load<V>(y + i, lanes) + load<V>(s + i, lanes), lanes); });
    }
  }
};

// y, index and source are seen over one shape, y held at `dim`; y_stride is y's own stride there.
template <class Op, class Y, class S, class I>
void scatter_rows(nr_context* ctx, const nr_tensor& y, const nr_tensor& index, const nr_tensor& source, int64_t dim,
                  int64_t y_stride) {
  const int64_t length = index.shape[dim];
  if (length == 0) return;
  const auto l = make_nest(without_dim(y, dim), without_dim(index, dim), without_dim(source, dim));
  const int64_t y_step = l.step(0), index_step = l.step(1), source_step = l.step(2);
  const int64_t y_along = y_stride * static_cast<int64_t>(sizeof(Y));
  const int64_t index_along = index.stride[dim] * static_cast<int64_t>(sizeof(I));
  const int64_t source_along = source.stride[dim] * static_cast<int64_t>(sizeof(S));
  const bool dense = index_step == 0 && y_step == sizeof(Y) && source_step == sizeof(S);
  const int64_t grain = 16384 / length < 64 ? 64 : 16384 / length;
  parallel_range(ctx, l.numel, grain, [&](int64_t begin, int64_t end) {
    each_row(l, begin, end, [&](char* const* p, int64_t n) {
      for (int64_t k = 0; k < length; k++) {
        const char *at = p[1] + k * index_along, *s = p[2] + k * source_along;
        if (dense) {
          Op::row(reinterpret_cast<Y*>(p[0] + *reinterpret_cast<const I*>(at) * y_along), reinterpret_cast<const S*>(s),
                  n);
          continue;
        }
        for (int64_t j = 0; j < n; j++) {
          const int64_t i = *reinterpret_cast<const I*>(at + j * index_step);
          Op::one(*reinterpret_cast<Y*>(p[0] + j * y_step + i * y_along),
                  *reinterpret_cast<const S*>(s + j * source_step));
        }
      }
    });
  });
}

template <class Op, class Y, class S>
void scatter_over(nr_context* ctx, const nr_tensor& y, const nr_tensor& index, const nr_tensor& source, int64_t dim) {
  with_index_dtype(index, [&](auto tag) {
    using I = typename decltype(tag)::type;
    scatter_rows<Op, Y, S, I>(ctx, held_at(y, index, dim), index, source, dim, y.stride[dim]);
  });
}

void add_over(nr_context* ctx, nr_tensor& y, const nr_tensor& index, const nr_tensor& source, int64_t dim) {
  with_dtype(y.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (is_half<T>) {
      Target<float> wide(ctx, y, true);
      if (!wide.data()) return;
      scatter_over<Accumulate, float, T>(ctx, wide.tensor(), index, source, dim);
      wide.finish();
    } else if constexpr (!std::is_same_v<T, bool>) {
      scatter_over<Accumulate, T, T>(ctx, y, index, source, dim);
    }
  });
}

}  // namespace

void scatter(nr_context* ctx, nr_tensor* y, const nr_tensor* index, const nr_operand* source, int64_t dim) {
  if (!indices_in_range(ctx, *index, y->shape[dim])) return;
  nr_tensor s = as_tensor(*source);
  if (source->tensor.data) {
    for (int d = 0; d < s.ndim; d++) s.shape[d] = index->shape[d];
  } else {
    s = *index;
    s.data = as_tensor(*source).data;
    s.dtype = y->dtype;
    for (int d = 0; d < s.ndim; d++) s.stride[d] = 0;
  }
  with_bits(element_bytes(y->dtype),
            [&](auto bits) { scatter_over<Assign, decltype(bits), decltype(bits)>(ctx, *y, *index, s, dim); });
}

void scatter_add(nr_context* ctx, nr_tensor* y, const nr_tensor* index, const nr_tensor* source, int64_t dim) {
  if (!indices_in_range(ctx, *index, y->shape[dim])) return;
  nr_tensor s = *source;
  for (int d = 0; d < s.ndim; d++) s.shape[d] = index->shape[d];
  add_over(ctx, *y, *index, s, dim);
}

void index_add(nr_context* ctx, nr_tensor* y, const nr_tensor* index, const nr_tensor* source, int64_t dim) {
  if (indices_in_range(ctx, *index, y->shape[dim])) add_over(ctx, *y, along(*index, *source, dim), *source, dim);
}

}  // namespace neurite::NR_ISA
