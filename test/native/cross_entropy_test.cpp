// Cross-entropy and its gradient against PyTorch's definition, written in float64.
#include "reference.h"

using namespace harness;

namespace {

struct Case {
  int64_t rows, classes;
  bool weighted;
  double smoothing;
  int64_t ignore_index = -100;
  Layout layout = Layout::contiguous;
};

struct Reference {
  std::vector<double> loss, lse, dx;
  double total_weight = 0;
};

Reference reference(const Case& c, const std::vector<double>& x, const std::vector<double>& target,
                    const std::vector<double>& w, const std::vector<double>& dloss) {
  Reference ref;
  for (int64_t r = 0; r < c.rows; r++) {
    const double* row = x.data() + r * c.classes;
    double top = -INFINITY, sum = 0, loss = 0, weight_sum = 0;
    for (int64_t k = 0; k < c.classes; k++) top = std::fmax(top, row[k]);
    for (int64_t k = 0; k < c.classes; k++) sum += std::exp(row[k] - top);
    for (int64_t k = 0; k < c.classes; k++) weight_sum += w[k];
    const double lse = top + std::log(sum), even = c.smoothing / c.classes;
    const auto t = static_cast<int64_t>(target[r]);
    const bool counts = t != c.ignore_index;
    const double hit = counts ? w[t] * (1 - c.smoothing) : 0;
    if (counts) {
      loss = hit * (lse - row[t]);
      for (int64_t k = 0; k < c.classes; k++) loss += even * w[k] * (lse - row[k]);
      ref.total_weight += w[t];
    }
    for (int64_t k = 0; k < c.classes; k++) {
      const double p = std::exp(row[k] - lse);
      ref.dx.push_back(counts ? dloss[r] * (p * (hit + even * weight_sum) - (k == t ? hit : 0) - even * w[k]) : 0);
    }
    ref.loss.push_back(loss);
    ref.lse.push_back(lse);
  }
  return ref;
}

Array targets(const Case& c) {
  Array t({c.rows}, nr_dtype_i64);
  for (int64_t r = 0; r < c.rows; r++) t.as<int64_t>()[r] = r % 4 == 3 ? c.ignore_index : (r * 7 + 1) % c.classes;
  return t;
}

void compare(const nr_backend& backend, const Case& c, int32_t dtype) {
  Context ctx;
  const int32_t wide = dtype == nr_dtype_f64 ? nr_dtype_f64 : nr_dtype_f32;
  const Array x = random({c.rows, c.classes}, dtype, c.layout, 1, -5, 5), target = targets(c);
  const Array weight = random({c.classes}, dtype, Layout::contiguous, 2, 0.5, 2), dloss = random({c.rows}, wide);
  const nr_optional w = c.weighted ? some(weight) : none();
  Array loss({c.rows}, wide), total({}, wide), lse({c.rows}, wide), dx({c.rows, c.classes}, dtype);
  backend.cross_entropy(&ctx, x, target, &w, loss, total, lse, c.ignore_index, c.smoothing);
  backend.cross_entropy_backward(&ctx, dloss, x, target, &w, lse, dx, c.ignore_index, c.smoothing);
  CHECK(ctx.error.empty(), "%s", ctx.error.c_str());

  const auto weights = c.weighted ? values(weight) : std::vector<double>(static_cast<size_t>(c.classes), 1.0);
  const Reference ref = reference(c, values(x), values(target), weights, values(dloss));
  const std::string what = std::string(dtype_name(dtype)) + " " + text({c.rows, c.classes});
  expect_close(loss, ref.loss, what + " loss");
  expect_close(lse, ref.lse, what + " lse");
  expect_close(total, {ref.total_weight}, what + " total_weight");
  expect_close(dx, ref.dx, what + " dx");
}

void refuses_a_target_out_of_range(const nr_backend& backend, int64_t bad) {
  Context ctx;
  const Array x = random({40, 5});
  Array target({40}, nr_dtype_i64), loss({40}), total({}), lse({40}), dx({40, 5});
  for (int i = 0; i < 40; i++) target.as<int64_t>()[i] = i == 17 ? bad : i % 5;
  const nr_optional w = none();
  backend.cross_entropy(&ctx, x, target, &w, loss, total, lse, -100, 0.1);
  CHECK(ctx.error == "INDEX_OUT_OF_RANGE: expected a class in [0, 5), got " + std::to_string(bad) + " at position 17",
        "%s", ctx.error.c_str());
  ctx.error.clear();
  backend.cross_entropy_backward(&ctx, loss, x, target, &w, lse, dx, -100, 0.1);
  CHECK(ctx.error.rfind("INDEX_OUT_OF_RANGE", 0) == 0, "%s", ctx.error.c_str());
}

void keeps_precision_of_large_logits(const nr_backend& backend) {
  Context ctx;
  Array x({1, 3}), target({1}, nr_dtype_i64), loss({1}), total({}), lse({1});
  const float logits[] = {1e4f, 1e4f, -INFINITY};
  std::memcpy(x.as<float>(), logits, sizeof logits);
  target.as<int64_t>()[0] = 1;
  const nr_optional w = none();
  backend.cross_entropy(&ctx, x, target, &w, loss, total, lse, -100, 0);
  CHECK(std::fabs(loss.as<float>()[0] - std::log(2.0)) < 1e-6, "%g", loss.as<float>()[0]);
  target.as<int64_t>()[0] = 2;
  backend.cross_entropy(&ctx, x, target, &w, loss, total, lse, -100, 0);
  CHECK(loss.as<float>()[0] == INFINITY, "%g", loss.as<float>()[0]);
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16})
      for (const bool weighted : {false, true})
        for (const double smoothing : {0.0, 0.1}) {
          for (const int64_t classes : {1, 2, 7, 8, 9, 15, 16, 17, 100, 3000, 8200})
            compare(backend, {9, classes, weighted, smoothing}, dtype);
          compare(backend, {5000, 10, weighted, smoothing, 3}, dtype);
          compare(backend, {0, 10, weighted, smoothing}, dtype);
          for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
            compare(backend, {6, 33, weighted, smoothing, 0, layout}, dtype);
        }
    compare(backend, {1040, 2048, false, 0}, nr_dtype_f32);  // large enough to be streamed
    for (const int64_t bad : {int64_t{-1}, int64_t{5}, INT64_MIN, INT64_MAX})
      refuses_a_target_out_of_range(backend, bad);
    keeps_precision_of_large_logits(backend);
    const Case c{4000, 33, false, 0.1};
    const Array x = random({c.rows, c.classes}), target = targets(c);
    expect_same_for_threads([&](Context& ctx) {
      Array loss({c.rows}), total({}), lse({c.rows});
      const nr_optional w = none();
      backend.cross_entropy(&ctx, x, target, &w, loss, total, lse, -100, c.smoothing);
      return loss;
    });
  });
  return report();
}
