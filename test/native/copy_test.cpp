// Movement against plain loops: copy between every pair of dtypes and layouts, fill, arange, cat, triangle.
#include "contract/contract.h"
#include "layouts.h"

using namespace harness;

namespace {

using neurite::contract::verdict;

// What a copy to `dtype` makes of x: integers saturate, NaN becomes 0 there; bools are truth values.
double converted(double x, int32_t dtype) {
  const auto whole = [&](double low, double high) {
    return std::isnan(x) ? 0 : std::trunc(std::min(std::max(x, low), high));
  };
  switch (dtype) {
    case nr_dtype_i8:
      return whole(-128, 127);
    case nr_dtype_u8:
      return whole(0, 255);
    case nr_dtype_i32:
      return whole(INT32_MIN, INT32_MAX);
    case nr_dtype_i64:
      return whole(-0x1p63, 0x1p63);
    case nr_dtype_bool8:
      return x != 0;
    default:
      return x;
  }
}

void between_dtypes(const nr_backend& b, Context& ctx) {
  const std::vector<int64_t> shapes[] = {{}, {0}, {1}, {17}, {1000}, {7, 45}, {3, 5, 33}};
  for (int32_t from = 0; from < nr_dtype_count; from++)
    for (int32_t to = 0; to < nr_dtype_count; to++)
      for (const auto& shape : shapes)
        for (Layout l : readable) {
          Array x = make(shape, from, l), y = make(shape, to, l == Layout::dense ? Layout::spaced : Layout::dense);
          const bool small = to == nr_dtype_u8 || from == nr_dtype_u8 || from == nr_dtype_bool8;
          randomize(x, 5, small ? 0 : -120, 120);
          b.copy(&ctx, x, y);
          int reported = 0;
          for (int64_t i = 0; i < x.numel && reported < 3; i++) {
            const bool ok = close(at(y.t, i), converted(at(x.t, i), to), to);
            CHECK(ok, "%s %d to %d %s [%ld]: %g gives %g", b.name, from, to, name_of(l), long(i), at(x.t, i),
                  at(y.t, i));
            reported += !ok;
          }
        }
}

void out_of_range(const nr_backend& b, Context& ctx) {
  const double values[] = {NAN, INFINITY, -INFINITY, 1e30, -1e30, 300.7, -300.7, 0.5, -0.5, 3e9, 127.9, 65519, 65520};
  constexpr int64_t n = sizeof values / sizeof *values;
  for (int32_t from : {nr_dtype_f32, nr_dtype_f64})
    for (int32_t to = 0; to < nr_dtype_count; to++) {
      Array x({n}, from), y({n}, to);
      for (int64_t i = 0; i < n; i++) set(x.t, i, values[i]);
      b.copy(&ctx, x, y);
      for (int64_t i = 0; i < n; i++)
        CHECK(close(at(y.t, i), converted(at(x.t, i), to), to), "%s %d to %d: %g gives %g", b.name, from, to,
              at(x.t, i), at(y.t, i));
    }
  Array wide({3}, nr_dtype_i64), narrow({3}, nr_dtype_i8);
  for (int i = 0; i < 3; i++) wide.as<int64_t>()[i] = 200 + i * (int64_t{1} << 40);
  b.copy(&ctx, wide, narrow);
  CHECK(narrow.as<int8_t>()[0] == -56 && narrow.as<int8_t>()[2] == -56, "integers wrap");
}

// Every 16-bit float to float and back, and floats half-way between two of them, which go to the even one.
void halves(const nr_backend& b, Context& ctx) {
  for (int32_t dtype : {nr_dtype_f16, nr_dtype_bf16}) {
    constexpr int64_t n = 65536;
    Array x({n}, dtype), wide({n}), back({n}, dtype);
    for (int64_t i = 0; i < n; i++) x.as<uint16_t>()[i] = static_cast<uint16_t>(i);
    b.copy(&ctx, x, wide);
    b.copy(&ctx, wide, back);
    for (int64_t i = 0; i < n; i++) {
      const double v = get(x.t, i);
      CHECK(close(wide.as<float>()[i], v, nr_dtype_f64));
      if (std::isnan(v))
        CHECK(std::isnan(get(back.t, i)));
      else
        CHECK(back.as<uint16_t>()[i] == i, "%s %lx", b.name, long(i));
    }
    for (int64_t i = 0; i + 1 < n; i++) {
      const double p = get(x.t, i), q = get(x.t, i + 1);
      wide.as<float>()[i] = std::isfinite(p) && std::isfinite(q) ? static_cast<float>((p + q) / 2) : 0;
    }
    b.copy(&ctx, wide, back);
    for (int64_t i = 0; i + 1 < n; i++)
      if (wide.as<float>()[i] != 0 && std::isfinite(get(x.t, i)) && (i & 0x7fff) != 0)
        CHECK(back.as<uint16_t>()[i] == i + (i & 1), "%s dtype %d %lx became %x", b.name, dtype, long(i),
              back.as<uint16_t>()[i]);
  }
}

void layouts(const nr_backend& b) {
  const std::vector<int64_t> shapes[] = {{33, 65}, {64, 64}, {5, 70, 31}, {300, 401}, {2, 3, 40, 50}};
  for (int32_t dtype : {nr_dtype_u8, nr_dtype_f16, nr_dtype_f32, nr_dtype_f64})
    for (const auto& shape : shapes)
      for (Layout from : readable)
        for (Layout to : writable)
          for (int threads : thread_counts({1, 3})) {
            Context ctx(threads);
            Array x = make(shape, dtype, from), y = make(shape, dtype, to);
            randomize(x, 6, 0, 120);
            CHECK(!neurite::contract::copy(x, y));
            b.copy(&ctx, x, y);
            int64_t wrong = 0;
            for (int64_t i = 0; i < x.numel; i++) wrong += at(x.t, i) != at(y.t, i);
            CHECK(wrong == 0, "%s dtype %d %s to %s: %ld wrong", b.name, dtype, name_of(from), name_of(to),
                  long(wrong));
          }
  Context ctx(2);
  Array row = random_f32({40}), column = random_f32({9, 1}), y({9, 40});
  b.copy(&ctx, row, y);
  for (int64_t i = 0; i < 360; i++) CHECK(at(y.t, i) == at(row.t, i % 40));
  b.copy(&ctx, column, y);
  for (int64_t i = 0; i < 360; i++) CHECK(at(y.t, i) == at(column.t, i / 40));
  Array image = random_f32({2, 3, 40, 50}), permuted = image, dense({2, 40, 50, 3});
  const int order[] = {0, 2, 3, 1};
  for (int d = 0; d < 4; d++)
    permuted.t.shape[d] = image.t.shape[order[d]], permuted.t.stride[d] = image.t.stride[order[d]];
  b.copy(&ctx, permuted, dense);
  for (int64_t i = 0; i < dense.numel; i++) CHECK(at(dense.t, i) == at(permuted.t, i));
}

void numbers(const nr_backend& b, Context& ctx) {
  for (int32_t dtype = 0; dtype < nr_dtype_count; dtype++)
    for (Layout l : writable) {
      Array y = make({6, 37}, dtype, l);
      b.fill(&ctx, y, {2.75, 2, false});
      for (int64_t i = 0; i < y.numel; i++) CHECK(at(y.t, i) == converted(2.75, dtype));
    }
  Array big({5}, nr_dtype_i64);
  b.fill(&ctx, big, {0x1p60, (int64_t{1} << 60) + 1, true});
  CHECK(big.as<int64_t>()[4] == (int64_t{1} << 60) + 1, "integers keep all their bits");
  b.arange(&ctx, big, {0x1p60, (int64_t{1} << 60) + 1, true}, {-3, -3, true});
  CHECK(big.as<int64_t>()[4] == (int64_t{1} << 60) - 11);
  Array y({70000});
  b.arange(&ctx, y, {-1, -1, true}, {0.1, 0, false});
  for (int64_t i = 0; i < y.numel; i += 7)
    CHECK(y.as<float>()[i] == static_cast<float>(-1 + static_cast<double>(i) * 0.1));
  Array none({0});
  b.arange(&ctx, none, {0, 0, true}, {1, 1, true});
  b.fill(&ctx, none, {1, 1, true});
}

void concatenation(const nr_backend& b, Context& ctx) {
  for (int64_t dim = 0; dim < 3; dim++) {
    std::vector<Array> parts;
    std::vector<nr_tensor> views;
    const Layout layouts[] = {Layout::dense, Layout::transposed, Layout::spaced, Layout::dense};
    const int64_t sizes[] = {2, 5, 0, 33};
    for (int i = 0; i < 4; i++) {
      std::vector<int64_t> shape = {3, 4, 5};
      shape[static_cast<size_t>(dim)] = sizes[i];
      parts.push_back(make(shape, nr_dtype_f32, layouts[i]));
      randomize(parts.back(), static_cast<uint32_t>(i + 1));
      views.push_back(parts.back().t);
    }
    std::vector<int64_t> shape = {3, 4, 5};
    shape[static_cast<size_t>(dim)] = 40;
    Array y(shape);
    const nr_tensors xs = {4, views.data()};
    CHECK(!neurite::contract::cat(&xs, y, dim));
    b.cat(&ctx, &xs, y, dim);
    for (int64_t i = 0; i < y.numel; i++) {
      int64_t index[3], rest = i;
      for (int d = 2; d >= 0; d--) index[d] = rest % y.t.shape[d], rest /= y.t.shape[d];
      int part = 0;
      while (index[dim] >= sizes[part]) index[dim] -= sizes[part++];
      const nr_tensor& x = views[static_cast<size_t>(part)];
      CHECK(at(y.t, i) == get(x, index[0] * x.stride[0] + index[1] * x.stride[1] + index[2] * x.stride[2]));
    }
    y.t.shape[dim] = 41;
    CHECK(neurite::contract::cat(&xs, y, dim), "sizes that do not add up");
  }
}

void triangles(const nr_backend& b, Context& ctx) {
  for (int32_t dtype : {nr_dtype_f32, nr_dtype_bf16, nr_dtype_i64, nr_dtype_bool8})
    for (Layout l : readable)
      for (int64_t diagonal : {-100, -2, 0, 1, 3, 100})
        for (bool upper : {false, true}) {
          Array x = make({2, 7, 9}, dtype, l), y({2, 7, 9}, dtype);
          randomize(x, 3, 1, 5);
          CHECK(!neurite::contract::triangle(x, y, diagonal, upper));
          b.triangle(&ctx, x, y, diagonal, upper);
          for (int64_t i = 0; i < y.numel; i++) {
            const int64_t r = i / 9 % 7, c = i % 9;
            const bool kept = upper ? c - r >= diagonal : c - r <= diagonal;
            CHECK(at(y.t, i) == (kept ? at(x.t, i) : 0));
          }
        }
  Array x({2, 2});
  CHECK(neurite::contract::triangle(x, x, INT64_MAX, true), "a diagonal that would overflow");
}

}  // namespace

int main() {
  each_isa([](const nr_backend& b) {
    Context ctx(2);
    between_dtypes(b, ctx);
    out_of_range(b, ctx);
    halves(b, ctx);
    layouts(b);
    numbers(b, ctx);
    concatenation(b, ctx);
    triangles(b, ctx);
  });
  return report();
}
