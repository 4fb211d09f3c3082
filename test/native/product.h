// A matrix product with all that goes with it, against a float64 triple loop: what the tests of matmul share.
#pragma once
#include "elements.h"
#include "harness.h"

namespace harness {

struct Product {
  std::vector<int64_t> batch_a, batch_b;
  int64_t M, N, K;
  bool transpose_a = false, transpose_b = false, with_bias = false;
  int64_t gap = 1;  // distance between neighbours along the last dim; negative: backwards
  bool with_residual = false;
  int64_t activation = nr_activation_none;
};

// A strided tensor of random numbers; integers are small.
inline Array make(std::vector<int64_t> shape, int32_t dtype, uint32_t seed, int64_t gap) {
  std::vector<int64_t> stored = shape;
  stored.back() *= std::abs(gap);
  Array a(stored, dtype);
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> draw(-1, 1);
  const bool integral = dtype == nr_dtype_i32 || dtype == nr_dtype_i64;
  for (int64_t i = 0; i < a.numel; i++) put(a.t, i, integral ? std::floor(draw(rng) * 100) : draw(rng));
  const int d = a.t.ndim - 1;
  a.t.shape[d] = shape.back();
  a.t.stride[d] = gap;
  if (gap < 0 && shape.back() > 0)
    a.t.data = static_cast<char*>(a.t.data) + (shape.back() - 1) * -gap * element_size(dtype);
  return a;
}

inline std::vector<int64_t> joined(std::vector<int64_t> batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}

inline std::vector<int64_t> broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); i++) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

// Element offset of batch `index` (of y's batch shape) in t.
inline int64_t offset_of(const nr_tensor& t, const std::vector<int64_t>& batch, int64_t index) {
  int64_t offset = 0;
  for (int64_t d = static_cast<int64_t>(batch.size()) - 1; d >= 0; d--) {
    const int64_t own = d - (static_cast<int64_t>(batch.size()) - (t.ndim - 2)), i = index % batch[d];
    index /= batch[d];
    if (own >= 0 && t.shape[own] != 1) offset += i * t.stride[own];
  }
  return offset;
}

// The results, alike bit by bit, against the definition; `kept`: what the activation was applied to.
inline void check_sums(const nr_backend& backend, int32_t dtype, const Product& c, const Array& a, const Array& b,
                       const Array& bias, const Array& residual, const std::vector<int64_t>& batch,
                       const std::vector<Array>& results, const std::vector<Array>& kept) {
  const Array& y = results[0];
  for (const Array& other : results)
    CHECK(std::memcmp(y.t.data, other.t.data, y.numel * element_size(dtype)) == 0, "%s: threads differ", backend.name);

  const nr_tensor &ta = a.t, &tb = b.t;
  const int64_t am = ta.stride[ta.ndim - (c.transpose_a ? 1 : 2)], ak = ta.stride[ta.ndim - (c.transpose_a ? 2 : 1)];
  const int64_t bk = tb.stride[tb.ndim - (c.transpose_b ? 1 : 2)], bn = tb.stride[tb.ndim - (c.transpose_b ? 2 : 1)];
  double worst = 0;
  for (int64_t i = 0; i < y.numel; i++) {
    const int64_t n = i % c.N, m = i / c.N % c.M, at = i / (c.N * c.M);
    const int64_t a0 = offset_of(ta, batch, at), b0 = offset_of(tb, batch, at);
    double sum = c.with_bias ? get(bias.t, n * bias.t.stride[0]) : 0, size = std::abs(sum);
    for (int64_t k = 0; k < c.K; k++) {
      const double term = get(ta, a0 + m * am + k * ak) * get(tb, b0 + k * bk + n * bn);
      sum += term;
      size += std::abs(term);
    }
    if (c.with_residual) {
      sum += get(residual.t, i);
      size += std::abs(get(residual.t, i));
    }
    // The slope of an activation is below 1.2.
    const auto expect = [&](double got, double want) {
      const double error =
          std::abs(got - want) / (1.2 * size * accumulation_error(dtype, c.K) +
                                  (1 + std::abs(want)) * rounding_error(dtype) * bool(c.activation) +
                                  std::abs(want) * rounding_error(dtype) + (dtype == nr_dtype_f16 ? 0x1p-24 : 1e-30));
      worst = std::max(worst, error == error ? error : INFINITY);
    };
    expect(get(y.t, i), activated(c.activation, sum));
    if (c.activation && !kept.empty()) expect(get(kept[0].t, i), sum);
  }
  CHECK(worst <= 1,
        "%s dtype %d M %ld N %ld K %ld transpose %d %d gap %ld residual %d activation %ld: error %g of what is allowed",
        backend.name, dtype, static_cast<long>(c.M), static_cast<long>(c.N), static_cast<long>(c.K), c.transpose_a,
        c.transpose_b, static_cast<long>(c.gap), c.with_residual, static_cast<long>(c.activation), worst);
}

inline bool is_floating(int32_t dtype) {
  return dtype <= nr_dtype_bf16;
}

// Runs a product, for floats without batches with packed weights too, on random operands.
inline void check(const nr_backend& backend, int32_t dtype, const Product& c) {
  const Array a = make(c.transpose_a ? joined(c.batch_a, c.K, c.M) : joined(c.batch_a, c.M, c.K), dtype, 1, c.gap);
  const Array b = make(c.transpose_b ? joined(c.batch_b, c.N, c.K) : joined(c.batch_b, c.K, c.N), dtype, 2, c.gap);
  const Array bias = make({c.N}, dtype, 3, c.gap);
  const std::vector<int64_t> batch = broadcast(c.batch_a, c.batch_b);
  const Array residual = make(joined(batch, c.M, c.N), dtype, 4, 1);
  std::vector<Array> results, kept;
  for (int threads : thread_counts({1, 2, 3})) {
    Context ctx(threads);
    results.emplace_back(joined(batch, c.M, c.N), dtype);
    kept.emplace_back(joined(batch, c.M, c.N), dtype);
    const nr_optional given = c.with_bias ? some(bias) : none(), added = c.with_residual ? some(residual) : none();
    nr_optional keep = c.activation ? some(kept.back()) : none();
    backend.matmul(&ctx, a, b, &given, &added, results.back(), &keep, c.transpose_a, c.transpose_b, c.activation);
    CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
  }
  check_sums(backend, dtype, c, a, b, bias, residual, batch, results, kept);
  if (!is_floating(dtype) || c.transpose_a || !c.batch_a.empty() || !c.batch_b.empty()) return;
  results.clear();
  for (int threads : thread_counts({2, 1})) {
    Context ctx(threads);
    Array packed({(c.N + 31) / 32, c.K, 32}, dtype);
    backend.matmul_pack(&ctx, b, packed, c.transpose_b);
    results.emplace_back(joined({}, c.M, c.N), dtype);
    const nr_optional given = c.with_bias ? some(bias) : none(), added = c.with_residual ? some(residual) : none();
    backend.matmul_packed(&ctx, a, packed, &given, &added, results.back(), c.activation);
    CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
  }
  check_sums(backend, dtype, c, a, b, bias, residual, batch, results, {});
}

}  // namespace harness
