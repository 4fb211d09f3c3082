// Reductions against naive double loops: every kernel, dtype and layout, over every set of dims.
#include "contract/contract.h"
#include "layouts.h"

using namespace harness;

namespace {

struct Kernel {
  const char* name;
  void (*nr_backend::*run)(nr_context*, const nr_tensor*, nr_tensor*, int64_t);
  neurite::contract::verdict (*contract)(const nr_tensor*, nr_tensor*, int64_t);
};

const Kernel kernels[] = {
#define NR_KERNEL(...)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)
#define NR_BINARY(name)
#define NR_COMPARE(name)
#define NR_REDUCE(name) {#name, &nr_backend::name, &neurite::contract::name},
#include "kernels.def"
};

double reference(const std::string& name, const std::vector<double>& x) {
  double total = 0, product = 1, most = -INFINITY, least = INFINITY;
  bool any = false, all = true, nan = false;
  int64_t first_most = 0, first_least = 0, first_nan = -1;
  for (size_t i = 0; i < x.size(); i++) {
    total += x[i], product *= x[i];
    any |= x[i] != 0, all &= x[i] != 0;
    if (x[i] != x[i] && first_nan < 0) nan = true, first_nan = static_cast<int64_t>(i);
    if (x[i] > most) most = x[i], first_most = static_cast<int64_t>(i);
    if (x[i] < least) least = x[i], first_least = static_cast<int64_t>(i);
  }
  if (name == "sum") return total;
  if (name == "prod") return product;
  if (name == "mean") return total / static_cast<double>(x.size());
  if (name == "amax") return nan ? NAN : most;
  if (name == "amin") return nan ? NAN : least;
  if (name == "any") return any;
  if (name == "all") return all;
  if (name == "argmax") return double(nan ? first_nan : first_most);
  return double(nan ? first_nan : first_least);
}

int32_t result_dtype(const std::string& name, int32_t dtype) {
  if (name == "any" || name == "all") return nr_dtype_bool8;
  if (name == "argmax" || name == "argmin") return nr_dtype_i64;
  return (name == "sum" || name == "prod") && dtype > nr_dtype_bf16 ? int32_t(nr_dtype_i64) : dtype;
}

void check(const nr_backend& b, Context& ctx, const Kernel& k, const Array& x, int64_t dims, Layout layout) {
  std::vector<int64_t> kept;
  for (int d = 0; d < x.t.ndim; d++)
    if (!(dims >> d & 1)) kept.push_back(x.t.shape[d]);
  Array y(kept, result_dtype(k.name, x.t.dtype));
  if (k.contract(x, y, dims)) return;
  (b.*k.run)(&ctx, x, y, dims);
  std::vector<std::vector<double>> groups(static_cast<size_t>(y.numel));
  for (int64_t i = 0; i < x.numel; i++) {
    int64_t rest = i, output = 0, scale = 1;
    for (int d = x.t.ndim - 1; d >= 0; rest /= x.t.shape[d--])
      if (!(dims >> d & 1)) output += rest % x.t.shape[d] * scale, scale *= x.t.shape[d];
    groups[static_cast<size_t>(output)].push_back(at(x.t, i));
  }
  int reported = 0;
  for (int64_t o = 0; o < y.numel && reported < 3; o++) {
    const auto& group = groups[static_cast<size_t>(o)];
    double magnitude = 0;
    for (double v : group) magnitude += std::abs(v);
    if (std::string(k.name) == "mean") magnitude /= static_cast<double>(group.size());
    const bool sums = std::string(k.name) == "sum" || std::string(k.name) == "mean";
    const double expected = reference(k.name, group);
    const double scale = sums && x.t.dtype <= nr_dtype_f64 ? magnitude * 4
                         : std::string(k.name) == "prod"
                             ? std::abs(expected) * (40 + static_cast<double>(group.size()) / 20)
                             : 0;
    const bool ok = close(at(y.t, o), expected, y.t.dtype, scale);
    CHECK(ok, "%s %s dtype %d %s dims %ld [%ld] of %ld: %.9g, expected %.9g", b.name, k.name, x.t.dtype,
          name_of(layout), long(dims), long(o), long(group.size()), at(y.t, o), expected);
    reported += !ok;
  }
}

void fill_for(const Kernel& k, const Array& x) {
  const bool product = std::string(k.name) == "prod";
  const bool exact = x.t.dtype > nr_dtype_bf16;
  if (product && exact)
    randomize(x, 3, 1, 1.9);
  else if (product)
    randomize(x, 3, 0.9, 1.1);
  else
    randomize(x, 3, x.t.dtype == nr_dtype_u8 || x.t.dtype == nr_dtype_bool8 ? 0 : -100, 100);
  if (product && x.numel > 2 && x.t.stride[0] != 0) set(x.t, 2, 3);
}

void sweep(const nr_backend& b, Context& ctx, const Kernel& k, int32_t dtype) {
  const std::vector<std::vector<int64_t>> shapes = {{},         {0},          {1},         {7},      {16},     {17},
                                                    {33},       {3, 0},       {0, 3},      {5, 33},  {300, 3}, {3, 300},
                                                    {2, 70, 9}, {4, 6, 5, 7}, {1, 130, 1}, {70, 140}};
  for (const auto& shape : shapes)
    for (Layout l : readable) {
      Array x = make(shape, dtype, l);
      fill_for(k, x);
      for (int64_t dims = 0; dims < int64_t{1} << shape.size(); dims++) check(b, ctx, k, x, dims, l);
    }
  if (dtype == nr_dtype_f32 || dtype == nr_dtype_u8)
    for (const auto& shape : std::vector<std::vector<int64_t>>{{140000}, {40000, 3}, {3, 40000}, {300, 300}}) {
      Array x = make(shape, dtype, Layout::dense);
      fill_for(k, x);
      for (int64_t dims = 1; dims < int64_t{1} << shape.size(); dims++) check(b, ctx, k, x, dims, Layout::dense);
    }
}

void not_a_number(const nr_backend& b, Context& ctx) {
  for (const Kernel& k : kernels)
    for (int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16})
      for (Layout l : {Layout::dense, Layout::transposed}) {
        Array x = make({6, 50}, dtype, l);
        randomize(x, 4);
        for (int64_t i : {37, 49, 51, 150, 299}) set(x.t, i, NAN);
        set(x.t, 220, INFINITY);
        set(x.t, 270, -INFINITY);
        for (int64_t dims = 1; dims < 4; dims++) check(b, ctx, k, x, dims, l);
      }
}

void ties(const nr_backend& b, Context& ctx) {
  for (int64_t n : {5, 100, 5000, 200000}) {
    Array x({n}), y({});
    for (int64_t i = 0; i < n; i++) set(x.t, i, double(i % 5 == 3));
    b.argmax(&ctx, x, y = Array({}, nr_dtype_i64), 1);
    CHECK(at(y.t, 0) == 3, "%s: the first of equals, got %g", b.name, at(y.t, 0));
    b.argmin(&ctx, x, y, 1);
    CHECK(at(y.t, 0) == 0);
  }
}

// Adding 0.1f millions of times one after the other is off by percents; pairwise sums stay within a few roundings.
void precision(const nr_backend& b, Context& ctx) {
  constexpr int64_t n = 4000000;
  Array x({n}), y({}), column = x;
  for (int64_t i = 0; i < n; i++) x.as<float>()[i] = 0.1f;
  b.sum(&ctx, x, y, 1);
  const double expected = double(n) * double(0.1f);
  CHECK(std::abs(at(y.t, 0) - expected) <= 1e-6 * expected, "%s %.9g", b.name, at(y.t, 0));
  column.t.ndim = 2;
  column.t.shape[0] = n / 20, column.t.shape[1] = 20;
  column.t.stride[0] = 20, column.t.stride[1] = 1;
  Array sums({20});
  b.sum(&ctx, column, sums, 1);
  for (int i = 0; i < 20; i++) CHECK(std::abs(at(sums.t, i) - expected / 20) <= 1e-6 * expected / 20);
}

void threads(const nr_backend& b) {
  for (const Kernel& k : kernels)
    for (const auto& shape : std::vector<std::vector<int64_t>>{{400000}, {1000, 333}, {50000, 5}})
      for (int64_t dims = 1; dims < int64_t{1} << shape.size(); dims++) {
        Array x = make(shape, nr_dtype_f32, Layout::dense);
        randomize(x, 8, 0.9, 1.1);
        std::vector<char> first;
        for (int t : thread_counts({1, 2, 3})) {
          Context ctx(t);
          Array y(shape.size() == 1 || dims == 3 ? std::vector<int64_t>{} : std::vector<int64_t>{shape[dims == 1]},
                  result_dtype(k.name, nr_dtype_f32));
          CHECK(!k.contract(x, y, dims));
          (b.*k.run)(&ctx, x, y, dims);
          const char* bytes = y.as<char>();
          const std::vector<char> result(bytes, bytes + y.numel * element_size(y.t.dtype));
          if (t == 1) first = result;
          CHECK(first == result, "%s %s differs with %d threads", b.name, k.name, t);
        }
      }
}

void contracts() {
  using namespace neurite::contract;
  Array x({0, 3}), y({3}), z({3}, nr_dtype_i64), i8({3}, nr_dtype_i8), full({4, 3});
  CHECK(amax(x, y, 1), "nothing to choose from");
  CHECK(argmax(x, z, 1), "nothing to choose from");
  CHECK(!sum(x, y, 1));
  CHECK(sum(x, y, 4), "no such dim");
  CHECK(sum(x, y, -1), "no such dim");
  CHECK(sum(full, y, 2), "wrong number of outputs");
  CHECK(mean(i8, y, 0), "mean of integers");
  y.t.stride[0] = 2;
  CHECK(sum(full, y, 1), "strided output");
}

}  // namespace

int main() {
  contracts();
  each_isa([](const nr_backend& b) {
    Context ctx(2);
    for (const Kernel& k : kernels)
      for (int32_t dtype = 0; dtype < nr_dtype_count; dtype++) sweep(b, ctx, k, dtype);
    not_a_number(b, ctx);
    ties(b, ctx);
    precision(b, ctx);
    threads(b);
  });
  return report();
}
