// Layer norm and RMS norm, with a residual and without, and their gradients against their formulas in float64.
#include "reference.h"

using namespace harness;

namespace {

constexpr double eps = 1e-5;

int32_t wide(int32_t dtype) {
  return dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32;
}

struct Case {
  bool centred;  // layer norm, else RMS norm
  int64_t rows, n;
  int32_t dtype = nr_dtype_f32;
  bool affine = true, summed = false;
  Layout layout = Layout::contiguous;
  double offset = 0;
};

void compare(const nr_backend& backend, const Case& c) {
  Context ctx;
  const std::vector<int64_t> shape{c.rows, c.n};
  const auto draw = [&](uint32_t seed, double offset) {
    return random(shape, c.dtype, c.layout, seed, offset - 2, offset + 2);
  };
  const Array x = draw(1, c.offset), dy = draw(2, 0), residual = draw(5, 0), dsum = draw(6, 0);
  const Array w = random({c.n}, c.dtype, Layout::contiguous, 3, 0.5, 2);
  const Array b = random({c.n}, c.dtype, Layout::contiguous, 4);
  const nr_optional wo = c.affine ? some(w) : none(), bo = c.affine ? some(b) : none();
  const nr_optional ro = c.summed ? some(residual) : none(), dso = c.summed ? some(dsum) : none();
  Array y(shape, c.dtype), sum(shape, c.dtype), mean({c.rows}, wide(c.dtype)), rstd({c.rows}, wide(c.dtype));
  Array dx(shape, c.dtype), dw({c.n}, wide(c.dtype)), db({c.n}, wide(c.dtype));
  nr_optional so = c.summed ? some(sum) : none();
  nr_optional dwo = c.affine ? some(dw) : none(), dbo = c.affine ? some(db) : none();
  const Array& input = c.summed ? sum : x;
  if (c.centred) {
    backend.layer_norm(&ctx, x, &ro, &wo, &bo, y, &so, mean, rstd, eps);
    backend.layer_norm_backward(&ctx, dy, &dso, input, &wo, mean, rstd, dx, &dwo, &dbo);
  } else {
    backend.rms_norm(&ctx, x, &ro, &wo, y, &so, rstd, eps);
    backend.rms_norm_backward(&ctx, dy, &dso, input, &wo, rstd, dx, &dwo);
  }

  const std::string what = std::string(dtype_name(c.dtype)) + " " + text(shape);
  const double scale = 1 + std::fabs(c.offset);  // x itself is rounded relative to its offset
  if (c.summed) {
    std::vector<double> sums = values(x);
    const auto added = values(residual);
    for (size_t i = 0; i < sums.size(); i++) sums[i] += added[i];
    expect_close(sum, sums, what + " sum");
  }
  const auto xs = values(input), dys = values(dy), ws = values(w), bs = values(b), dsums = values(dsum);
  const auto columns = static_cast<size_t>(c.n);
  std::vector<double> ys, means, rstds, dxs, dws(columns), dbs(columns);
  for (int64_t r = 0; r < c.rows; r++) {
    const double *xr = xs.data() + r * c.n, *dyr = dys.data() + r * c.n;
    double m = 0, v = 0, g = 0, gz = 0;
    if (c.centred) {
      for (int64_t i = 0; i < c.n; i++) m += xr[i];
      m /= static_cast<double>(c.n);
    }
    for (int64_t i = 0; i < c.n; i++) v += (xr[i] - m) * (xr[i] - m);
    const double s = 1 / std::sqrt(v / static_cast<double>(c.n) + eps);
    for (int64_t i = 0; i < c.n; i++) {
      const double z = (xr[i] - m) * s, d = dyr[i] * (c.affine ? ws[i] : 1);
      ys.push_back((c.affine ? z * ws[i] : z) + (c.affine && c.centred ? bs[i] : 0));
      if (c.centred) g += d / static_cast<double>(c.n);
      gz += d * z / static_cast<double>(c.n);
      dws[i] += dyr[i] * z;
      dbs[i] += dyr[i];
    }
    for (int64_t i = 0; i < c.n; i++) {
      const double d = dyr[i] * (c.affine ? ws[i] : 1) - g - (xr[i] - m) * s * gz;
      dxs.push_back(s * d + (c.summed ? dsums[static_cast<size_t>(r * c.n + i)] : 0));
    }
    means.push_back(m);
    rstds.push_back(s);
  }
  expect_close(y, ys, what + " y", 4 * scale);
  if (c.centred) expect_close(mean, means, what + " mean", 2);
  expect_close(rstd, rstds, what + " rstd", 2 * scale);
  expect_close(dx, dxs, what + " dx", 4 * scale);
  if (!c.affine) return;
  expect_close(dw, dws, what + " dw", 8 * scale);
  if (c.centred) expect_close(db, dbs, what + " db", 8);
}

void same_for_threads(const nr_backend& backend, bool centred) {
  const Array x = random({700, 90}), dy = random({700, 90}, nr_dtype_f32, Layout::contiguous, 2);
  expect_same_for_threads([&](Context& ctx) {
    const nr_optional no = none();
    nr_optional nothing = none();
    Array y({700, 90}), mean({700}), rstd({700}), dw({90});
    nr_optional dwo = some(dw);
    if (centred) {
      backend.layer_norm(&ctx, x, &no, &no, &no, y, &nothing, mean, rstd, eps);
      backend.layer_norm_backward(&ctx, dy, &no, x, &no, mean, rstd, y, &dwo, &nothing);
    } else {
      backend.rms_norm(&ctx, x, &no, &no, y, &nothing, rstd, eps);
      backend.rms_norm_backward(&ctx, dy, &no, x, &no, rstd, y, &dwo);
    }
    return dw;
  });
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const bool centred : {true, false}) {
      for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}) {
        for (const int64_t n : {2, 7, 8, 9, 15, 16, 17, 63, 65, 264, 1500, 8200})
          for (const bool affine : {false, true}) compare(backend, {centred, 5, n, dtype, affine, n % 2 == 1});
        for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
          for (const bool summed : {false, true}) compare(backend, {centred, 4, 33, dtype, true, summed, layout});
        for (const bool summed : {false, true}) {
          compare(backend, {centred, 1000, 20, dtype, true, summed});
          compare(backend, {centred, 0, 20, dtype, true, summed});
          compare(backend, {centred, 3, 0, dtype, true, summed});
        }
      }
      compare(backend, {centred, 40, 5000});
      for (const bool summed : {false, true})
        compare(backend, {centred, 2752, 768, nr_dtype_f32, true, summed});  // large enough to be streamed
      same_for_threads(backend, centred);
    }
    compare(backend, {true, 3, 1000, nr_dtype_f32, true, false, Layout::contiguous, 1000});
    compare(backend, {false, 5, 1});
  });
  return report();
}
