// Softmax, log-softmax and their gradients against the definition in float64.
#include "reference.h"

using namespace harness;

namespace {

// f(x, y of one line along dim) for every line of arrays of shape `shape`, as vectors of doubles.
using Line = std::vector<double>;

template <class F>
std::vector<double> along(const std::vector<int64_t>& shape, int64_t dim,
                          std::vector<const std::vector<double>*> inputs, const F& f) {
  int64_t outer = 1, n = shape[dim], inner = 1;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); d++)
    if (d != dim) (d < dim ? outer : inner) *= shape[d];
  std::vector<double> out(static_cast<size_t>(outer * n * inner));
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      std::vector<Line> lines(inputs.size(), Line(n));
      for (size_t k = 0; k < inputs.size(); k++)
        for (int64_t j = 0; j < n; j++) lines[k][j] = (*inputs[k])[(o * n + j) * inner + i];
      const Line result = f(lines);
      for (int64_t j = 0; j < n; j++) out[(o * n + j) * inner + i] = result[j];
    }
  return out;
}

double log_sum_exp(const Line& x) {
  double top = -INFINITY, sum = 0;
  for (double v : x) top = std::fmax(top, v);
  for (double v : x) sum += std::exp(v - top);
  return top + std::log(sum);
}

Line log_softmax(const std::vector<Line>& in) {
  Line y(in[0]);
  const double lse = log_sum_exp(in[0]);
  for (double& v : y) v -= lse;
  return y;
}

Line softmax(const std::vector<Line>& in) {
  Line y = log_softmax(in);
  for (double& v : y) v = std::exp(v);
  return y;
}

Line softmax_backward(const std::vector<Line>& in) {
  double dot = 0;
  for (size_t i = 0; i < in[0].size(); i++) dot += in[0][i] * in[1][i];
  Line dx(in[0]);
  for (size_t i = 0; i < dx.size(); i++) dx[i] = in[1][i] * (in[0][i] - dot);
  return dx;
}

Line log_softmax_backward(const std::vector<Line>& in) {
  double sum = 0;
  for (double v : in[0]) sum += v;
  Line dx(in[0]);
  for (size_t i = 0; i < dx.size(); i++) dx[i] -= std::exp(in[1][i]) * sum;
  return dx;
}

void compare(const nr_backend& backend, const std::vector<int64_t>& shape, int64_t dim, int32_t dtype, Layout layout) {
  Context ctx;
  const Array x = random(shape, dtype, layout, 1, -4, 4), dy = random(shape, dtype, layout, 2);
  const auto xs = values(x), dys = values(dy);
  const std::string what = std::string(dtype_name(dtype)) + " " + text(shape) + " dim " + std::to_string(dim);
  Array y(shape, dtype), dx(shape, dtype);

  backend.softmax(&ctx, x, y, dim);
  expect_close(y, along(shape, dim, {&xs}, softmax), what + " softmax");
  const auto ys = values(y);
  backend.softmax_backward(&ctx, dy, y, dx, dim);
  expect_close(dx, along(shape, dim, {&dys, &ys}, softmax_backward), what + " softmax_backward");

  backend.log_softmax(&ctx, x, y, dim);
  expect_close(y, along(shape, dim, {&xs}, log_softmax), what + " log_softmax");
  const auto logs = values(y);
  backend.log_softmax_backward(&ctx, dy, y, dx, dim);
  expect_close(dx, along(shape, dim, {&dys, &logs}, log_softmax_backward), what + " log_softmax_backward");
}

void special_values(const nr_backend& backend) {
  const float inf = INFINITY, nan = NAN;
  // Along the last dim and, transposed, along the first: rows in turn.
  const float rows[4][3] = {{-inf, 0, -inf}, {-inf, -inf, -inf}, {inf, 0, 1}, {nan, 0, 1}};
  for (const int64_t dim : {int64_t{1}, int64_t{0}}) {
    Context ctx;
    Array x(dim ? std::vector<int64_t>{4, 3} : std::vector<int64_t>{3, 4}),
        y(dim ? std::vector<int64_t>{4, 3} : std::vector<int64_t>{3, 4});
    const auto at = [&](const Array& a, int r, int c) -> float& { return a.as<float>()[dim ? r * 3 + c : c * 4 + r]; };
    for (int r = 0; r < 4; r++)
      for (int c = 0; c < 3; c++) at(x, r, c) = rows[r][c];
    backend.softmax(&ctx, x, y, dim);
    CHECK(at(y, 0, 0) == 0 && at(y, 0, 1) == 1 && at(y, 0, 2) == 0);
    CHECK(std::isnan(at(y, 1, 0)) && std::isnan(at(y, 1, 2)));
    CHECK(std::isnan(at(y, 2, 0)));
    CHECK(std::isnan(at(y, 3, 1)));
    backend.log_softmax(&ctx, x, y, dim);
    CHECK(at(y, 0, 0) == -inf && at(y, 0, 1) == 0);
    CHECK(std::isnan(at(y, 1, 0)) && std::isnan(at(y, 3, 2)));
  }
}

// Whatever part of a long row is looked at first.
void sees_nothing_for_long(const nr_backend& backend) {
  constexpr int64_t n = 20000;
  Context ctx;
  Array x({1, n}), y({1, n});
  for (int64_t i = 0; i < n; i++) x.as<float>()[i] = i < n / 2 ? -INFINITY : 3;
  backend.softmax(&ctx, x, y, 1);
  const float *p = y.as<float>(), share = 2.0f / n;
  CHECK(p[0] == 0 && p[n / 2 - 1] == 0 && std::abs(p[n - 1] - share) < 1e-6 * share, "%g %g", p[0], p[n - 1]);
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}) {
      for (const int64_t n : {1, 7, 8, 9, 15, 16, 17, 32, 33, 63, 64, 65, 256, 257, 1000, 1032})
        compare(backend, {3, n}, 1, dtype, Layout::contiguous);
      for (const int64_t inner : {2, 7, 16, 17, 64, 83}) compare(backend, {2, 5, inner}, 1, dtype, Layout::contiguous);
      for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
        for (const int64_t dim : {0, 1, 2}) compare(backend, {3, 4, 19}, dim, dtype, layout);
      compare(backend, {300, 3}, 0, dtype, Layout::contiguous);
      compare(backend, {0, 3}, 1, dtype, Layout::contiguous);
      compare(backend, {3, 0}, 1, dtype, Layout::contiguous);
    }
    compare(backend, {2, 20000}, 1, nr_dtype_f32, Layout::contiguous);
    compare(backend, {3, 8193}, 1, nr_dtype_f32, Layout::contiguous);
    compare(backend, {2, 8200}, 1, nr_dtype_bf16, Layout::contiguous);
    compare(backend, {20000, 2}, 0, nr_dtype_f32, Layout::contiguous);
    compare(backend, {2080, 1024}, 1, nr_dtype_f32, Layout::contiguous);  // large enough to be streamed
    special_values(backend);
    sees_nothing_for_long(backend);
    for (const int64_t dim : {0, 1}) {
      const Array x = random({500, 130}, nr_dtype_bf16, Layout::contiguous, 3);
      expect_same_for_threads([&](Context& ctx) {
        Array y({500, 130}, nr_dtype_bf16);
        backend.softmax(&ctx, x, y, dim);
        return y;
      });
    }
  });
  return report();
}
