// max_pool, avg_pool and their gradients against float64 loops over the definition: 1 to 3 axes, stride, padding,
// dilation, ceil mode, every floating dtype, strided inputs, NaN, -inf, ties, bad indices, any number of threads.
#include "elements.h"
#include "harness.h"

using namespace harness;

namespace {

struct Case {
  int64_t B, C;
  std::vector<int64_t> in, size, stride, padding, dilation;
  bool ceil = false;
  bool strided = false;
};

struct Axis {
  int64_t in, out, size, stride, padding, dilation;
};

int64_t outputs(const Case& c, size_t i) {
  const int64_t slack = c.in[i] + 2 * c.padding[i] - c.dilation[i] * (c.size[i] - 1) - 1;
  int64_t out = (slack + (c.ceil ? c.stride[i] - 1 : 0)) / c.stride[i] + 1;
  if (c.ceil && (out - 1) * c.stride[i] >= c.in[i] + c.padding[i]) out--;
  return out;
}

struct Geometry {
  int64_t planes;
  Axis a[3];
  explicit Geometry(const Case& c) : planes(c.B * c.C) {
    for (int i = 0; i < 3; i++) {
      const int own = i - (3 - static_cast<int>(c.in.size()));
      a[i] = own < 0 ? Axis{1, 1, 1, 1, 0, 1}
                     : Axis{c.in[own], outputs(c, own), c.size[own], c.stride[own], c.padding[own], c.dilation[own]};
    }
  }
  int64_t inputs() const { return a[0].in * a[1].in * a[2].in; }
  int64_t outs() const { return a[0].out * a[1].out * a[2].out; }

  // visit(index in the plane) for every input in the window of output `at`.
  template <class Visit>
  void each(int64_t at, const Visit& visit) const {
    const int64_t o[3] = {at / (a[1].out * a[2].out), at / a[2].out % a[1].out, at % a[2].out};
    for (int64_t i = 0; i < a[0].size; i++)
      for (int64_t j = 0; j < a[1].size; j++)
        for (int64_t k = 0; k < a[2].size; k++) {
          const int64_t tap[3] = {i, j, k};
          int64_t place = 0;
          bool inside = true;
          for (int d = 0; d < 3; d++) {
            const int64_t x = o[d] * a[d].stride - a[d].padding + tap[d] * a[d].dilation;
            inside = inside && x >= 0 && x < a[d].in;
            place = place * a[d].in + x;
          }
          if (inside) visit(place);
        }
  }
  // PyTorch's divisor: the window clipped to the padded input, or to the input.
  double divisor(int64_t at, bool count_include_pad) const {
    const int64_t o[3] = {at / (a[1].out * a[2].out), at / a[2].out % a[1].out, at % a[2].out};
    double count = 1;
    for (int d = 0; d < 3; d++) {
      const int64_t begin = o[d] * a[d].stride - a[d].padding;
      const int64_t end = std::min(begin + a[d].size, a[d].in + a[d].padding);
      count *= count_include_pad ? end - begin : std::min(end, a[d].in) - std::max<int64_t>(begin, 0);
    }
    return count;
  }
};

nr_ints ints(const std::vector<int64_t>& v) {
  nr_ints out = {static_cast<int64_t>(v.size()), {}};
  std::copy(v.begin(), v.end(), out.at);
  return out;
}

int64_t offset(const nr_tensor& t, int64_t i) {
  int64_t sum = 0;
  for (int d = t.ndim - 1; d >= 0; d--) {
    sum += i % t.shape[d] * t.stride[d];
    i /= t.shape[d];
  }
  return sum;
}

// Small multiples of 1/4, so that ties occur and sums are exact in every dtype.
Array make(const std::vector<int64_t>& shape, int32_t dtype, uint32_t seed, bool gaps) {
  std::vector<int64_t> stored = shape;
  if (gaps) stored.back() *= 3;
  Array a(stored, dtype);
  std::mt19937 rng(seed);
  for (int64_t i = 0; i < a.numel; i++) put(a.t, i, (static_cast<int>(rng() % 33) - 16) / 4.0);
  for (int d = 0; d < a.t.ndim; d++) a.t.shape[d] = shape[d];
  if (gaps) a.t.stride[a.t.ndim - 1] = 3;
  return a;
}

template <class Kernel>
Array same_for_all_threads(const char* name, const std::vector<int64_t>& shape, int32_t dtype, const Kernel& kernel) {
  std::vector<Array> results;
  for (int threads : thread_counts({1, 2, 3})) {
    Context ctx(threads);
    results.emplace_back(shape, dtype);
    kernel(&ctx, results.back());
    CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
    CHECK(std::memcmp(results[0].t.data, results.back().t.data, results[0].numel * element_size(dtype)) == 0,
          "%s: threads differ", name);
  }
  return results[0];
}

double deviation(double actual, double expected, int32_t dtype) {
  if (std::isnan(expected)) return std::isnan(actual) ? 0 : INFINITY;
  if (std::isinf(expected)) return actual == expected ? 0 : INFINITY;
  const double error = std::abs(actual - expected) / (std::abs(expected) * rounding_error(dtype) + 1e-12);
  return error == error ? error : INFINITY;
}

void check_max(const nr_backend& backend, const Case& c, int32_t dtype, const Array& x, const Array& dy,
               const std::vector<int64_t>& x_shape, const std::vector<int64_t>& y_shape) {
  const Geometry g(c);
  const nr_ints size = ints(c.size), stride = ints(c.stride), padding = ints(c.padding), dilation = ints(c.dilation);
  const Array y = same_for_all_threads("max_pool", y_shape, dtype, [&](nr_context* ctx, Array& out) {
    nr_optional no_index = none();
    backend.max_pool(ctx, x, out, &no_index, size, stride, padding, dilation);
  });
  const auto find = [&](int32_t index_dtype) {
    return same_for_all_threads("max_pool with index", y_shape, index_dtype, [&](nr_context* ctx, Array& out) {
      Array values(y_shape, dtype);
      nr_optional index = some(out);
      backend.max_pool(ctx, x, values, &index, size, stride, padding, dilation);
      CHECK(std::memcmp(values.t.data, y.t.data, y.numel * element_size(dtype)) == 0, "%s: other values with an index",
            backend.name);
    });
  };
  const Array index = find(nr_dtype_i64), short_index = find(nr_dtype_i32);
  std::vector<double> gradient(g.planes * g.inputs());
  double worst = 0;
  int64_t wrong_places = 0;
  for (int64_t i = 0; i < y.numel; i++) {
    const int64_t plane = i / g.outs();
    double best = -INFINITY;
    int64_t place = -1;
    g.each(i % g.outs(), [&](int64_t p) {
      const double v = get(x.t, offset(x.t, plane * g.inputs() + p));
      if (v > best || std::isnan(v) || place < 0) best = v, place = p;
    });
    worst = std::max(worst, deviation(get(y.t, i), best, dtype));
    wrong_places += index.as<int64_t>()[i] != std::max<int64_t>(place, 0);
    wrong_places += short_index.as<int32_t>()[i] != std::max<int64_t>(place, 0);
    if (place >= 0) gradient[plane * g.inputs() + place] += get(dy.t, offset(dy.t, i));
  }
  CHECK(worst == 0 && wrong_places == 0, "%s max_pool dtype %d axes %zu in %ld: %ld places wrong", backend.name, dtype,
        c.in.size(), static_cast<long>(c.in.back()), static_cast<long>(wrong_places));
  const auto differentiate = [&](const Array& at) {
    return same_for_all_threads("max_pool_backward", x_shape, dtype, [&](nr_context* ctx, Array& out) {
      backend.max_pool_backward(ctx, dy, at, out, size, stride, padding, dilation);
    });
  };
  const Array dx = differentiate(index), same_dx = differentiate(short_index);
  CHECK(std::memcmp(dx.t.data, same_dx.t.data, dx.numel * element_size(dtype)) == 0, "%s: indices differ",
        backend.name);
  worst = 0;
  for (int64_t i = 0; i < dx.numel; i++) worst = std::max(worst, deviation(get(dx.t, i), gradient[i], dtype));
  CHECK(worst <= 1, "%s max_pool_backward dtype %d axes %zu: %g", backend.name, dtype, c.in.size(), worst);
}

void check_avg(const nr_backend& backend, const Case& c, int32_t dtype, const Array& x, const Array& dy,
               const std::vector<int64_t>& x_shape, const std::vector<int64_t>& y_shape, bool include_pad) {
  const Geometry g(c);
  const nr_ints size = ints(c.size), stride = ints(c.stride), padding = ints(c.padding);
  const Array y = same_for_all_threads("avg_pool", y_shape, dtype, [&](nr_context* ctx, Array& out) {
    backend.avg_pool(ctx, x, out, size, stride, padding, include_pad);
  });
  const Array dx = same_for_all_threads("avg_pool_backward", x_shape, dtype, [&](nr_context* ctx, Array& out) {
    backend.avg_pool_backward(ctx, dy, out, size, stride, padding, include_pad);
  });
  std::vector<double> gradient(g.planes * g.inputs()), total(g.planes * g.inputs());
  double worst = 0;
  for (int64_t i = 0; i < y.numel; i++) {
    const int64_t plane = i / g.outs();
    const double divisor = g.divisor(i % g.outs(), include_pad), share = get(dy.t, offset(dy.t, i)) / divisor;
    double sum = 0;
    g.each(i % g.outs(), [&](int64_t p) {
      sum += get(x.t, offset(x.t, plane * g.inputs() + p));
      gradient[plane * g.inputs() + p] += share;
      total[plane * g.inputs() + p] += std::abs(share);
    });
    worst = std::max(worst, deviation(get(y.t, i), sum / divisor, dtype));
  }
  CHECK(worst <= 1, "%s avg_pool dtype %d axes %zu pad %d: %g", backend.name, dtype, c.in.size(), include_pad, worst);
  worst = 0;
  for (int64_t i = 0; i < dx.numel; i++)
    worst =
        std::max(worst, std::abs(get(dx.t, i) - gradient[i]) / (total[i] * accumulation_error(dtype, 8) +
                                                                std::abs(gradient[i]) * rounding_error(dtype) + 1e-30));
  CHECK(worst <= 1, "%s avg_pool_backward dtype %d axes %zu pad %d: %g", backend.name, dtype, c.in.size(), include_pad,
        worst);
}

void check(const nr_backend& backend, const Case& c, int32_t dtype, bool special) {
  std::vector<int64_t> x_shape = {c.B, c.C}, y_shape = {c.B, c.C};
  bool dilated = false;
  for (size_t i = 0; i < c.in.size(); i++) {
    x_shape.push_back(c.in[i]);
    y_shape.push_back(outputs(c, i));
    dilated = dilated || c.dilation[i] != 1;
  }
  const Array x = make(x_shape, dtype, 1, c.strided), dy = make(y_shape, dtype, 2, c.strided);
  if (special)
    for (int64_t i = 0; i < x.numel; i++) put(x.t, i, i % 37 == 5 ? NAN : -INFINITY);
  check_max(backend, c, dtype, x, dy, x_shape, y_shape);
  if (special || dilated) return;
  for (bool include_pad : {false, true}) check_avg(backend, c, dtype, x, dy, x_shape, y_shape, include_pad);
}

void check_bad_index(const nr_backend& backend) {
  for (int64_t bad : {int64_t{-1}, int64_t{16}, int64_t{1} << 32, INT64_MAX, INT64_MIN}) {
    Array dy = random_f32({1, 2, 2, 2}), dx({1, 2, 4, 4}), index({1, 2, 2, 2}, nr_dtype_i64);
    for (int64_t i = 0; i < index.numel; i++) index.as<int64_t>()[i] = i == 5 ? bad : i;
    Context ctx;
    backend.max_pool_backward(&ctx, dy, index, dx, ints({2, 2}), ints({2, 2}), ints({0, 0}), ints({1, 1}));
    CHECK(ctx.error.rfind("INDEX_OUT_OF_RANGE", 0) == 0, "%s", ctx.error.c_str());
  }
}

}  // namespace

int main() {
  const std::vector<Case> cases = {
      {2, 3, {8, 8}, {2, 2}, {2, 2}, {0, 0}, {1, 1}},
      {2, 3, {9, 37}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {2, 3, {9, 37}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true},
      {1, 2, {11, 40}, {3, 5}, {1, 1}, {1, 2}, {1, 1}},
      {1, 2, {6, 17}, {2, 3}, {1, 1}, {0, 0}, {1, 1}},
      {1, 2, {12, 21}, {3, 2}, {1, 1}, {1, 1}, {2, 5}},
      {1, 2, {7, 70}, {3, 5}, {2, 3}, {1, 2}, {1, 1}},
      {1, 2, {9, 70}, {2, 3}, {5, 4}, {0, 1}, {1, 3}},
      {1, 2, {9, 70}, {2, 1}, {2, 2}, {1, 0}, {1, 1}},
      {1, 2, {5, 9}, {2, 2}, {1, 1}, {1, 1}, {6, 9}},
      {1, 1, {1, 3}, {7, 40}, {2, 2}, {3, 20}, {1, 1}},
      {1, 2, {12, 21}, {3, 2}, {2, 3}, {1, 1}, {3, 4}, true},
      {1, 1, {5, 1200}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {1, 1, {5, 1200}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {2, 3, {33}, {4}, {3}, {2}, {1}},
      {2, 3, {33}, {4}, {3}, {2}, {1}, true},
      {2, 3, {2}, {3}, {2}, {0}, {1}, true},
      {2, 2, {4, 5, 6}, {2, 3, 2}, {2, 2, 1}, {1, 1, 1}, {1, 1, 1}},
      {1, 2, {5, 6, 19}, {3, 2, 3}, {1, 2, 1}, {1, 0, 1}, {1, 1, 1}, true},
      {1, 1, {3, 3}, {1, 1}, {5, 5}, {0, 0}, {1, 1}},
      {2, 3, {9, 18}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, false, true},
      {2, 3, {9, 18}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, true, true},
      {0, 3, {4, 4}, {2, 2}, {2, 2}, {0, 0}, {1, 1}},
      {40, 7, {8, 8}, {2, 2}, {2, 2}, {0, 0}, {1, 1}},
      // Windows of more elements than a warp has lanes.
      {2, 3, {20, 23}, {7, 9}, {3, 2}, {3, 4}, {1, 1}},
      {1, 2, {40, 30}, {6, 7}, {5, 4}, {2, 1}, {3, 2}},
      {1, 3, {9, 8, 11}, {4, 5, 3}, {2, 2, 3}, {2, 1, 0}, {1, 1, 1}, true},
  };
  each_isa([&](const nr_backend& backend) {
    for (int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16})
      for (const Case& c : cases)
        for (bool special : {false, true}) check(backend, c, dtype, special);
    check_bad_index(backend);
  });
  return report();
}
