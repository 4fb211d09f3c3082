// Convolution over 1 to 3 axes as implicit matrix products (gemm.h) per image and group: weights packed once, patches
// packed panel by panel straight from the image. Forward: w · patches(x). Backward to the input: the inputs are split
// by residue modulo the stride, and each residue class is a dense product of the weights that reach it with patches of
// dy. Backward to the weight: dy · patches(x)ᵀ over all images, cut into a fixed number of partial sums.
#include "cpu/conv_shape.h"

namespace neurite::NR_ISA {
namespace {

// Weights [filters · groups, channels, taps] with any strides; rows are filters.
template <class T, class In>
struct weight_rows {
  static constexpr bool is_costly = false;
  int64_t variants;  // groups
  const In* data;
  const conv_shape* shape;
  int64_t filter_stride, channel_stride, tap_stride[3];
  bool is_dense;  // channels and taps of a filter lie side by side

  void panel(T* dst, int64_t group, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* w = data + (group * shape->filters + first) * filter_stride;
    if (is_dense) return pack_panel(w + k, filter_stride, 1, count, depth, dst, width);
    for (int64_t i = 0; i < depth; i++, dst += width) {
      int64_t rest = k + i, offset = 0;
      for (int axis = 2; axis >= 0; axis--) {
        offset += rest % shape->axis[axis].kernel * tap_stride[axis];
        rest /= shape->axis[axis].kernel;
      }
      offset += rest * channel_stride;
      for (int64_t p = 0; p < count; p++) dst[p] = convert<T>(w[p * filter_stride + offset]);
    }
  }
};

// The same weights for one phase of the backward pass: rows are channels, k counts (filter, tap of the phase).
template <class T, class In>
struct weight_columns {
  static constexpr bool is_costly = false;
  int64_t variants;
  const In* data;
  const conv_shape* shape;
  int64_t filter_stride, channel_stride, tap_stride[3];
  const conv_phase* phase;

  void panel(T* dst, int64_t group, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* w = data + group * shape->filters * filter_stride + first * channel_stride;
    for (int64_t i = 0; i < depth; i++, dst += width) {
      int64_t rest = k + i, offset = 0;
      for (int axis = 2; axis >= 0; axis--) {
        const conv_phase& f = phase[axis];
        offset += (f.first + rest % f.taps * f.step) * tap_stride[axis];
        rest /= f.taps;
      }
      offset += rest * filter_stride;
      for (int64_t p = 0; p < count; p++) dst[p] = convert<T>(w[p * channel_stride + offset]);
    }
  }
};

// Patches of image `variant / groups`, group `variant % groups`, in a product over their rows.
template <class T, class In>
struct patch_columns {
  static constexpr bool is_costly = true;
  int64_t variants, groups;
  const In* data;
  int64_t image_stride, group_stride;
  patches source;

  void panel(T* dst, int64_t variant, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const In* image = data + variant / groups * image_stride + variant % groups * group_stride;
    pack_positions(source, image, dst, first, count, k, depth, width);
  }
};

// Rows of patches in a product over the positions of all images: part `variant / groups` covers `part_depth` of them,
// and is padded with zeros past the last image.
template <class T, class In>
struct patch_rows {
  static constexpr bool is_costly = true;
  int64_t variants, groups;
  const In* data;
  int64_t images, image_stride, group_stride, part_depth;
  patches source;

  void panel(T* dst, int64_t variant, int64_t first, int64_t count, int64_t k, int64_t depth, int64_t width) const {
    const int64_t per_image = source.positions();
    const In* group = data + variant % groups * group_stride;
    int64_t at = variant / groups * part_depth + k;
    while (depth > 0 && at < images * per_image) {
      const int64_t image = at / per_image, position = at % per_image, n = smaller(depth, per_image - position);
      pack_patch_rows(source, group + image * image_stride, dst, first, count, position, n, width);
      at += n;
      depth -= n;
      dst += n * width;
    }
    write_zeros(dst, depth * width);
  }
};

// Images × groups of contiguous [rows, columns] matrices, or, with steps, every step-th element of them along each
// axis.
template <class T, class Out>
struct image_result {
  static constexpr bool is_direct = std::is_same_v<T, Out>;
  Out* data;
  int64_t rows, row_stride;
  const T* bias;
  int64_t groups;

  const T* row_bias(int64_t batch) const { return bias ? bias + batch % groups * rows : nullptr; }
  const T* column_bias() const { return nullptr; }
  Out* at(int64_t batch) const { return data + batch * rows * row_stride; }
  void write(int64_t batch, int64_t m, int64_t n, int64_t count, int64_t columns, const T* block,
             int64_t block_stride) const {
    for (int64_t i = 0; i < count; i++)
      copy_line_to(at(batch) + (m + i) * row_stride + n, block + i * block_stride, columns);
  }
  static void copy_line_to(Out* to, const T* from, int64_t n) {
    using V = vector_t<T>;
    for (int64_t j = 0; j < n; j += V::width) store(to + j, load<V>(from + j, n - j), n - j);
  }
};

template <class T, class Out>
struct phase_result {
  static constexpr bool is_direct = false;
  Out* data;
  const conv_shape* shape;
  const conv_phase* phase;

  const T* row_bias(int64_t) const { return nullptr; }
  const T* column_bias() const { return nullptr; }
  void write(int64_t batch, int64_t m, int64_t n, int64_t rows, int64_t columns, const T* block,
             int64_t block_stride) const {
    const auto& a = shape->axis;
    for (int64_t j = 0; j < columns; j++) {
      const int64_t w = (n + j) % phase[2].positions, rest = (n + j) / phase[2].positions;
      const int64_t h = rest % phase[1].positions, d = rest / phase[1].positions;
      Out* to = data + (batch * shape->channels + m) * shape->inputs() +
                ((d * a[0].stride + phase[0].residue) * a[1].in + h * a[1].stride + phase[1].residue) * a[2].in +
                w * a[2].stride + phase[2].residue;
      for (int64_t i = 0; i < rows; i++) to[i * shape->inputs()] = convert<Out>(block[i * block_stride + j]);
    }
  }
};

inline bool is_dense_filter(const conv_shape& s, const nr_tensor& w) {
  int64_t expected = 1;
  for (int32_t d = w.ndim - 1; d > 0; d--) {
    if (w.shape[d] != 1 && w.stride[d] != expected) return false;
    expected *= w.shape[d];
  }
  return expected == s.channels * s.taps();
}

template <class In>
void conv_of(nr_context* ctx, const conv_shape& s, const nr_tensor& x, const nr_tensor& w, const nr_optional& bias,
             nr_tensor& y) {
  using T = compute_t<In>;
  T* wide_bias = nullptr;
  if (bias.present) {
    const In* from = static_cast<const In*>(bias.tensor.data);
    if (!(wide_bias = scratch<T>(ctx, s.groups * s.filters))) return;
    for (int64_t o = 0; o < s.groups * s.filters; o++) wide_bias[o] = convert<T>(from[o * bias.tensor.stride[0]]);
  }
  const int64_t products = s.batch * s.groups;
  const weight_rows<T, In> left = {s.groups,
                                   static_cast<const In*>(w.data),
                                   &s,
                                   w.stride[0],
                                   w.stride[1],
                                   {spatial_stride(w, 0), spatial_stride(w, 1), spatial_stride(w, 2)},
                                   is_dense_filter(s, w)};
  const patch_columns<T, In> right = {
      products, s.groups, static_cast<const In*>(x.data), x.stride[0], s.channels * x.stride[1], input_patches(s, x)};
  const image_result<T, In> result = {static_cast<In*>(y.data), s.filters, s.outputs(), wide_bias, s.groups};
  gemm<T>(ctx, products, s.filters, s.outputs(), s.channels * s.taps(), left, right, result);
}

template <class In>
void conv_backward_input_of(nr_context* ctx, const conv_shape& s, const nr_tensor& dy, const nr_tensor& w,
                            nr_tensor& dx) {
  using T = compute_t<In>;
  const auto& a = s.axis;
  const int64_t products = s.batch * s.groups;
  const int64_t residues[3] = {smaller(a[0].stride, a[0].in), smaller(a[1].stride, a[1].in),
                               smaller(a[2].stride, a[2].in)};
  for (int64_t r = 0; r < residues[0] * residues[1] * residues[2]; r++) {
    const conv_phase phase[3] = {make_conv_phase(a[0], r / residues[2] / residues[1]),
                                 make_conv_phase(a[1], r / residues[2] % residues[1]),
                                 make_conv_phase(a[2], r % residues[2])};
    const int64_t positions = phase[0].positions * phase[1].positions * phase[2].positions;
    const int64_t taps = phase[0].taps * phase[1].taps * phase[2].taps;
    const weight_columns<T, In> left = {s.groups,    static_cast<const In*>(w.data),
                                        &s,          w.stride[0],
                                        w.stride[1], {spatial_stride(w, 0), spatial_stride(w, 1), spatial_stride(w, 2)},
                                        phase};
    const patch_columns<T, In> right = {products,
                                        s.groups,
                                        static_cast<const In*>(dy.data),
                                        dy.stride[0],
                                        s.filters * dy.stride[1],
                                        output_patches(s, dy, phase)};
    In* out = static_cast<In*>(dx.data);
    if (positions == s.inputs()) {
      const image_result<T, In> result = {out, s.channels, positions, nullptr, s.groups};
      gemm<T>(ctx, products, s.channels, positions, s.filters * taps, left, right, result);
    } else {
      const phase_result<T, In> result = {out, &s, phase};
      gemm<T>(ctx, products, s.channels, positions, s.filters * taps, left, right, result);
    }
  }
}

// How many partial sums a weight gradient of `size` elements over `positions` is cut into: enough to occupy the
// threads, each of them long enough, all of them together small.
template <class T>
inline int64_t weight_parts(const conv_shape& s, int64_t size, int64_t positions) {
  const gemm_blocks<T> blocks(wanted_tasks, s.filters, s.channels * s.taps(), 1, true);
  const int64_t tasks = s.groups * blocks.count_m * blocks.count_n;
  const int64_t most = smaller(positions / 512, (int64_t{1} << 22) / larger(size, 1));
  return larger(1, smaller(wanted_tasks / larger(tasks, 1), most));
}

template <class In>
void conv_backward_weight_of(nr_context* ctx, const conv_shape& s, const nr_tensor& x, const nr_tensor& dy,
                             nr_tensor& dw) {
  using T = compute_t<In>;
  const int64_t N = s.channels * s.taps(), size = s.groups * s.filters * N, positions = s.batch * s.outputs();
  if (size == 0) return;
  const int64_t part_depth = ceil_div(positions, weight_parts<T>(s, size, positions));
  const int64_t parts = positions == 0 ? 1 : ceil_div(positions, part_depth);
  In* out = static_cast<In*>(dw.data);
  T* sums;
  if constexpr (std::is_same_v<T, In>) {
    sums = parts == 1 ? out : scratch<T>(ctx, parts * size);
  } else {
    sums = scratch<T>(ctx, parts * size);
  }
  if (!sums) return;
  const patch_rows<T, In> left = {parts * s.groups,
                                  s.groups,
                                  static_cast<const In*>(dy.data),
                                  s.batch,
                                  dy.stride[0],
                                  s.filters * dy.stride[1],
                                  part_depth,
                                  output_planes(s, dy)};
  const patch_rows<T, In> right = {parts * s.groups, s.groups,           static_cast<const In*>(x.data),
                                   s.batch,          x.stride[0],        s.channels * x.stride[1],
                                   part_depth,       input_patches(s, x)};
  const image_result<T, T> result = {sums, s.filters, N, nullptr, s.groups};
  gemm<T>(ctx, parts * s.groups, s.filters, N, part_depth, left, right, result);
  if (static_cast<void*>(sums) == static_cast<void*>(out)) return;
  parallel_range(ctx, size, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t half = 1; half < parts; half *= 2)  // pairwise, in a fixed order
      for (int64_t p = 0; p + half < parts; p += 2 * half)
        for (int64_t i = begin; i < end; i++) sums[p * size + i] += sums[(p + half) * size + i];
    for (int64_t i = begin; i < end; i++) out[i] = convert<In>(sums[i]);
  });
}

}  // namespace

void conv(nr_context* ctx, const nr_tensor* x, const nr_tensor* w, const nr_optional* bias, nr_tensor* y,
          nr_ints stride, nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*x, *w, *y, stride, padding, dilation, groups);
  with_float_dtype(y->dtype, [&](auto tag) { conv_of<typename decltype(tag)::type>(ctx, s, *x, *w, *bias, *y); });
}

void conv_backward_input(nr_context* ctx, const nr_tensor* dy, const nr_tensor* w, nr_tensor* dx, nr_ints stride,
                         nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*dx, *w, *dy, stride, padding, dilation, groups);
  with_float_dtype(dx->dtype,
                   [&](auto tag) { conv_backward_input_of<typename decltype(tag)::type>(ctx, s, *dy, *w, *dx); });
}

void conv_backward_weight(nr_context* ctx, const nr_tensor* x, const nr_tensor* dy, nr_tensor* dw, nr_ints stride,
                          nr_ints padding, nr_ints dilation, int64_t groups) {
  const conv_shape s = make_conv_shape(*x, *dw, *dy, stride, padding, dilation, groups);
  with_float_dtype(dw->dtype,
                   [&](auto tag) { conv_backward_weight_of<typename decltype(tag)::type>(ctx, s, *x, *dy, *dw); });
}

}  // namespace neurite::NR_ISA
