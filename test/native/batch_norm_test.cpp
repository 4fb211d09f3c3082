// Batch norm, its running statistics and its gradients against their formulas in float64.
#include "reference.h"

using namespace harness;

namespace {

constexpr double eps = 1e-5, momentum = 0.1;

struct Case {
  int64_t batch, channels, size;
  bool affine = true;
  Layout layout = Layout::contiguous;
  double offset = 0;
};

int32_t wide(int32_t dtype) {
  return dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32;
}

void compare(const nr_backend& backend, const Case& c, int32_t dtype) {
  Context ctx;
  const int64_t count = c.batch * c.size;
  const std::vector<int64_t> shape{c.batch, c.channels, c.size};
  const Array x = random(shape, dtype, c.layout, 1, c.offset - 2, c.offset + 2), dy = random(shape, dtype, c.layout, 2);
  const Array w = random({c.channels}, dtype, Layout::contiguous, 3, 0.5, 2), b = random({c.channels}, dtype);
  const nr_optional wo = c.affine ? some(w) : none(), bo = c.affine ? some(b) : none();
  Array running_mean = random({c.channels}, wide(dtype), Layout::contiguous, 5);
  Array running_var = random({c.channels}, wide(dtype), Layout::contiguous, 6, 0.5, 2);
  const auto old_mean = values(running_mean), old_var = values(running_var);
  Array y(shape, dtype), mean({c.channels}, wide(dtype)), rstd({c.channels}, wide(dtype));
  Array dx(shape, dtype), dw({c.channels}, wide(dtype)), db({c.channels}, wide(dtype));
  nr_optional rm = some(running_mean), rv = some(running_var);
  nr_optional dwo = c.affine ? some(dw) : none(), dbo = c.affine ? some(db) : none();
  backend.batch_norm(&ctx, x, &wo, &bo, &rm, &rv, y, mean, rstd, momentum, eps);
  backend.batch_norm_backward(&ctx, dy, x, &wo, mean, rstd, dx, &dwo, &dbo);

  const auto xs = values(x), dys = values(dy), ws = values(w), bs = values(b);
  std::vector<double> ys(xs.size()), dxs(xs.size()), means, rstds, dws, dbs, new_mean, new_var;
  for (int64_t ch = 0; ch < c.channels; ch++) {
    std::vector<size_t> at;
    for (int64_t k = 0; k < count; k++)
      at.push_back(static_cast<size_t>((k / c.size * c.channels + ch) * c.size + k % c.size));
    double m = 0, squares = 0, g = 0, gz = 0;
    for (size_t i : at) m += xs[i] / count;
    for (size_t i : at) squares += (xs[i] - m) * (xs[i] - m);
    const double s = 1 / std::sqrt(squares / count + eps), a = c.affine ? ws[ch] : 1;
    for (size_t i : at) {
      const double z = (xs[i] - m) * s;
      ys[i] = z * a + (c.affine ? bs[ch] : 0);
      g += dys[i];
      gz += dys[i] * z;
    }
    for (size_t i : at) dxs[i] = a * s * (dys[i] - g / count - (xs[i] - m) * s * gz / count);
    means.push_back(m);
    rstds.push_back(s);
    dws.push_back(gz);
    dbs.push_back(g);
    new_mean.push_back((1 - momentum) * old_mean[ch] + momentum * m);
    new_var.push_back((1 - momentum) * old_var[ch] + momentum * squares / (count - 1));
  }
  const std::string what = std::string(dtype_name(dtype)) + " " + text(shape);
  const double scale = 1 + std::fabs(c.offset);
  expect_close(y, ys, what + " y", 4 * scale);
  expect_close(mean, means, what + " mean");
  expect_close(rstd, rstds, what + " rstd", 2 * scale);
  expect_close(dx, dxs, what + " dx", 4 * scale);
  if (count > 0) {
    expect_close(running_mean, new_mean, what + " running_mean");
    expect_close(running_var, new_var, what + " running_var", 2 * scale);
  }
  if (!c.affine) return;
  expect_close(dw, dws, what + " dw", 8 * scale);
  expect_close(db, dbs, what + " db", 8);
}

void compare_affine(const nr_backend& backend, const Case& c, int32_t dtype) {
  Context ctx;
  const std::vector<int64_t> shape{c.batch, c.channels, c.size};
  const Array x = random(shape, dtype, c.layout), scale = random({c.channels}, wide(dtype), Layout::contiguous, 2);
  const Array shift = random({c.channels}, dtype, Layout::contiguous, 3);
  Array y(shape, dtype);
  backend.channel_affine(&ctx, x, scale, shift, y);
  auto ys = values(x);
  const auto a = values(scale), b = values(shift);
  for (size_t i = 0; i < ys.size(); i++) {
    const size_t channel = i / static_cast<size_t>(c.size) % static_cast<size_t>(c.channels);
    ys[i] = ys[i] * a[channel] + b[channel];
  }
  expect_close(y, ys, std::string("affine ") + dtype_name(dtype) + " " + text(shape));
}

void survives_one_value_per_channel(const nr_backend& backend) {
  Context ctx;
  const Array x = random({1, 3, 1});
  Array y({1, 3, 1}), mean({3}), rstd({3}), running_var = random({3});
  const nr_optional no = none();
  nr_optional rm = none(), rv = some(running_var);
  backend.batch_norm(&ctx, x, &no, &no, &rm, &rv, y, mean, rstd, momentum, eps);
  for (double v : values(running_var)) CHECK(std::isfinite(v), "%g", v);
  for (double v : values(y)) CHECK(v == 0, "%g", v);
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}) {
      for (const int64_t size : {1, 2, 7, 15, 16, 17, 49, 300})
        for (const bool affine : {false, true}) compare(backend, {6, 5, size, affine}, dtype);
      for (const int64_t channels : {1, 16, 17, 33, 140}) compare(backend, {150, channels, 1}, dtype);
      for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
        for (const int64_t size : {3, 20}) compare(backend, {4, 6, size, true, layout}, dtype);
      for (const int64_t size : {0, 1, 7, 16, 17, 49, 300}) compare_affine(backend, {6, 5, size}, dtype);
      compare_affine(backend, {4, 6, 20, true, Layout::transposed}, dtype);
      compare(backend, {0, 3, 20}, dtype);
      compare(backend, {3, 0, 20}, dtype);
      compare(backend, {3, 3, 0}, dtype);
    }
    compare(backend, {40, 2, 1000}, nr_dtype_f32);
    compare(backend, {5, 18, 49}, nr_dtype_f32);     // channels one by one
    compare(backend, {36, 16, 4096}, nr_dtype_f32);  // large enough to be streamed
    compare(backend, {2, 2, 20000}, nr_dtype_f32);
    compare(backend, {50, 3, 100, true, Layout::contiguous, 1000}, nr_dtype_f32);
    compare(backend, {500, 20, 1, true, Layout::contiguous, 1000}, nr_dtype_f32);
    compare_affine(backend, {36, 16, 4096}, nr_dtype_f32);  // large enough to be streamed
    survives_one_value_per_channel(backend);
    for (const int64_t size : {1, 60}) {
      const Array x = random({500, 20, size});
      expect_same_for_threads([&](Context& ctx) {
        const nr_optional no = none();
        nr_optional out = none();
        Array y({500, 20, size}), mean({20}), rstd({20});
        backend.batch_norm(&ctx, x, &no, &no, &out, &out, y, mean, rstd, momentum, eps);
        return y;
      });
    }
  });
  return report();
}
