// Elementwise kernels of two operands and where, against their definition in double, with every way of broadcasting.
#include "contract/contract.h"
#include "layouts.h"

using namespace harness;

namespace {

using Reference = double (*)(double, double);

double modulo(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

Reference reference_of(const std::string& name) {
  if (name == "add") return [](double a, double b) { return a + b; };
  if (name == "sub") return [](double a, double b) { return a - b; };
  if (name == "mul") return [](double a, double b) { return a * b; };
  if (name == "div") return [](double a, double b) { return a / b; };
  if (name == "pow") return [](double a, double b) { return std::pow(a, b); };
  if (name == "maximum") return [](double a, double b) { return a != a || b != b ? NAN : std::max(a, b); };
  if (name == "minimum") return [](double a, double b) { return a != a || b != b ? NAN : std::min(a, b); };
  if (name == "remainder") return modulo;
  if (name == "eq") return [](double a, double b) { return double(a == b); };
  if (name == "ne") return [](double a, double b) { return double(a != b); };
  if (name == "lt") return [](double a, double b) { return double(a < b); };
  if (name == "le") return [](double a, double b) { return double(a <= b); };
  if (name == "gt") return [](double a, double b) { return double(a > b); };
  if (name == "ge") return [](double a, double b) { return double(a >= b); };
  if (name == "logical_and") return [](double a, double b) { return double(a && b); };
  if (name == "logical_or") return [](double a, double b) { return double(a || b); };
  if (name == "logical_xor") return [](double a, double b) { return double(!a != !b); };
  return nullptr;
}

struct Kernel {
  const char* name;
  void (*nr_backend::*run)(nr_context*, const nr_operand*, const nr_operand*, nr_tensor*);
  neurite::contract::verdict (*contract)(const nr_operand*, const nr_operand*, nr_tensor*);
};

const Kernel kernels[] = {
#define NR_KERNEL(...)
#define NR_UNARY(name)
#define NR_UNARY_BACKWARD(name)
#define NR_REDUCE(name)
#define NR_BINARY(name) {#name, &nr_backend::name, &neurite::contract::name},
#define NR_COMPARE(name) NR_BINARY(name)
#include "kernels.def"
};

// The value of t at position `flat` of y, to whose shape it broadcasts.
double broadcast_at(const nr_tensor& t, const nr_tensor& y, int64_t flat) {
  int64_t offset = 0;
  for (int d = y.ndim - 1; d >= 0; d--) {
    const int e = d - (y.ndim - t.ndim);
    if (e >= 0 && t.shape[e] != 1) offset += flat % y.shape[d] * t.stride[e];
    flat /= y.shape[d];
  }
  return get(t, offset);
}

nr_operand number(const Array& zero_d) {
  nr_operand o{};
  o.tensor = zero_d.t;
  std::memcpy(&o.immediate, zero_d.t.data, static_cast<size_t>(element_size(zero_d.t.dtype)));
  o.tensor.data = nullptr;
  return o;
}

void fill_for(const Kernel& k, const Array& a, uint32_t seed, bool right) {
  const bool unsigned_values = a.t.dtype == nr_dtype_u8 || a.t.dtype == nr_dtype_bool8;
  const std::string name = k.name;
  double low = unsigned_values ? 0 : -5, high = 5;
  if (name == "pow" && right) low = 0, high = a.t.dtype == nr_dtype_i8 || a.t.dtype == nr_dtype_u8 ? 3.5 : 4;
  randomize(a, seed, low, high);
  for (int64_t i = 0; i < a.numel; i++)
    if (name == "remainder" && right && at(a.t, i) == 0) set(a.t, i, unsigned_values || i % 2 ? 3 : -3);
}

void check(const nr_backend& b, Context& ctx, const Kernel& k, const nr_operand& left, const nr_operand& right,
           const nr_tensor& a, const nr_tensor& c, const Array& y) {
  (b.*k.run)(&ctx, &left, &right, const_cast<nr_tensor*>(&y.t));
  const Reference reference = reference_of(k.name);
  int reported = 0;
  for (int64_t i = 0; i < y.numel && reported < 3; i++) {
    const double p = broadcast_at(a, y.t, i), q = broadcast_at(c, y.t, i);
    double expected = reference(p, q);
    if (y.t.dtype == nr_dtype_bool8) expected = expected != 0;
    if (y.t.dtype == nr_dtype_u8) expected = static_cast<uint8_t>(static_cast<int>(expected));
    if (y.t.dtype == nr_dtype_i8) expected = static_cast<int8_t>(static_cast<int>(expected));
    const bool ok = close(at(y.t, i), expected, y.t.dtype, y.t.dtype <= nr_dtype_bf16 ? 1e-3 : 0);
    CHECK(ok, "%s %s dtype %d [%ld]: f(%g, %g) = %g, expected %g", b.name, k.name, a.dtype, long(i), p, q, at(y.t, i),
          expected);
    reported += !ok;
  }
}

void sweep(const nr_backend& b, Context& ctx, const Kernel& k, int32_t dtype) {
  const std::vector<int64_t> shapes[][3] = {
      {{0}, {0}, {0}},
      {{1}, {1}, {1}},
      {{17}, {17}, {17}},
      {{33}, {1}, {33}},
      {{1}, {40}, {40}},
      {{6, 50}, {50}, {6, 50}},
      {{6, 50}, {6, 1}, {6, 50}},
      {{6, 1}, {1, 50}, {6, 50}},
      {{40, 3}, {3}, {40, 3}},
      {{}, {5, 7}, {5, 7}},
      {{2, 1, 5}, {3, 1}, {2, 3, 5}},
      {{4, 1}, {}, {4, 9}},
      {{5, 16}, {16}, {5, 16}},
      {{5, 24}, {5, 1}, {5, 24}},
  };
  for (const auto& s : shapes)
    for (Layout l : readable) {
      Array a = make(s[0], dtype, l), c = make(s[1], dtype, l == Layout::broadcast ? Layout::dense : l);
      fill_for(k, a, 1, false);
      fill_for(k, c, 2, true);
      nr_operand left = operand(a), right = operand(c);
      Array y = make(s[2], dtype, l == Layout::broadcast ? Layout::dense : l);
      if (k.contract(&left, &right, y)) {
        y = make(s[2], nr_dtype_bool8, Layout::dense);
        if (k.contract(&left, &right, y)) return;
      }
      check(b, ctx, k, left, right, a.t, c.t, y);
      if (s[1].empty()) check(b, ctx, k, left, number(c), a.t, c.t, y);
      if (s[0].empty()) check(b, ctx, k, number(a), right, a.t, c.t, y);
    }
}

// `shape` in a layout, its first element `skipped` elements from where memory begins.
Array shifted(const std::vector<int64_t>& shape, int32_t dtype, Layout layout, int64_t skipped) {
  Array a = make(shape, dtype, layout);
  if (skipped == 0 || layout != Layout::dense) return a;
  Array whole({skipped + a.numel}, dtype);
  a.memory = whole.memory;
  a.t.data = whole.as<char>() + skipped * element_size(dtype);
  return a;
}

// Operands and results that each lie in a way of their own, with rows that are whole vectors and rows that are not.
void mixed_layouts(const nr_backend& b, Context& ctx) {
  const Kernel& add = *std::find_if(std::begin(kernels), std::end(kernels),
                                    [](const Kernel& k) { return std::string(k.name) == "add"; });
  for (const auto& shape : std::vector<std::vector<int64_t>>{{24, 40}, {19, 33}, {3, 16, 24}, {2049}})
    for (int32_t dtype : {nr_dtype_f32, nr_dtype_bf16, nr_dtype_f64, nr_dtype_u8})
      for (int64_t skipped : {0, 1, 4})
        for (Layout lx : readable)
          for (Layout ly : writable)
            for (Layout lz : readable) {
              const Array x = shifted(shape, dtype, lx, skipped), z = shifted(shape, dtype, lz, 0);
              const Array y = shifted(shape, dtype, ly, skipped);
              randomize(x, 1, 0, 9);
              randomize(z, 2, 0, 9);
              check(b, ctx, add, operand(x), operand(z), x.t, z.t, y);
            }
}

void special_values(const nr_backend& b, Context& ctx) {
  const double values[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1, -2.5};
  for (const Kernel& k : kernels)
    for (int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16}) {
      Array a({7, 1}, dtype), c({7}, dtype), y({7, 7}, dtype);
      for (int i = 0; i < 7; i++) set(a.t, i, values[i]), set(c.t, i, values[i]);
      const nr_operand left = operand(a), right = operand(c);
      if (k.contract(&left, &right, y)) y = Array({7, 7}, nr_dtype_bool8);
      // fmod(x, ±inf) = x has the divisor's sign restored by adding infinity, as in PyTorch: the reference agrees.
      check(b, ctx, k, left, right, a.t, c.t, y);
    }
}

void integers(const nr_backend& b, Context& ctx) {
  Array x({3}, nr_dtype_i64), d({3}, nr_dtype_i64), y({3}, nr_dtype_i64);
  for (int i = 0; i < 3; i++) x.as<int64_t>()[i] = INT64_MIN, d.as<int64_t>()[i] = i - 1, y.as<int64_t>()[i] = 77;
  const nr_operand left = operand(x), right = operand(d);
  Context failing(2);
  b.remainder(&failing, &left, &right, y);
  CHECK(failing.error.rfind("DIVISION_BY_ZERO", 0) == 0, "%s", failing.error.c_str());
  CHECK(y.as<int64_t>()[0] == 77, "nothing is written before the divisors are known to be good");
  d.as<int64_t>()[1] = 7;
  b.remainder(&ctx, &left, &right, y);
  CHECK(ctx.error.empty() && y.as<int64_t>()[0] == 0 && y.as<int64_t>()[1] == 6 && y.as<int64_t>()[2] == 0);
  for (int i = 0; i < 3; i++) x.as<int64_t>()[i] = i - 1, d.as<int64_t>()[i] = -3;
  x.as<int64_t>()[2] = 9;
  b.pow(&ctx, &left, &right, y);
  CHECK(y.as<int64_t>()[0] == -1 && y.as<int64_t>()[1] == 0 && y.as<int64_t>()[2] == 0);
  for (int i = 0; i < 3; i++) x.as<int64_t>()[i] = INT64_MAX, d.as<int64_t>()[i] = 2;
  b.add(&ctx, &left, &right, y);
  CHECK(y.as<int64_t>()[0] == INT64_MIN + 1, "integers wrap");
  b.mul(&ctx, &left, &right, y);
  CHECK(y.as<int64_t>()[0] == -2, "integers wrap");
}

void conditions(const nr_backend& b, Context& ctx) {
  for (int32_t dtype = 0; dtype < nr_dtype_count; dtype++)
    for (Layout l : readable) {
      Array c = make({9, 40}, nr_dtype_bool8, l), x = make({40}, dtype, Layout::dense), z({9, 1}, dtype),
            y({9, 40}, dtype);
      randomize(c, 1, 0, 1.99);
      for (int64_t i = 0; i < c.numel; i += 2) set(c.t, i, 0);
      randomize(x, 2, 0, 100);
      randomize(z, 3, 0, 100);
      const nr_operand left = operand(x), right = operand(z);
      CHECK(!neurite::contract::where(c, &left, &right, y));
      b.where(&ctx, c, &left, &right, y);
      for (int64_t i = 0; i < y.numel; i++)
        CHECK(at(y.t, i) == (at(c.t, i) ? broadcast_at(x.t, y.t, i) : broadcast_at(z.t, y.t, i)));
    }
}

void in_place_and_threads(const nr_backend& b) {
  Array first({200, 1000}), x({200, 1000}), row = random_f32({1000}, 3);
  for (int t : thread_counts({1, 2, 3})) {
    Context ctx(t);
    randomize(x, 5);
    const nr_operand left = operand(x), right = operand(row);
    b.div(&ctx, &left, &right, x);
    if (t == 1) std::memcpy(first.t.data, x.t.data, static_cast<size_t>(x.numel) * 4);
    CHECK(std::memcmp(first.t.data, x.t.data, static_cast<size_t>(x.numel) * 4) == 0);
  }
  randomize(x, 5);
  CHECK(first.as<float>()[54321] == x.as<float>()[54321] / row.as<float>()[321]);
}

void contracts() {
  Array x({3}), wrong({4}), other({3}, nr_dtype_f64), y({3});
  const nr_operand a = operand(x), b = operand(wrong), c = operand(other);
  CHECK(!neurite::contract::add(&a, &a, y));
  CHECK(neurite::contract::add(&a, &b, y));
  CHECK(neurite::contract::add(&a, &c, y));
  CHECK(neurite::contract::eq(&a, &a, y));
  y.t.stride[0] = 0;
  CHECK(neurite::contract::add(&a, &a, y));
}

}  // namespace

int main() {
  for (const Kernel& k : kernels) CHECK(reference_of(k.name), "%s has no reference", k.name);
  contracts();
  each_isa([](const nr_backend& b) {
    Context ctx(2);
    for (const Kernel& k : kernels)
      for (int32_t dtype = 0; dtype < nr_dtype_count; dtype++) sweep(b, ctx, k, dtype);
    mixed_layouts(b, ctx);
    special_values(b, ctx);
    integers(b, ctx);
    conditions(b, ctx);
    in_place_and_threads(b);
  });
  return report();
}
