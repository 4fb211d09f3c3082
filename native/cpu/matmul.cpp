// Matrix product: y[batch] = activation(op(a[batch]) · op(b[batch]) + bias + residual). Floating products read their
// operands in place (matmul_in_place.h) or go through the packed, blocked GEMM of gemm.h; with few rows or one column
// they stream the large operand once (matmul_thin.h). Where K is long, it is cut (matmul_split.h). 16-bit floats are
// widened while packing and accumulate in float32. Constant right operands can be packed once (matmul_packed.h).
// Integers: matmul_integer.h.
#include "cpu/matmul_in_place.h"
#include "cpu/matmul_integer.h"
#include "cpu/matmul_packed.h"
#include "cpu/matmul_split.h"

namespace neurite::NR_ISA {
namespace {

template <class T, class In>
struct matrix_operand {
  static constexpr bool is_costly = false;
  int64_t variants;
  const In* data;
  int64_t stride_p, stride_k;
  batch_offsets offsets;

  bool is_contiguous() const { return stride_p == 1; }
  void panel(T* dst, int64_t variant, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    pack_panel(data + offsets[variant] + first * stride_p + k * stride_k, stride_p, stride_k, count, depth, dst, width);
  }
};

template <class T, class Out>
struct matrix_result {
  static constexpr bool is_direct = std::is_same_v<T, Out>;
  Out* data;
  int64_t first, rows, row_stride;  // the first batch, the shape of each
  const T* bias;
  const epilogue<T, Out>* ending;

  const T* row_bias(int64_t) const { return nullptr; }
  const T* column_bias() const { return bias; }
  int64_t offset(int64_t batch) const { return (first + batch) * rows * row_stride; }
  Out* at(int64_t batch) const { return data + offset(batch); }
  void finish(int64_t batch, int64_t m, int64_t n, int64_t count, int64_t columns) const requires is_direct {
    if (ending->is_empty()) return;
    const int64_t to = offset(batch) + m * row_stride + n;
    ending->finish(data + to, row_stride, data, to, row_stride, count, columns);
  }
  void write(int64_t batch, int64_t m, int64_t n, int64_t count, int64_t columns, const T* block,
             int64_t block_stride) const {
    ending->finish(block, block_stride, data, offset(batch) + m * row_stride + n, row_stride, count, columns);
  }
};

template <class T, class In>
void packed_matmul(nr_context* ctx, const matmul_plan& p, const In* a, const In* b, const T* bias, In* y,
                   const epilogue<T, In>& ending) {
  workspace memory = {ctx};
  const gemm_blocks<T> one(wanted_blocks(ctx), 1, p.M, p.N, p.K, usual_blocks);
  // Large matrices go one after the other, so that each can be packed for all its tasks.
  const bool one_by_one = p.batches > 1 && one.count_m * one.count_n >= wanted_blocks(ctx);
  for (int64_t first = 0; first < (one_by_one ? p.batches : 1); first++) {
    const int64_t batches = one_by_one ? 1 : p.batches;
    const int64_t a_first = one_by_one ? p.a[first] : 0, b_first = one_by_one ? p.b[first] : 0;
    const matrix_operand<T, In> left = {p.a.is_constant() ? 1 : batches, a + a_first, p.a_stride_m, p.a_stride_k, p.a};
    const matrix_operand<T, In> right = {p.b.is_constant() ? 1 : batches, b + b_first, p.b_stride_n, p.b_stride_k, p.b};
    const matrix_result<T, In> result = {y, first, p.M, p.N, bias, &ending};
    gemm<T>(memory, batches, p.M, p.N, p.K, left, right, result);
  }
}

// The bias of n columns, `stride` apart, in the type computed in: where it lies if that is possible, else a copy. False
// when memory is out.
template <class T, class In>
inline bool widen_bias(nr_context* ctx, const nr_optional& bias, int64_t n, int64_t stride, const T** out) {
  *out = nullptr;
  if (!bias.present) return true;
  const In* from = static_cast<const In*>(bias.tensor.data);
  if constexpr (std::is_same_v<T, In>) {
    if (stride == 1) {
      *out = from;
      return true;
    }
  }
  T* copy = scratch<T>(ctx, n);
  if (!copy) return false;
  for (int64_t j = 0; j < n; j++) copy[j] = convert<T>(from[j * stride]);
  *out = copy;
  return true;
}

template <class T, class In>
void whole_matmul(nr_context* ctx, const matmul_plan& p, const In* a, const In* b, const T* bias, In* y,
                  const epilogue<T, In>& ending) {
  if (is_thin<In>(p)) {
    thin_matmul(ctx, p, a, b, bias, y, ending);
  } else if (is_in_place<T, In>(p)) {
    if constexpr (std::is_same_v<T, In>) in_place_matmul<T>(ctx, p, a, b, nullptr, bias, y, ending);
  } else {
    packed_matmul(ctx, p, a, b, bias, y, ending);
  }
}

template <class T, class In>
void floating_matmul(nr_context* ctx, const matmul_plan& p, const In* a, const In* b, const T* bias, In* y,
                     const epilogue<T, In>& ending) {
  if constexpr (std::is_same_v<T, In>) {
    if (const int64_t depth = part_depth<T>(p); depth < p.K) {
      const auto multiply = is_streamed<T>(p) ? thin_matmul<T, T> : whole_matmul<T, T>;
      return split_matmul(ctx, p, depth, a, b, bias, y, ending,
                          [&](const matmul_plan& part, const T* a_at, const T* b_at, T* sums) {
                            multiply(ctx, part, a_at, b_at, nullptr, sums, {});
                          });
    }
  }
  whole_matmul(ctx, p, a, b, bias, y, ending);
}

template <class In>
void matmul_of(nr_context* ctx, const matmul_plan& p, const nr_tensor& a, const nr_tensor& b, const nr_optional& bias,
               const nr_optional& residual, nr_tensor& y, const nr_optional& preactivation, int64_t activation) {
  using T = compute_t<In>;
  const auto* a_data = static_cast<const In*>(a.data);
  const auto* b_data = static_cast<const In*>(b.data);
  auto* y_data = static_cast<In*>(y.data);
  const bool is_column = p.N == 1 && !is_thin<In>(p) && is_thin<In>(swapped(p));
  const T* wide_bias;
  if (!widen_bias<T, In>(ctx, bias, is_column ? p.M : p.N, is_column ? 0 : bias.tensor.stride[0], &wide_bias)) return;
  if constexpr (std::is_integral_v<In>) {
    integer_matmul(ctx, p, a_data, b_data, wide_bias, y_data);
  } else {
    const auto ending = make_epilogue<T, In>(residual, preactivation, activation);
    if (is_column) {  // yᵀ = bᵀ · aᵀ is a row
      floating_matmul(ctx, swapped(p), b_data, a_data, wide_bias, y_data, ending);
    } else {
      floating_matmul(ctx, p, a_data, b_data, wide_bias, y_data, ending);
    }
  }
}

template <class In>
void matmul_packed_of(nr_context* ctx, const matmul_plan& p, const nr_tensor& a, const nr_tensor& w,
                      const nr_optional& bias, const nr_optional& residual, nr_tensor& y, int64_t activation) {
  using T = compute_t<In>;
  const auto* a_data = static_cast<const In*>(a.data);
  const auto* w_data = static_cast<const In*>(w.data);
  auto* y_data = static_cast<In*>(y.data);
  const T* wide_bias;
  if (!widen_bias<T, In>(ctx, bias, p.N, bias.tensor.stride[0], &wide_bias)) return;
  const auto ending = make_epilogue<T, In>(residual, {}, activation);
  if (p.M == 1) {
    packed_row_matmul(ctx, p, a_data, w_data, wide_bias, y_data, ending);
  } else if constexpr (std::is_same_v<T, In>) {
    in_place_matmul<T>(ctx, p, a_data, w_data, nullptr, wide_bias, y_data, ending);
  } else if (p.M <= thin_rows) {
    thin_packed_matmul(ctx, p, a_data, w_data, wide_bias, y_data, ending);
  } else {
    workspace memory = {ctx};
    const matrix_operand<T, In> left = {1, a_data, p.a_stride_m, p.a_stride_k, p.a};
    const matrix_result<T, In> result = {y_data, 0, p.M, p.N, wide_bias, &ending};
    gemm<T>(memory, 1, p.M, p.N, p.K, left, column_panels<T, In>{1, w_data, p.K}, result);
  }
}

}  // namespace

void matmul(nr_context* ctx, const nr_tensor* a, const nr_tensor* b, const nr_optional* bias,
            const nr_optional* residual, nr_tensor* y, nr_optional* preactivation, bool transpose_a, bool transpose_b,
            int64_t activation) {
  const matmul_plan p = plan_matmul(*a, *b, *y, transpose_a, transpose_b);
  with_dtype(y->dtype, [&](auto tag) {
    using In = typename decltype(tag)::type;
    if constexpr (is_float_type<In> || std::is_same_v<In, int32_t> || std::is_same_v<In, int64_t>)
      matmul_of<In>(ctx, p, *a, *b, *bias, *residual, *y, *preactivation, activation);
  });
}

void matmul_pack(nr_context* ctx, const nr_tensor* w, nr_tensor* packed, bool transpose) {
  const int rows = transpose ? 1 : 0, columns = transpose ? 0 : 1;
  with_float_dtype(w->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    pack_columns(ctx, static_cast<const T*>(w->data), w->stride[columns], w->stride[rows], w->shape[columns],
                 w->shape[rows], static_cast<T*>(packed->data));
  });
}

void matmul_packed(nr_context* ctx, const nr_tensor* a, const nr_tensor* packed, const nr_optional* bias,
                   const nr_optional* residual, nr_tensor* y, int64_t activation) {
  matmul_plan p = {};
  p.M = a->shape[0];
  p.K = a->shape[1];
  p.N = y->shape[1];
  p.batches = 1;
  p.a_stride_m = a->stride[0];
  p.a_stride_k = a->stride[1];
  p.b_stride_k = panel_columns;
  p.b_stride_n = 1;
  p.b_panel = p.K * panel_columns;
  with_float_dtype(y->dtype, [&](auto tag) {
    matmul_packed_of<typename decltype(tag)::type>(ctx, p, *a, *packed, *bias, *residual, *y, activation);
  });
}

}  // namespace neurite::NR_ISA
