// The convolutions that Winograd's algorithm computes, against float64 loops over the definition: chosen and drawn
// sizes, paddings, groups, layouts and dtypes, and bit-equal results for any number of threads. An
// argument is the number of drawn cases.
#include "conv_case.h"

using namespace harness;

namespace {

struct Case {
  int64_t B, C, O, groups, H, W, padding[2];
  int32_t dtype = nr_dtype_f32;
  enum { contiguous, channels_last, gaps } layout = contiguous;
  bool bias = true;
  int64_t activation = nr_activation_none;
  bool residual = false;

  int64_t height() const { return H + 2 * padding[0] - 2; }
  int64_t width() const { return W + 2 * padding[1] - 2; }
};

// A random tensor of four dims in the layout of a case.
Array draw(const Case& c, std::vector<int64_t> shape, uint32_t seed) {
  std::vector<int64_t> stored = shape;
  if (c.layout == Case::channels_last) stored = {shape[0], shape[2], shape[3], shape[1]};
  if (c.layout == Case::gaps) stored = {shape[0], shape[1], shape[2] + 1, 2 * shape[3]};
  Array a(stored, c.dtype);
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> value(-1, 1);
  for (int64_t i = 0; i < a.numel; i++) put(a.t, i, value(rng));
  const int64_t* stride = a.t.stride;
  if (c.layout == Case::channels_last) {
    const int64_t turned[] = {stride[0], stride[3], stride[1], stride[2]};
    std::copy(turned, turned + 4, a.t.stride);
  }
  if (c.layout == Case::gaps) a.t.stride[3] = 2;
  std::copy(shape.begin(), shape.end(), a.t.shape);
  return a;
}

// visit(x index, w index, y index of the first of a line, first x column, count) for lines of products.
template <class Visit>
void each_line(const Case& c, const Visit& visit) {
  const int64_t channels = c.C / c.groups, filters = c.O / c.groups;
  for (int64_t b = 0; b < c.B; b++)
    for (int64_t o = 0; o < c.O; o++)
      for (int64_t k = 0; k < channels * 9; k++) {
        const int64_t channel = o / filters * channels + k / 9, r = k / 3 % 3 - c.padding[0], s = k % 3 - c.padding[1];
        const int64_t begin = std::max<int64_t>(0, -s), end = std::min(c.width(), c.W - s);
        for (int64_t i = std::max<int64_t>(0, -r); i < std::min(c.height(), c.H - r) && begin < end; i++)
          visit(((b * c.C + channel) * c.H + i + r) * c.W + begin + s, o * channels * 9 + k,
                ((b * c.O + o) * c.height() + i) * c.width() + begin, end - begin);
      }
}

// Of what sums in float32 are allowed, but near the border, where padding leaves few terms, of what is usual elsewhere:
// errors are those of a whole tile.
double worst_tile_error(const Array& y, const Reference& want, int64_t activation) {
  const std::vector<double> got = values(y);
  double usual = 0;
  for (double size : want.size) usual += size / static_cast<double>(want.size.size());
  double worst = 0;
  for (size_t i = 0; i < got.size(); i++) {
    const double size = std::max(want.size[i], usual);
    const double value = activated(activation, want.sum[i]);
    // The slope of an activation is below 1.2.
    const double allowed = (activation ? 1.2 : 1) * size * accumulation_error(y.t.dtype, want.terms[i]) +
                           (std::abs(value) + bool(activation)) * rounding_error(y.t.dtype);
    const double error = std::abs(got[i] - value) / allowed;
    worst = std::max(worst, error == error ? error : INFINITY);
  }
  return worst;
}

void check(const nr_backend& backend, const char* name, const Case& c, double worst) {
  CHECK(worst <= 1,
        "%s %s dtype %d B %ld C %ld O %ld groups %ld in %ld x %ld activation %ld: error %g of what is allowed",
        backend.name, name, c.dtype, static_cast<long>(c.B), static_cast<long>(c.C), static_cast<long>(c.O),
        static_cast<long>(c.groups), static_cast<long>(c.H), static_cast<long>(c.W), static_cast<long>(c.activation),
        worst);
}

void check(const nr_backend& backend, const Case& c, uint32_t seed, const std::vector<int>& counts) {
  const std::vector<int64_t> xs = {c.B, c.C, c.H, c.W}, ws = {c.O, c.C / c.groups, 3, 3},
                             ys = {c.B, c.O, c.height(), c.width()};
  const Array x = draw(c, xs, seed), w = draw(c, ws, seed + 1), dy = draw(c, ys, seed + 2);
  Array bias({c.O}, c.dtype);
  for (int64_t o = 0; o < c.O; o++) put(bias.t, o, static_cast<double>(o % 5) - 2);
  const auto xv = values(x), wv = values(w), dyv = values(dy);
  Reference y(dyv.size()), dx(xv.size()), dw(wv.size());
  if (c.bias)
    for (size_t i = 0; i < dyv.size(); i++)
      y.add(i, get(bias.t, static_cast<int64_t>(i) / c.height() / c.width() % c.O));
  each_line(c, [&](int64_t i, int64_t k, int64_t o, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
      y.add(o + j, xv[i + j] * wv[k]);
      dx.add(i + j, dyv[o + j] * wv[k]);
      dw.add(k, xv[i + j] * dyv[o + j]);
    }
  });
  const nr_ints ones = {2, {1, 1}}, padding = {2, {c.padding[0], c.padding[1]}};
  const Array residual = make(ys, c.dtype, seed + 3, false);
  for (int64_t i = 0; c.residual && i < residual.numel; i++) y.add(i, get(residual.t, i));
  const ConvCase plain = {c.B,    c.C,    c.O,   c.groups,     {c.H, c.W}, {3, 3}, {1, 1}, {c.padding[0], c.padding[1]},
                          {1, 1}, c.bias, false, c.activation, c.residual};
  each_forward(backend, counts, plain, x, w, bias, residual,
               [&](const char* name, const Array& got, int64_t activation) {
                 check(backend, name, c, worst_tile_error(got, y, activation));
               });
  const Array input = run(backend, counts, "conv_backward_input", xs, c.dtype, [&](nr_context* ctx, Array& out) {
    backend.conv_backward_input(ctx, dy, w, out, ones, padding, ones, c.groups);
  });
  check(backend, "conv_backward_input", c, worst_tile_error(input, dx, nr_activation_none));
  const Array weight = run(backend, counts, "conv_backward_weight", ws, c.dtype, [&](nr_context* ctx, Array& out) {
    backend.conv_backward_weight(ctx, x, dy, out, ones, padding, ones, c.groups);
  });
  check(backend, "conv_backward_weight", c, worst_tile_error(weight, dw, nr_activation_none));
}

int64_t count_infinite(const Array& a) {
  int64_t n = 0;
  for (int64_t i = 0; i < a.numel; i++) n += !std::isfinite(a.as<float>()[i]);
  return n;
}

// A value that is not finite spreads within its tiles and no further. That it does spread shows that the shape is one
// of Winograd's, in all three passes.
void check_spread(const nr_backend& backend) {
  if (left_out("how far a value that is not finite spreads")) return;
  const Case c = {1, 16, 16, 1, 16, 16, {1, 1}};
  const Array x = draw(c, {1, 16, 16, 16}, 1), w = draw(c, {16, 16, 3, 3}, 2), dy = draw(c, {1, 16, 16, 16}, 3);
  const nr_ints ones = {2, {1, 1}};
  const nr_optional no = none();
  nr_optional nowhere = none();
  Context ctx(2);
  Array y({1, 16, 16, 16}), dx({1, 16, 16, 16}), dw({16, 16, 3, 3});
  const auto check_tiles = [&](const char* name, const Array& out) {
    int64_t outside = 0;
    for (int64_t i = 0; i < out.numel; i++) {
      const int64_t row = i / 16 % 16, column = i % 16;
      const bool is_tile = row >= 4 && row < 12 && column >= 8 && column < 12;
      outside += !is_tile && !std::isfinite(out.as<float>()[i]);
    }
    CHECK(outside == 0, "%s %s: %ld values spoilt outside of the tiles", backend.name, name,
          static_cast<long>(outside));
    CHECK(count_infinite(out) > 16 * 9, "%s %s: not by Winograd's algorithm", backend.name, name);
  };
  const int64_t at = 3 * 256 + 7 * 16 + 9;  // read by the tiles of rows 4 … 11 and columns 8 … 11
  x.as<float>()[at] = dy.as<float>()[at] = INFINITY;
  backend.conv(&ctx, x, w, &no, &no, y, &nowhere, ones, ones, ones, 1, nr_activation_none, false);
  check_tiles("conv", y);
  backend.conv_backward_input(&ctx, dy, w, dx, ones, ones, ones, 1);
  check_tiles("conv_backward_input", dx);
  x.as<float>()[at] = dy.as<float>()[at] = 1;
  x.as<float>()[3 * 256] = INFINITY;  // a corner, which four of the nine taps reach
  backend.conv_backward_weight(&ctx, x, dy, dw, ones, ones, ones, 1);
  CHECK(count_infinite(dw) == 16 * 9, "%s conv_backward_weight: %ld values spoilt", backend.name,
        static_cast<long>(count_infinite(dw)));
}

}  // namespace

int main(int argc, char** argv) {
  const auto drawn = static_cast<uint32_t>(argc > 1 ? std::atoi(argv[1]) : fewer(200));
  const std::vector<Case> cases = {
      {1, 16, 16, 1, 14, 14, {1, 1}},
      {2, 17, 33, 1, 15, 13, {1, 1}},
      {1, 16, 18, 1, 40, 71, {0, 2}},
      {3, 19, 40, 1, 7, 7, {1, 1}, nr_dtype_f32, Case::channels_last},
      {2, 24, 16, 1, 18, 21, {2, 0}, nr_dtype_f32, Case::gaps, false},
      {2, 32, 48, 2, 11, 12, {1, 1}},
      {1, 48, 27, 3, 20, 9, {4, 3}},
      {2, 20, 70, 1, 9, 10, {1, 1}, nr_dtype_f16},
      {2, 33, 18, 1, 10, 9, {1, 0}, nr_dtype_bf16, Case::gaps},
      {1, 300, 65, 1, 8, 8, {1, 1}},  // several blocks of channels for one panel of filters
      {9, 16, 16, 1, 4, 4, {1, 1}},
  };
  each_isa([&](const nr_backend& backend) {
    check_spread(backend);
    for (const Case& c : cases) check(backend, c, 1, {1, 2, 3, 4});
    for (Case c : {Case{1, 16, 18, 1, 14, 13, {1, 1}}, Case{1, 20, 35, 1, 7, 7, {1, 1}, nr_dtype_bf16}})
      for (c.activation = 0; c.activation < nr_activation_count; c.activation++)
        for (bool is_added : {false, true}) {
          c.residual = is_added;
          check(backend, c, 1, {2});
        }
    std::mt19937 rng(7);
    const auto below = [&](int64_t n) { return static_cast<int64_t>(rng() % static_cast<uint64_t>(n)); };
    for (uint32_t i = 0; i < drawn; i++) {
      Case c = {1 + below(3), 0, 0, 1 + below(10) / 8, 3 + below(16), 3 + below(20), {below(3), below(3)}};
      c.C = c.groups * (16 + below(24));
      c.O = c.groups * (16 + below(36));
      c.dtype = below(8) == 0 ? nr_dtype_bf16 : nr_dtype_f32;
      c.layout = below(4) == 0 ? Case::channels_last : below(6) == 0 ? Case::gaps : Case::contiguous;
      c.bias = below(2) == 0;
      c.activation = below(nr_activation_count);
      c.residual = below(2) == 0;
      check(backend, c, i, {1, 2 + static_cast<int>(i % 3)});
    }
  });
  return report();
}
