// RMS norm and its gradients against their formulas in float64.
#include "reference.h"

using namespace harness;

namespace {

constexpr double eps = 1e-5;

int32_t wide(int32_t dtype) {
  return dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32;
}

void compare(const nr_backend& backend, int64_t rows, int64_t n, int32_t dtype, Layout layout, bool weighted) {
  Context ctx;
  const Array x = random({rows, n}, dtype, layout, 1, -2, 2), dy = random({rows, n}, dtype, layout, 2);
  const Array w = random({n}, dtype, Layout::contiguous, 3, 0.5, 2);
  const nr_optional wo = weighted ? some(w) : none();
  Array y({rows, n}, dtype), rstd({rows}, wide(dtype)), dx({rows, n}, dtype), dw({n}, wide(dtype));
  backend.rms_norm(&ctx, x, &wo, y, rstd, eps);
  nr_optional dwo = weighted ? some(dw) : none();
  backend.rms_norm_backward(&ctx, dy, x, &wo, rstd, dx, &dwo);

  const auto xs = values(x), dys = values(dy), ws = values(w);
  std::vector<double> ys, rstds, dxs, dws(static_cast<size_t>(n));
  for (int64_t r = 0; r < rows; r++) {
    const double *xr = xs.data() + r * n, *dyr = dys.data() + r * n;
    double square = 0, gz = 0;
    for (int64_t i = 0; i < n; i++) square += xr[i] * xr[i];
    const double s = 1 / std::sqrt(square / n + eps);
    for (int64_t i = 0; i < n; i++) {
      ys.push_back(xr[i] * s * (weighted ? ws[i] : 1));
      gz += dyr[i] * (weighted ? ws[i] : 1) * xr[i] * s / n;
      dws[i] += dyr[i] * xr[i] * s;
    }
    for (int64_t i = 0; i < n; i++) dxs.push_back(s * (dyr[i] * (weighted ? ws[i] : 1) - xr[i] * s * gz));
    rstds.push_back(s);
  }
  const std::string what = std::string(dtype_name(dtype)) + " " + text({rows, n});
  expect_close(y, ys, what + " y", 4);
  expect_close(rstd, rstds, what + " rstd", 2);
  expect_close(dx, dxs, what + " dx", 4);
  if (weighted) expect_close(dw, dws, what + " dw", 8);
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}) {
      for (const int64_t n : {1, 7, 8, 9, 15, 16, 17, 63, 65, 1500})
        for (const bool weighted : {false, true}) compare(backend, 5, n, dtype, Layout::contiguous, weighted);
      for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
        compare(backend, 4, 33, dtype, layout, true);
      compare(backend, 1000, 20, dtype, Layout::contiguous, true);
      compare(backend, 0, 20, dtype, Layout::contiguous, true);
      compare(backend, 3, 0, dtype, Layout::contiguous, true);
    }
    compare(backend, 40, 5000, nr_dtype_f32, Layout::contiguous, true);
    compare(backend, 2752, 768, nr_dtype_f32, Layout::contiguous, true);  // large enough to be streamed
    const Array x = random({700, 90}), dy = random({700, 90}, nr_dtype_f32, Layout::contiguous, 2);
    expect_same_for_threads([&](Context& ctx) {
      const nr_optional no = none();
      Array y({700, 90}), rstd({700}), dw({90});
      backend.rms_norm(&ctx, x, &no, y, rstd, eps);
      nr_optional dwo = some(dw);
      backend.rms_norm_backward(&ctx, dy, x, &no, rstd, y, &dwo);
      return dw;
    });
  });
  return report();
}
