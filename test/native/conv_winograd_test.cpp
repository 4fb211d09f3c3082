// The convolutions that Winograd's algorithm computes, against float64 loops over the definition: chosen and drawn
// sizes, paddings, groups, layouts and dtypes, and bit-equal results for any number of threads.
#include "elements.h"
#include "harness.h"

using namespace harness;

namespace {

struct Case {
  int64_t B, C, O, groups, H, W, padding[2];
  int32_t dtype = nr_dtype_f32;
  enum { contiguous, channels_last, gaps } layout = contiguous;
  bool bias = true;

  int64_t height() const { return H + 2 * padding[0] - 2; }
  int64_t width() const { return W + 2 * padding[1] - 2; }
};

// A random tensor of four dims in the layout of a case.
Array draw(const Case& c, std::vector<int64_t> shape, uint32_t seed, double low = -1) {
  std::vector<int64_t> stored = shape;
  if (c.layout == Case::channels_last) stored = {shape[0], shape[2], shape[3], shape[1]};
  if (c.layout == Case::gaps) stored = {shape[0], shape[1], shape[2] + 1, 2 * shape[3]};
  Array a(stored, c.dtype);
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> value(low, 1);
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

std::vector<double> values(const Array& a) {
  std::vector<double> out;
  const auto& t = a.t;
  for (int64_t b = 0; b < t.shape[0]; b++)
    for (int64_t c = 0; c < t.shape[1]; c++)
      for (int64_t i = 0; i < t.shape[2]; i++)
        for (int64_t j = 0; j < t.shape[3]; j++)
          out.push_back(get(t, b * t.stride[0] + c * t.stride[1] + i * t.stride[2] + j * t.stride[3]));
  return out;
}

// Results with the sums of their terms' magnitudes and the number of these.
struct Sums {
  std::vector<double> sum, size, terms;
  explicit Sums(int64_t n) : sum(n), size(n), terms(n) {}
};

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
double worst_error(const Array& got, const Sums& want) {
  double usual = 0;
  for (double size : want.size) usual += size / static_cast<double>(want.size.size());
  double worst = 0;
  for (int64_t i = 0; i < got.numel; i++) {
    const double size = std::max(want.size[i], usual);
    const double allowed = size * accumulation_error(got.t.dtype, static_cast<int64_t>(want.terms[i])) +
                           std::abs(want.sum[i]) * rounding_error(got.t.dtype);
    const double error = std::abs(get(got.t, i) - want.sum[i]) / allowed;
    worst = std::max(worst, error == error ? error : INFINITY);
  }
  return worst;
}

template <class Kernel>
void check(const nr_backend& backend, const char* name, const Case& c, const std::vector<int64_t>& shape,
           const Sums& expected, const Kernel& kernel) {
  std::vector<Array> results;
  for (int threads : {1, 2, 3, 4}) {
    Context ctx(threads);
    results.emplace_back(shape, c.dtype);
    kernel(&ctx, results.back());
    CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
    CHECK(std::memcmp(results[0].t.data, results.back().t.data, results[0].numel * size_of(c.dtype)) == 0,
          "%s %s: %d threads differ", backend.name, name, threads);
  }
  const double worst = worst_error(results[0], expected);
  CHECK(worst <= 1, "%s %s dtype %d B %ld C %ld O %ld groups %ld in %ld x %ld: error %g of what is allowed",
        backend.name, name, c.dtype, static_cast<long>(c.B), static_cast<long>(c.C), static_cast<long>(c.O),
        static_cast<long>(c.groups), static_cast<long>(c.H), static_cast<long>(c.W), worst);
}

void check(const nr_backend& backend, const Case& c, uint32_t seed) {
  const std::vector<int64_t> xs = {c.B, c.C, c.H, c.W}, ws = {c.O, c.C / c.groups, 3, 3},
                             ys = {c.B, c.O, c.height(), c.width()};
  const Array x = draw(c, xs, seed), w = draw(c, ws, seed + 1), dy = draw(c, ys, seed + 2);
  Array bias({c.O}, c.dtype);
  for (int64_t o = 0; o < c.O; o++) put(bias.t, o, static_cast<double>(o % 5) - 2);
  const auto xv = values(x), wv = values(w), dyv = values(dy);
  Sums y(dyv.size()), dx(xv.size()), dw(wv.size());
  if (c.bias)
    for (size_t i = 0; i < dyv.size(); i++)
      y.sum[i] = get(bias.t, static_cast<int64_t>(i) / c.height() / c.width() % c.O), y.size[i] = std::abs(y.sum[i]);
  const auto add = [](Sums& to, int64_t i, double term) {
    to.sum[i] += term;
    to.size[i] += std::abs(term);
    to.terms[i]++;
  };
  each_line(c, [&](int64_t i, int64_t k, int64_t o, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
      add(y, o + j, xv[i + j] * wv[k]);
      add(dx, i + j, dyv[o + j] * wv[k]);
      add(dw, k, xv[i + j] * dyv[o + j]);
    }
  });
  const nr_ints ones = {2, {1, 1}}, padding = {2, {c.padding[0], c.padding[1]}};
  const nr_optional given = c.bias ? some(bias) : none();
  check(backend, "conv", c, ys, y,
        [&](nr_context* ctx, Array& out) { backend.conv(ctx, x, w, &given, out, ones, padding, ones, c.groups); });
  check(backend, "conv_backward_input", c, xs, dx, [&](nr_context* ctx, Array& out) {
    backend.conv_backward_input(ctx, dy, w, out, ones, padding, ones, c.groups);
  });
  check(backend, "conv_backward_weight", c, ws, dw, [&](nr_context* ctx, Array& out) {
    backend.conv_backward_weight(ctx, x, dy, out, ones, padding, ones, c.groups);
  });
}

// A value that is not finite reaches its tiles and no others, which shows too that the shape is one of Winograd's.
void check_spread(const nr_backend& backend) {
  const Case c = {1, 16, 16, 1, 16, 16, {1, 1}};
  const Array x = draw(c, {1, 16, 16, 16}, 1), w = draw(c, {16, 16, 3, 3}, 2);
  x.as<float>()[3 * 256 + 7 * 16 + 9] = INFINITY;  // read by the tiles of rows 4 … 11 and columns 8 … 11
  const nr_ints ones = {2, {1, 1}};
  const nr_optional no_bias = none();
  Context ctx(2);
  Array y({1, 16, 16, 16});
  backend.conv(&ctx, x, w, &no_bias, y, ones, ones, ones, 1);
  int64_t wrong = 0, near = 0;
  for (int64_t i = 0; i < y.numel; i++) {
    const int64_t row = i / 16 % 16, column = i % 16;
    const bool is_tile = row >= 4 && row < 12 && column >= 8 && column < 12,
               is_finite = std::isfinite(y.as<float>()[i]);
    wrong += !is_tile && !is_finite;
    near += is_tile && !is_finite && (row < 6 || row > 8 || column < 8 || column > 10);
  }
  CHECK(wrong == 0, "%s: %ld values spoilt outside of the tiles", backend.name, static_cast<long>(wrong));
  CHECK(near > 0, "%s: a shape meant for Winograd's algorithm is computed otherwise", backend.name);
}

}  // namespace

int main() {
  const std::vector<Case> cases = {
      {1, 16, 16, 1, 14, 14, {1, 1}},
      {2, 17, 33, 1, 15, 13, {1, 1}},
      {1, 8, 9, 1, 40, 71, {0, 2}},
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
    for (const Case& c : cases) check(backend, c, 1);
    std::mt19937 rng(7);
    const auto below = [&](int64_t n) { return static_cast<int64_t>(rng() % static_cast<uint64_t>(n)); };
    for (uint32_t i = 0; i < 200; i++) {
      Case c = {1 + below(3), 0, 0, 1 + below(10) / 8, 3 + below(16), 3 + below(20), {below(3), below(3)}};
      c.C = c.groups * (8 + below(28));
      c.O = c.groups * (8 + below(40));
      c.dtype = below(8) == 0 ? nr_dtype_bf16 : nr_dtype_f32;
      c.layout = below(4) == 0 ? Case::channels_last : below(6) == 0 ? Case::gaps : Case::contiguous;
      c.bias = below(2) == 0;
      check(backend, c, i);
    }
  });
  return report();
}
