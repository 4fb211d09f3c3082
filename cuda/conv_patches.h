// Convolutions, and the gradients of their inputs, as products of patches and weights, a product for each group. A
// gradient whose windows move by more than one element is cut by the inputs' residues modulo the stride: each class is
// a dense convolution of dy by those taps that reach it.
#pragma once
#include "conv_product.h"

namespace neurite::cuda {
namespace {

// Positions of a result along an axis, and the taps that reach them: tap first + t · step of the kernel, at coordinate
// position · move + start + t · tap_step of the image.
struct PatchAxis {
  int64_t positions, taps, first, step, start, move, tap_step;
};

inline PatchAxis forward_axis(const WindowAxis& a) {
  return {a.out, a.size, 0, 1, -int64_t{a.padding}, a.stride, a.dilation};
}

// The inputs residue, residue + stride, …
inline PatchAxis gradient_axis(const WindowAxis& a, int64_t residue) {
  const int64_t step = a.stride / a.common;
  PatchAxis p = {(a.in - residue + a.stride - 1) / a.stride, 0, 0, step, 0, 1, -int64_t{a.period}};
  for (int64_t k = 0; k < a.size && k < step; k++) {
    const int64_t reached = residue + a.padding - k * a.dilation;
    if (reached % a.stride != 0) continue;
    p.first = k;
    p.taps = (a.size - k + step - 1) / step;
    p.start = reached / a.stride;
    break;
  }
  return p;
}

// Those taps of the weights that a PatchAxis names, as images of taps.
template <class T>
GroupedImages<T> weight_images(const ConvWeights<T>& w, int64_t groups, int64_t targets, int64_t sources,
                               const PatchAxis (&axis)[3]) {
  GroupedImages<T> t = {w.data, groups, targets, sources, {}, w.group, w.target, w.source, {}};
  for (int i = 0; i < 3; i++) {
    t.data += axis[i].taps ? axis[i].first * w.tap[i] : 0;
    t.size[i] = axis[i].taps;
    t.stride[i] = axis[i].step * w.tap[i];
  }
  return t;
}

template <class T>
Patches<T> patches_of(const GroupedImages<T>& images, const PatchAxis (&axis)[3]) {
  Patches<T> p = {};
  p.data = images.data, p.group = images.group, p.image = images.image;
  p.by_channels = divide_by(images.channels);
  p.positions.of_image = 1;
  for (int i = 0; i < 3; i++) {
    p.stride[i] = images.stride[i];
    p.size[i] = static_cast<int32_t>(images.size[i]);
    p.step[i] = static_cast<int32_t>(axis[i].move);
    p.start[i] = static_cast<int32_t>(axis[i].start);
    p.tap_step[i] = static_cast<int32_t>(axis[i].tap_step);
    p.positions.size[i] = divide_by(axis[i].positions);
    p.taps[i] = divide_by(axis[i].taps);
    p.positions.of_image *= axis[i].positions;
  }
  p.positions.count = images.images * p.positions.of_image;
  return p;
}

// Whether 32 bits count what kernels count in them; fails the command otherwise.
inline bool is_countable(nr_context* ctx, int64_t positions_of_image, int64_t depth) {
  constexpr int64_t most = 0x7fffffff;
  if (positions_of_image <= most && depth <= most) return true;
  ctx->fail(ctx, "NOT_SUPPORTED",
            "expected fewer than 2^31 positions of an image and products of a sum, got %lld and %lld",
            static_cast<long long>(positions_of_image), static_cast<long long>(depth));
  return false;
}

// Patches of images of groups, channels last.
template <class T>
void multiply_images(nr_context* ctx, const GroupedImages<T>& images, const GroupedImages<T>& weights,
                     const PatchAxis (&axis)[3], ConvEnding<T> ending) {
  const PatchOperand<T> a = {patches_of(images, axis)};
  const Positions& positions = a.patches.positions;
  const int64_t depth = weights.positions() * weights.channels;
  if (!is_countable(ctx, positions.of_image, depth)) return;
  const nr_tensor groups = {nullptr, 0, 1, {images.groups}, {weights.group}};
  const MatrixOperand<T> b = {weights.data, weights.image, 1, weights.images, 0, true, 16, strided<1>({&groups})};
  ending.positions = positions;
  ending.set_size(images.groups, positions.count, weights.images);
  multiply_patches<T, true, true>(ctx, {images.groups, positions.count, weights.images, depth}, a, b, ending);
}

// Where one tap meets every position of planes that lie without gaps, they are matrices as they are: a product for each
// image and group.
template <class T>
bool is_pointwise(const GroupedImages<T>& t, const PatchAxis (&axis)[3]) {
  int64_t run = 1;
  for (int i = 2; i >= 0; i--) {
    const PatchAxis& a = axis[i];
    if (a.taps != 1 || a.start != 0 || a.move != 1 || a.positions != t.size[i]) return false;
    if (t.size[i] != 1 && t.stride[i] != run) return false;
    run *= t.size[i];
  }
  constexpr int64_t word = 4 / sizeof(T) ? 4 / sizeof(T) : 1;  // elements that a copy moves at least
  return is_aligned(t.data, 4) && t.group % word == 0 && t.image % word == 0 && t.channel % word == 0;
}

template <class T>
void multiply_planes(nr_context* ctx, const GroupedImages<T>& planes, const GroupedImages<T>& weights,
                     ConvEnding<T> ending) {
  const int64_t positions = planes.positions(), batches = planes.images * planes.groups;
  if (!is_countable(ctx, positions, planes.channels)) return;
  const nr_tensor of_a = {nullptr, 0, 2, {planes.images, planes.groups}, {planes.image, planes.group}};
  const nr_tensor of_b = {nullptr, 0, 2, {planes.images, planes.groups}, {0, weights.group}};
  int32_t granule = 16;
  const auto fits = [&](int64_t n) { return n * static_cast<int64_t>(sizeof(T)) % granule == 0; };
  while (granule > 4 && !(is_aligned(planes.data, static_cast<size_t>(granule)) && fits(planes.channel) &&
                          fits(planes.image) && fits(planes.group)))
    granule /= 2;
  const MatrixOperand<T> a = {planes.data, 1, planes.channel, positions, 0, false, granule, strided<1>({&of_a})};
  const MatrixOperand<T> b = {weights.data, weights.image, 1, weights.images, 0, true, 16, strided<1>({&of_b})};
  ending.positions = {positions, positions, {}};
  for (int i = 0; i < 3; i++) ending.positions.size[i] = divide_by(planes.size[i]);
  ending.groups_of_image = planes.groups;
  ending.set_size(batches, positions, weights.images);
  multiply_patches<T, false, true>(ctx, {batches, positions, weights.images, planes.channels}, a, b, ending);
}

template <class T>
ConvEnding<T> conv_ending(const nr_tensor& to, const Epilogue<T>& epilogue) {
  ConvEnding<T> e = {};
  const PlaceView<T> view(to);
  e.epilogue = epilogue;
  e.image = view.batch, e.channel = view.channel;
  for (int i = 0; i < 3; i++) e.stride[i] = view.stride[i];
  return e;
}

template <class T>
void convolve_forward(nr_context* ctx, const ConvShape& s, const nr_tensor& x, const ConvWeights<T>& w,
                      const nr_tensor& y, const nr_optional& bias, const Epilogue<T>& epilogue, bool is_last) {
  const int64_t size[3] = {s.axis[0].in, s.axis[1].in, s.axis[2].in};
  const GroupedImages<T> images = images_of<T>(x, s.groups, size);
  const PatchAxis axis[3] = {forward_axis(s.axis[0]), forward_axis(s.axis[1]), forward_axis(s.axis[2])};
  const GroupedImages<T> weights = channels_last(ctx, weight_images(w, s.groups, s.filters, s.channels, axis), true);
  if (!weights.data) return;
  ConvEnding<T> ending = conv_ending(y, epilogue);
  ending.is_turned = !is_last;
  ending.is_run = !is_last;
  if (bias.present) {
    ending.bias = static_cast<const T*>(bias.tensor.data);
    ending.bias_stride = bias.tensor.stride[0];
  }
  if (is_pointwise(images, axis)) return multiply_planes(ctx, images, weights, ending);
  const GroupedImages<T> last = channels_last(ctx, images, false);
  if (last.data) multiply_images(ctx, last, weights, axis, ending);
}

template <class T>
void convolve_gradient(nr_context* ctx, const ConvShape& s, const nr_tensor& dy, const ConvWeights<T>& w,
                       const nr_tensor& dx, const Epilogue<T>& epilogue) {
  const int64_t size[3] = {s.axis[0].out, s.axis[1].out, s.axis[2].out};
  const GroupedImages<T> images = images_of<T>(dy, s.groups, size);
  GroupedImages<T> last = {};
  int64_t residues[3], phases = 1;
  for (int i = 0; i < 3; i++) phases *= residues[i] = s.axis[i].stride < s.axis[i].in ? s.axis[i].stride : s.axis[i].in;
  for (int64_t r = 0; r < phases; r++) {
    const int64_t residue[3] = {r / residues[2] / residues[1], r / residues[2] % residues[1], r % residues[2]};
    PatchAxis axis[3];
    ConvEnding<T> ending = conv_ending(dx, epilogue);
    ending.is_turned = true;
    ending.is_run = phases == 1;
    for (int i = 0; i < 3; i++) {
      axis[i] = gradient_axis(s.axis[i], residue[i]);
      ending.first += residue[i] * ending.stride[i];
      ending.stride[i] *= s.axis[i].stride;
    }
    const GroupedImages<T> weights = channels_last(ctx, weight_images(w, s.groups, s.channels, s.filters, axis), true);
    if (!weights.data) return;
    if (is_pointwise(images, axis)) {
      multiply_planes(ctx, images, weights, ending);
      continue;
    }
    if (!last.data) last = channels_last(ctx, images, false);
    if (!last.data) return;
    multiply_images(ctx, last, weights, axis, ending);
  }
}

}  // namespace
}  // namespace neurite::cuda
