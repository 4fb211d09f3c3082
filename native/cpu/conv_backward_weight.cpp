// The gradient of a convolution's weights: by tiles (conv_winograd.h), by lines (conv_lines.h), or dy · patches(x)ᵀ
// over all images, cut into a fixed number of partial sums.
#include "cpu/conv_lines.h"
#include "cpu/conv_operands.h"
#include "cpu/conv_winograd.h"

namespace neurite::NR_ISA {
namespace {

// How many partial sums a weight gradient of `size` elements over `positions` is cut into: enough to occupy the
// threads, each of them long enough, all of them together small.
template <class T>
inline int64_t weight_parts(const conv_shape& s, int64_t size, int64_t positions) {
  constexpr int64_t wanted_tasks = 32;
  const gemm_blocks<T> blocks(wanted_tasks, wanted_tasks, s.filters, s.channels * s.taps(), 1, costly_blocks);
  const int64_t tasks = s.groups * blocks.count_m * blocks.count_n;
  const int64_t most = smaller(positions / 512, (int64_t{1} << 22) / larger(size, 1));
  return larger(1, smaller(wanted_tasks / larger(tasks, 1), most));
}

// dw = sums[0] + sums[1] + … + sums[parts - 1], pairwise in a fixed order; the sums are used up.
template <class T, class In>
void add_parts(nr_context* ctx, T* sums, int64_t parts, int64_t size, In* dw) {
  parallel_range(ctx, size, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t half = 1; half < parts; half *= 2)
      for (int64_t p = 0; p + half < parts; p += 2 * half)
        for (int64_t i = begin; i < end; i++) sums[p * size + i] += sums[(p + half) * size + i];
    for (int64_t i = begin; i < end; i++) dw[i] = convert<In>(sums[i]);
  });
}

template <class In>
void conv_backward_weight_of(nr_context* ctx, const conv_shape& s, const nr_tensor& x, const nr_tensor& dy,
                             nr_tensor& dw) {
  using T = compute_t<In>;
  const int64_t N = s.channels * s.taps(), size = s.groups * s.filters * N, positions = s.batch * s.outputs();
  In* out = static_cast<In*>(dw.data);
  if (size == 0) return;
  if (positions == 0) {
    __builtin_memset(out, 0, static_cast<size_t>(size) * sizeof(In));
    return;
  }
  workspace memory = {ctx};
  if (is_winograd<T>(s, s.channels, s.filters, s.axis[1].out, s.axis[2].out))
    return winograd_backward_weight<T, In>(memory, s, x, dy, dw);
  const patches inputs = input_patches(s, x);
  const bool by_lines = is_by_lines<T>(s, inputs, s.filters) && s.filters * inputs.rows() <= most_line_gradients;
  const int64_t part_depth = ceil_div(positions, weight_parts<T>(s, size, positions));
  const int64_t parts = by_lines ? s.batch : ceil_div(positions, part_depth);
  T* sums = scratch<T>(ctx, parts * size);
  if (!sums) return;
  if (by_lines) {
    if (correlate_lines<T>(memory, s, inputs, static_cast<const In*>(x.data), x.stride[0], s.channels * x.stride[1], dy,
                           sums))
      add_parts(ctx, sums, parts, size, out);
    return;
  }
  const patch_rows<T, In> left = {
      parts * s.groups,         s.groups,   static_cast<const In*>(dy.data), s.batch, dy.stride[0],
      s.filters * dy.stride[1], part_depth, output_planes(s, dy).joined()};
  const patch_rows<T, In> right = {parts * s.groups, s.groups,       static_cast<const In*>(x.data),
                                   s.batch,          x.stride[0],    s.channels * x.stride[1],
                                   part_depth,       inputs.joined()};
  const conv_planes<T, T> rows = {sums, s.groups * s.filters * N, N, {0, 0, 1}};
  const image_result<T, T> result = {s.groups, s.filters, rows};
  gemm<T>(memory, parts * s.groups, s.filters, N, part_depth, left, right, result);
  add_parts(ctx, sums, parts, size, out);
}

}  // namespace

void conv_backward_weight(nr_context* ctx, const nr_tensor* x, const nr_tensor* dy, nr_tensor* dw, nr_ints stride,
                          nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*x, *dw, *dy, stride, padding, dilation, groups);
  with_float_dtype(dw->dtype,
                   [&](auto tag) { conv_backward_weight_of<typename decltype(tag)::type>(ctx, s, *x, *dy, *dw); });
}

}  // namespace neurite::NR_ISA
