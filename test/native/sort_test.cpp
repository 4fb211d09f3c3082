// Sort and topk against std::stable_sort: every dtype and layout, both directions, many equal elements and none, NaN
// and both zeros, rows short and long enough for every way of sorting.
#include <algorithm>

#include "reference.h"

using namespace harness;

namespace {

enum class Content { distinct, coarse, special };

Array filled(std::vector<int64_t> shape, int32_t dtype, Layout layout, Content content) {
  const double low = dtype == nr_dtype_u8 ? 0 : -100;
  if (content == Content::distinct && dtype != nr_dtype_bool8) return random(shape, dtype, layout, 1, low, 100);
  Array a = arranged(std::move(shape), dtype, layout);
  std::mt19937 rng(3);
  const double special[] = {NAN, INFINITY, -INFINITY, 0, -0.0, -NAN, 1, -1};
  each_offset(a.t, [&](int64_t offset) {
    put(a.t, offset, content == Content::special ? special[rng() % 8] : static_cast<double>(rng() % 2));
  });
  return a;
}

std::vector<int64_t> order(const std::vector<double>& row, bool descending) {
  std::vector<int64_t> index(row.size());
  for (size_t i = 0; i < index.size(); i++) index[i] = static_cast<int64_t>(i);
  const auto less = [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; };
  std::stable_sort(index.begin(), index.end(), [&](int64_t i, int64_t j) {
    const double a = row[static_cast<size_t>(i)], b = row[static_cast<size_t>(j)];
    return descending ? less(b, a) : less(a, b);
  });
  return index;
}

// Elements are compared by the position they come from, which tells zeros and NaN apart.
void compare(const Array& x, const Array& got, const Array& index, int64_t dim, bool descending,
             const std::string& what) {
  const int64_t n = x.t.shape[dim], k = got.t.shape[dim];
  nr_tensor first = x.t;
  first.shape[dim] = 1;
  std::vector<int64_t> starts;
  each_offset(first, [&](int64_t offset) { starts.push_back(offset); });
  first = got.t;
  first.shape[dim] = 1;
  int64_t wrong = 0;
  size_t row = 0;
  each_offset(first, [&](int64_t to) {
    std::vector<double> values;
    const int64_t start = starts[row++];
    for (int64_t i = 0; i < n; i++) values.push_back(get(x.t, start + i * x.t.stride[dim]));
    const auto want = order(values, descending);
    for (int64_t i = 0; i < k; i++) {
      const int64_t at = to + i * got.t.stride[dim], from = want[static_cast<size_t>(i)];
      const double value = values[static_cast<size_t>(from)], v = get(got.t, at);
      wrong += index.as<int64_t>()[at] != from || !(v == value || (v != v && value != value)) ||
               std::signbit(v) != std::signbit(value);
    }
  });
  CHECK(wrong == 0, "%s: %lld wrong", what.c_str(), static_cast<long long>(wrong));
}

void check(const nr_backend& backend, const std::vector<int64_t>& shape, int64_t dim, int64_t k, int32_t dtype,
           Layout layout, Content content) {
  Context ctx;
  const Array x = filled(shape, dtype, layout, content);
  auto kept = shape;
  kept[static_cast<size_t>(dim)] = k;
  for (const bool descending : {false, true}) {
    const std::string what = std::string(dtype_name(dtype)) + " " + text(shape) + " dim " + std::to_string(dim) +
                             (descending ? " descending" : " ascending");
    Array values(shape, dtype), index(shape, nr_dtype_i64), first(kept, dtype), where(kept, nr_dtype_i64);
    backend.sort(&ctx, x, values, index, dim, descending);
    compare(x, values, index, dim, descending, what + " sort");
    backend.topk(&ctx, x, first, where, dim, descending);
    compare(x, first, where, dim, descending, what + " topk " + std::to_string(k));
  }
  CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
}

}  // namespace

int main() {
  each_isa([](const nr_backend& backend) {
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16, nr_dtype_i8, nr_dtype_u8,
                                nr_dtype_i32, nr_dtype_i64, nr_dtype_bool8}) {
      for (const int64_t n : {1, 2, 16, 17, 48, 49, 300})
        for (const Content content : {Content::distinct, Content::coarse})
          check(backend, {3, n}, 1, (n + 2) / 3, dtype, Layout::contiguous, content);
      for (const Layout layout : {Layout::transposed, Layout::reversed, Layout::broadcast})
        for (const int64_t dim : {0, 1, 2}) check(backend, {5, 70, 3}, dim, 2, dtype, layout, Content::distinct);
      check(backend, {0, 4}, 1, 2, dtype, Layout::contiguous, Content::distinct);
      check(backend, {4, 0}, 1, 0, dtype, Layout::contiguous, Content::distinct);
      check(backend, {2, 5000}, 1, 1, dtype, Layout::contiguous, Content::distinct);
      check(backend, {2, 5000}, 1, 700, dtype, Layout::contiguous, Content::coarse);
    }
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_bf16})
      for (const int64_t n : {63, 64, 65, 1025, 2500})
        for (const int64_t k : {1, 10, 32, 33})
          for (const Content content : {Content::distinct, Content::coarse, Content::special})
            check(backend, {2, n}, 1, k, dtype, Layout::contiguous, content);
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_bf16})
      for (const int64_t n : {9, 60, 2000})
        check(backend, {2, n}, 1, n / 2, dtype, Layout::contiguous, Content::special);
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64}) {
      check(backend, {2, 150001}, 1, 10, dtype, Layout::contiguous, Content::distinct);
      check(backend, {1, 280000}, 1, 9000, dtype, Layout::contiguous, Content::coarse);
    }
    for (const int64_t n : {1000, 200000}) {
      const Array x = random({300000 / n, n});
      expect_same_for_threads([&](Context& ctx) {
        Array values({300000 / n, n}), index({300000 / n, n}, nr_dtype_i64);
        backend.sort(&ctx, x, values, index, 1, false);
        return index;
      });
    }
  });
  return report();
}
