// Movement by index against naive loops: gather, index_select, embedding and its gradient, scatter, scatter_add,
// index_add, for every dtype, index dtype and layout, and what they refuse.
#include "reference.h"

using namespace harness;

namespace {

constexpr int32_t all_dtypes[] = {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16, nr_dtype_i8,
                                  nr_dtype_u8,  nr_dtype_i32, nr_dtype_i64, nr_dtype_bool8};

bool is_summable(int32_t dtype) {
  return dtype != nr_dtype_bool8;
}

// Small whole numbers, exact in every dtype.
Array whole_numbers(std::vector<int64_t> shape, int32_t dtype, Layout layout, uint32_t seed) {
  Array a = arranged(std::move(shape), dtype, layout);
  std::mt19937 rng(seed);
  each_offset(a.t, [&](int64_t offset) { put(a.t, offset, dtype == nr_dtype_bool8 ? rng() % 2 : 1 + rng() % 6); });
  return a;
}

Array indices(std::vector<int64_t> shape, int64_t limit, int32_t dtype, Layout layout) {
  Array a = arranged(std::move(shape), dtype, layout);
  std::mt19937 rng(7);
  each_offset(a.t,
              [&](int64_t offset) { put(a.t, offset, static_cast<double>(rng() % static_cast<uint64_t>(limit))); });
  return a;
}

// Row-major multi-index of position i in `shape`.
std::vector<int64_t> unravel(int64_t i, const std::vector<int64_t>& shape) {
  std::vector<int64_t> at(shape.size());
  for (size_t d = shape.size(); d-- > 0; i /= shape[d]) at[d] = i % shape[d];
  return at;
}

size_t ravel(const std::vector<int64_t>& at, const std::vector<int64_t>& shape) {
  int64_t i = 0;
  for (size_t d = 0; d < shape.size(); d++) i = i * shape[d] + at[d];
  return static_cast<size_t>(i);
}

int64_t count(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  return n;
}

struct Case {
  std::vector<int64_t> shape, index_shape;  // of the indexed tensor, of a full index
  int64_t dim;
  Layout layout, index_layout;
};

void reads(const nr_backend& backend, const Case& c, int32_t dtype, int32_t index_dtype) {
  Context ctx;
  const std::string what = std::string(dtype_name(dtype)) + " " + text(c.shape) + " dim " + std::to_string(c.dim);
  const Array x = whole_numbers(c.shape, dtype, c.layout, 1);
  const Array index = indices(c.index_shape, c.shape[c.dim], index_dtype, c.index_layout);
  const auto xs = values(x), is = values(index);
  Array y(c.index_shape, dtype);
  backend.gather(&ctx, x, index, y, c.dim);
  std::vector<double> expected;
  for (int64_t i = 0; i < count(c.index_shape); i++) {
    auto at = unravel(i, c.index_shape);
    at[c.dim] = static_cast<int64_t>(is[i]);
    expected.push_back(xs[ravel(at, c.shape)]);
  }
  expect_close(y, expected, what + " gather", 0);

  auto picked = c.shape;
  picked[c.dim] = c.index_shape[c.dim];
  const Array row = indices({picked[c.dim]}, c.shape[c.dim], index_dtype, c.index_layout);
  const auto rs = values(row);
  Array z(picked, dtype);
  backend.index_select(&ctx, x, row, z, c.dim);
  expected.clear();
  for (int64_t i = 0; i < count(picked); i++) {
    auto at = unravel(i, picked);
    at[c.dim] = static_cast<int64_t>(rs[at[c.dim]]);
    expected.push_back(xs[ravel(at, c.shape)]);
  }
  expect_close(z, expected, what + " index_select", 0);
  CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
}

void writes(const nr_backend& backend, const Case& c, int32_t dtype, int32_t index_dtype) {
  Context ctx;
  const std::string what = std::string(dtype_name(dtype)) + " " + text(c.shape) + " dim " + std::to_string(c.dim);
  const Layout target_layout = c.layout == Layout::broadcast ? Layout::contiguous : c.layout;
  const Array index = indices(c.index_shape, c.shape[c.dim], index_dtype, c.index_layout);
  const Array source = whole_numbers(c.index_shape, dtype, c.layout, 2);
  const auto is = values(index), ss = values(source);
  const auto run = [&](const char* name, bool adds, const auto& values_of, const auto& kernel) {
    Array y = whole_numbers(c.shape, dtype, target_layout, 3);
    auto expected = values(y);
    for (int64_t i = 0; i < count(c.index_shape); i++) {
      auto at = unravel(i, c.index_shape);
      at[c.dim] = static_cast<int64_t>(is[i]);
      double& e = expected[ravel(at, c.shape)];
      e = (adds ? e : 0) + values_of(i);
    }
    kernel(y);
    if (dtype == nr_dtype_i8)
      for (double& e : expected) e = static_cast<int8_t>(static_cast<int64_t>(e));
    if (dtype == nr_dtype_u8)
      for (double& e : expected) e = static_cast<uint8_t>(static_cast<int64_t>(e));
    expect_close(y, expected, what + " " + name, dtype == nr_dtype_f16 || dtype == nr_dtype_bf16 ? 1 : 0);
  };
  // Duplicates: the last in the order of dim wins, which is the row-major order of one line.
  run(
      "scatter", false, [&](int64_t i) { return ss[i]; },
      [&](Array& y) {
        const nr_operand s = operand(source);
        backend.scatter(&ctx, y, index, &s, c.dim);
      });
  run(
      "scatter of a number", false, [&](int64_t) { return 1.0; },
      [&](Array& y) {
        Array one({1}, dtype);
        put(one.t, 0, 1);
        nr_operand s{};
        s.tensor.dtype = dtype;
        std::memcpy(&s.immediate, one.t.data, static_cast<size_t>(element_size(dtype)));
        backend.scatter(&ctx, y, index, &s, c.dim);
      });
  if (is_summable(dtype))
    run(
        "scatter_add", true, [&](int64_t i) { return ss[i]; },
        [&](Array& y) { backend.scatter_add(&ctx, y, index, source, c.dim); });
  CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
  if (!is_summable(dtype)) return;

  auto shape = c.shape;
  shape[c.dim] = c.index_shape[c.dim];
  const Array row = indices({shape[c.dim]}, c.shape[c.dim], index_dtype, c.index_layout);
  const Array more = whole_numbers(shape, dtype, c.layout, 4);
  const auto rs = values(row), ms = values(more);
  Array y = whole_numbers(c.shape, dtype, target_layout, 5);
  auto expected = values(y);
  for (int64_t i = 0; i < count(shape); i++) {
    auto at = unravel(i, shape);
    at[c.dim] = static_cast<int64_t>(rs[at[c.dim]]);
    expected[ravel(at, c.shape)] += ms[i];
  }
  backend.index_add(&ctx, y, row, more, c.dim);
  if (dtype == nr_dtype_i8)
    for (double& e : expected) e = static_cast<int8_t>(static_cast<int64_t>(e));
  if (dtype == nr_dtype_u8)
    for (double& e : expected) e = static_cast<uint8_t>(static_cast<int64_t>(e));
  expect_close(y, expected, what + " index_add", 1);
}

void embeds(const nr_backend& backend, int64_t rows, int64_t columns, std::vector<int64_t> index_shape, int32_t dtype,
            int32_t index_dtype, Layout layout, int64_t padding_index) {
  Context ctx;
  const Array w = whole_numbers({rows, columns}, dtype, layout, 1);
  const Array index = indices(index_shape, rows, index_dtype, layout);
  auto shape = index_shape;
  shape.push_back(columns);
  Array y(shape, dtype);
  backend.embedding(&ctx, w, index, y);
  const Array dy = whole_numbers(shape, dtype, layout, 2);
  Array dw({rows, columns}, dtype);
  backend.embedding_backward(&ctx, dy, index, dw, padding_index);
  const auto ws = values(w), is = values(index), ds = values(dy);
  std::vector<double> ys, dws(static_cast<size_t>(rows * columns));
  for (size_t i = 0; i < is.size(); i++)
    for (int64_t j = 0; j < columns; j++) {
      const auto at = static_cast<size_t>(static_cast<int64_t>(is[i]) * columns + j);
      ys.push_back(ws[at]);
      if (static_cast<int64_t>(is[i]) != padding_index)
        dws[at] += ds[i * static_cast<size_t>(columns) + static_cast<size_t>(j)];
    }
  const std::string what = std::string(dtype_name(dtype)) + " " + text({rows, columns});
  expect_close(y, ys, what + " embedding", 0);
  expect_close(dw, dws, what + " embedding_backward");
  CHECK(ctx.error.empty(), "%s", ctx.error.c_str());
}

// More entries than a block looks at, over more places than a digit tells apart, and all of them in one place.
void adds_many(const nr_backend& backend, int64_t entries, int64_t places, int64_t used) {
  Context ctx;
  const Array index = indices({entries}, used, nr_dtype_i64, Layout::contiguous);
  const Array source = whole_numbers({entries}, nr_dtype_f32, Layout::contiguous, 2);
  Array y = whole_numbers({places}, nr_dtype_f32, Layout::contiguous, 3);
  auto expected = values(y);
  for (int64_t i = 0; i < entries; i++) expected[static_cast<size_t>(index.as<int64_t>()[i])] += source.as<float>()[i];
  backend.scatter_add(&ctx, y, index, source, 0);
  expect_close(y, expected, std::to_string(entries) + " scatter_add", 0);
}

void refuses(const nr_backend& backend, int64_t bad) {
  const std::string expected =
      "INDEX_OUT_OF_RANGE: expected index in [0, 5), got " + std::to_string(bad) + " at position 2";
  const Array x = random({5, 3}), source = random({4, 3});
  Array y = random({5, 3}, nr_dtype_f32, Layout::contiguous, 9), out({4, 3}), dw({5, 3});
  const auto before = values(y);
  Array index({4}, nr_dtype_i64), full({4, 3}, nr_dtype_i64);
  for (int i = 0; i < 4; i++) index.as<int64_t>()[i] = i == 2 ? bad : 1;
  for (int i = 0; i < 12; i++) full.as<int64_t>()[i] = i == 2 ? bad : 1;
  const nr_operand s = operand(source);
  const auto refused = [&](const char* name, const auto& kernel) {
    Context ctx;
    kernel(&ctx);
    CHECK(ctx.error == expected, "%s: %s", name, ctx.error.c_str());
  };
  refused("gather", [&](nr_context* ctx) { backend.gather(ctx, x, full, out, 0); });
  refused("index_select", [&](nr_context* ctx) { backend.index_select(ctx, x, index, out, 0); });
  refused("embedding", [&](nr_context* ctx) { backend.embedding(ctx, x, index, out); });
  refused("embedding_backward", [&](nr_context* ctx) { backend.embedding_backward(ctx, source, index, dw, -1); });
  refused("scatter", [&](nr_context* ctx) { backend.scatter(ctx, y, full, &s, 0); });
  refused("scatter_add", [&](nr_context* ctx) { backend.scatter_add(ctx, y, full, source, 0); });
  refused("index_add", [&](nr_context* ctx) { backend.index_add(ctx, y, index, source, 0); });
  CHECK(values(y) == before, "a refused kernel wrote to its target");
}

}  // namespace

int main() {
  const std::vector<Case> cases = {
      {{6, 5}, {9, 5}, 0, Layout::contiguous, Layout::contiguous},
      {{6, 5}, {6, 11}, 1, Layout::contiguous, Layout::contiguous},
      {{6, 70}, {40, 66}, 0, Layout::contiguous, Layout::contiguous},
      {{3, 4, 17}, {3, 9, 17}, 1, Layout::transposed, Layout::transposed},
      {{3, 4, 17}, {3, 4, 9}, 2, Layout::reversed, Layout::reversed},
      {{3, 4, 17}, {8, 4, 17}, 0, Layout::broadcast, Layout::contiguous},
      {{4, 3, 2, 5}, {4, 2, 6, 1}, 2, Layout::transposed, Layout::contiguous},
      {{7}, {100}, 0, Layout::contiguous, Layout::contiguous},
      {{7, 2}, {0, 2}, 0, Layout::contiguous, Layout::contiguous},
      {{7, 0}, {3, 0}, 0, Layout::contiguous, Layout::contiguous},
  };
  each_isa([&](const nr_backend& backend) {
    for (const int32_t dtype : all_dtypes)
      for (const int32_t index_dtype : {nr_dtype_i64, nr_dtype_i32})
        for (const Case& c : cases) {
          reads(backend, c, dtype, index_dtype);
          writes(backend, c, dtype, index_dtype);
        }
    for (const int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16})
      for (const int32_t index_dtype : {nr_dtype_i64, nr_dtype_i32}) {
        for (const int64_t columns : {1, 15, 16, 17, 300})
          embeds(backend, 30, columns, {8, 25}, dtype, index_dtype, Layout::contiguous, 3);
        embeds(backend, 10, 20, {6, 2}, dtype, index_dtype, Layout::transposed, -1);
        embeds(backend, 10, 20, {6}, dtype, index_dtype, Layout::reversed, 0);
        embeds(backend, 10, 20, {}, dtype, index_dtype, Layout::contiguous, -1);
        embeds(backend, 10, 20, {0}, dtype, index_dtype, Layout::contiguous, -1);
      }
    embeds(backend, 2800, 768, {9}, nr_dtype_f32, nr_dtype_i64, Layout::contiguous, -1);  // streamed
    adds_many(backend, 5000, 70000, 70000);
    adds_many(backend, 2500, 300, 1);
    for (const int64_t bad : {int64_t{-1}, int64_t{5}, INT64_MIN, INT64_MAX}) refuses(backend, bad);
    const Array dy = random({3000, 80}), index = indices({3000}, 20, nr_dtype_i64, Layout::contiguous);
    expect_same_for_threads([&](Context& ctx) {
      Array dw({20, 80});
      backend.embedding_backward(&ctx, dy, index, dw, -1);
      return dw;
    });
    expect_same_for_threads([&](Context& ctx) {
      Array y = random({20, 80});
      backend.index_add(&ctx, y, index, dy, 0);
      return y;
    });
  });
  return report();
}
