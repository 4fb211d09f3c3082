// Layer norm and its gradients against their formulas in float64.
#include "reference.h"

using namespace harness;

namespace {

constexpr double eps = 1e-5;

int32_t wide(int32_t dtype) {
  return dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32;
}

void compare(const nr_backend& backend, int64_t rows, int64_t n, int32_t dtype, Layout layout, bool affine,
             double offset = 0) {
  Context ctx;
  const Array x = random({rows, n}, dtype, layout, 1, offset - 2, offset + 2), dy = random({rows, n}, dtype, layout, 2);
  const Array w = random({n}, dtype, Layout::contiguous, 3, 0.5, 2), b = random({n}, dtype, Layout::contiguous, 4);
  const nr_optional wo = affine ? some(w) : none(), bo = affine ? some(b) : none();
  Array y({rows, n}, dtype), mean({rows}, wide(dtype)), rstd({rows}, wide(dtype));
  Array dx({rows, n}, dtype), dw({n}, wide(dtype)), db({n}, wide(dtype));
  backend.layer_norm(&ctx, x, &wo, &bo, y, mean, rstd, eps);
  nr_optional dwo = affine ? some(dw) : none(), dbo = affine ? some(db) : none();
  backend.layer_norm_backward(&ctx, dy, x, &wo, mean, rstd, dx, &dwo, &dbo);

  const auto xs = values(x), dys = values(dy), ws = values(w), bs = values(b);
  std::vector<double> ys, means, rstds, dxs, dws(static_cast<size_t>(n)), dbs(static_cast<size_t>(n));
  for (int64_t r = 0; r < rows; r++) {
    const double *xr = xs.data() + r * n, *dyr = dys.data() + r * n;
    double m = 0, v = 0, g = 0, gz = 0;
    for (int64_t i = 0; i < n; i++) m += xr[i];
    m /= n;
    for (int64_t i = 0; i < n; i++) v += (xr[i] - m) * (xr[i] - m);
    v /= n;
    const double s = 1 / std::sqrt(v + eps);
    for (int64_t i = 0; i < n; i++) {
      const double z = (xr[i] - m) * s, d = dyr[i] * (affine ? ws[i] : 1);
      ys.push_back(affine ? z * ws[i] + bs[i] : z);
      g += d / n;
      gz += d * z / n;
      dws[i] += dyr[i] * z;
      dbs[i] += dyr[i];
    }
    for (int64_t i = 0; i < n; i++) dxs.push_back(s * (dyr[i] * (affine ? ws[i] : 1) - g - (xr[i] - m) * s * gz));
    means.push_back(m);
    rstds.push_back(s);
  }
  const std::string what = std::string(dtype_name(dtype)) + " " + text({rows, n});
  const double scale = 1 + std::fabs(offset);  // x itself is rounded relative to its offset
  expect_close(y, ys, what + " y", 4 * scale);
  expect_close(mean, means, what + " mean", 2);
  expect_close(rstd, rstds, what + " rstd", 2 * scale);
  expect_close(dx, dxs, what + " dx", 4 * scale);
  if (!affine) return;
  expect_close(dw, dws, what + " dw", 8 * scale);
  expect_close(db, dbs, what + " db", 8);
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}) {
      for (const int64_t n : {2, 7, 8, 9, 15, 16, 17, 63, 65, 1500})
        for (const bool affine : {false, true}) compare(backend, 5, n, dtype, Layout::contiguous, affine);
      for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
        compare(backend, 4, 33, dtype, layout, true);
      compare(backend, 1000, 20, dtype, Layout::contiguous, true);
      compare(backend, 0, 20, dtype, Layout::contiguous, true);
      compare(backend, 3, 0, dtype, Layout::contiguous, true);
    }
    compare(backend, 40, 5000, nr_dtype_f32, Layout::contiguous, true);
    compare(backend, 2752, 768, nr_dtype_f32, Layout::contiguous, true);  // large enough to be streamed
    compare(backend, 3, 1000, nr_dtype_f32, Layout::contiguous, true, 1000);
    const Array x = random({700, 90}), dy = random({700, 90}, nr_dtype_f32, Layout::contiguous, 2);
    expect_same_for_threads([&](Context& ctx) {
      const nr_optional no = none();
      Array y({700, 90}), mean({700}), rstd({700}), dw({90});
      backend.layer_norm(&ctx, x, &no, &no, y, mean, rstd, eps);
      nr_optional dwo = some(dw), dbo = none();
      backend.layer_norm_backward(&ctx, dy, x, &no, mean, rstd, y, &dwo, &dbo);
      return dw;
    });
  });
  return report();
}
