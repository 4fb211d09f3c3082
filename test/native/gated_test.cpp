// Gated units and their gradients against their definition in float64: dense operands, halves, and steps of any kind.
#include "reference.h"

using namespace harness;

namespace {

struct Point {
  double value, slope;
};

Point activate(int64_t activation, double x) {
  const double s = 1 / (1 + std::exp(-x)), t = std::tanh(x);
  const double cdf = 0.5 * (1 + std::erf(x / std::sqrt(2.0))), pdf = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
  const double u = std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
  const double du = std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
  switch (activation) {
    case nr_activation_relu:
      return {x > 0 ? x : 0, x > 0 ? 1.0 : 0.0};
    case nr_activation_gelu:
      return {x * cdf, cdf + x * pdf};
    case nr_activation_gelu_tanh:
      return {x * 0.5 * (1 + u), 0.5 * (1 + u + x * (1 - u * u) * du)};
    case nr_activation_silu:
      return {x * s, s * (1 + x * (1 - s))};
    case nr_activation_tanh:
      return {t, 1 - t * t};
    default:
      return {s, s * (1 - s)};
  }
}

struct Expected {
  std::vector<double> y, dgate, dup;
  Expected(int64_t activation, const Array& gate, const Array& up, const Array& dy) {
    const auto g = values(gate), u = values(up), d = values(dy);
    for (size_t i = 0; i < g.size(); i++) {
      const Point f = activate(activation, g[i]);
      y.push_back(f.value * u[i]);
      dgate.push_back(d[i] * u[i] * f.slope);
      dup.push_back(d[i] * f.value);
    }
  }
};

void compare(const nr_backend& backend, const std::vector<int64_t>& shape, int64_t activation, int32_t dtype,
             Layout layout) {
  Context ctx;
  const Array gate = random(shape, dtype, layout, 1, -3, 3), up = random(shape, dtype, layout, 2, -2, 2);
  const Array dy = random(shape, dtype, layout, 3);
  // A gradient can lie in any way that repeats no element.
  const Layout free = layout == Layout::broadcast ? Layout::contiguous : layout;
  Array y = arranged(shape, dtype, free), dgate = arranged(shape, dtype, free), dup(shape, dtype);
  backend.gated(&ctx, gate, up, y, activation);
  backend.gated_backward(&ctx, dy, gate, up, dgate, dup, activation);
  const Expected e(activation, gate, up, dy);
  const std::string what = std::string(dtype_name(dtype)) + " " + text(shape) + " " + std::to_string(activation);
  expect_close(y, e.y, what + " y", 2);
  expect_close(dgate, e.dgate, what + " dgate", 4);
  expect_close(dup, e.dup, what + " dup", 2);
}

// The halves of x [rows, 2 n] along `dim`, as views.
void compare_halves(const nr_backend& backend, int64_t rows, int64_t n, int64_t dim, bool up_first, int32_t dtype) {
  Context ctx;
  const std::vector<int64_t> whole = dim == 0 ? std::vector<int64_t>{2 * rows, n} : std::vector<int64_t>{rows, 2 * n};
  const Array x = random(whole, dtype, Layout::contiguous, 1, -3, 3),
              dy = random({rows, n}, dtype, Layout::contiguous, 2);
  Array dx(whole, dtype);
  backend.gated_halves_backward(&ctx, dy, x, dx, dim, up_first, nr_activation_silu);
  const auto half = [&](const std::vector<double>& of, bool second) {
    std::vector<double> part;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t i = 0; i < n; i++)
        part.push_back(of[static_cast<size_t>(dim == 0 ? (r + second * rows) * n + i : r * 2 * n + second * n + i)]);
    return part;
  };
  Array gate({rows, n}, dtype), up({rows, n}, dtype);
  const auto fill = [](Array& a, const std::vector<double>& from) {
    for (size_t i = 0; i < from.size(); i++) put(a.t, static_cast<int64_t>(i), from[i]);
  };
  fill(gate, half(values(x), up_first));
  fill(up, half(values(x), !up_first));
  const Expected e(nr_activation_silu, gate, up, dy);
  Array dgate({rows, n}, nr_dtype_f64), dup({rows, n}, nr_dtype_f64);
  fill(dgate, half(values(dx), up_first));
  fill(dup, half(values(dx), !up_first));
  const std::string what = "halves of " + text(whole);
  const double scale = 4 * tolerance(dtype) / tolerance(nr_dtype_f64);
  expect_close(dgate, e.dgate, what + " dgate", scale);
  expect_close(dup, e.dup, what + " dup", scale);
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (int64_t activation = 1; activation < nr_activation_count; activation++) {
      for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}) {
        for (const int64_t n : {0, 1, 7, 16, 17, 65}) compare(backend, {3, n}, activation, dtype, Layout::contiguous);
        for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
          compare(backend, {5, 33}, activation, dtype, layout);
      }
    }
    compare(backend, {700, 80}, nr_activation_gelu, nr_dtype_f32, Layout::contiguous);
    compare(backend, {1100, 2048}, nr_activation_silu, nr_dtype_f32,
            Layout::contiguous);  // large enough to be streamed
    for (const bool up_first : {false, true}) {
      for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_bf16})
        for (const int64_t dim : {0, 1}) compare_halves(backend, 5, 18, dim, up_first, dtype);
      compare_halves(backend, 1100, 2048, 1, up_first, nr_dtype_f32);
    }
  });
  return report();
}
