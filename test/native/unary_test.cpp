// Every elementwise kernel of one operand against its definition in double, on every instruction set, dtype and layout.
#include <limits>

#include "contract/contract.h"
#include "layouts.h"

using namespace harness;

namespace {

struct Case {
  double (*reference)(double);
  double low = -4, high = 4;
  double scale = 0;  // of intermediate values that cancel
};

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

Case case_of(const std::string& name) {
  if (name == "neg") return {[](double x) { return -x; }};
  if (name == "abs") return {[](double x) { return std::abs(x); }};
  if (name == "sign") return {[](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }};
  if (name == "square") return {[](double x) { return x * x; }};
  if (name == "sqrt") return {[](double x) { return std::sqrt(x); }, 0, 100};
  if (name == "rsqrt") return {[](double x) { return 1 / std::sqrt(x); }, 0, 100};
  if (name == "reciprocal") return {[](double x) { return 1 / x; }};
  if (name == "exp") return {[](double x) { return std::exp(x); }, -110, 95};
  if (name == "expm1") return {[](double x) { return std::expm1(x); }, -5, 90};
  if (name == "log") return {[](double x) { return std::log(x); }, -1, 1000};
  if (name == "log1p") return {[](double x) { return std::log1p(x); }, -1.5, 20};
  if (name == "sin") return {[](double x) { return std::sin(x); }, -1000, 1000};
  if (name == "cos") return {[](double x) { return std::cos(x); }, -1e5, 1e5};
  if (name == "tanh") return {[](double x) { return std::tanh(x); }, -12, 12};
  if (name == "erf") return {[](double x) { return std::erf(x); }, -5, 5};
  if (name == "sigmoid") return {sigmoid, -80, 30};
  if (name == "relu") return {[](double x) { return x < 0 ? 0 : x; }};
  if (name == "gelu") return {[](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2))); }, -6, 6, 4};
  if (name == "gelu_tanh")
    return {[](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }, -6, 6,
            4};
  if (name == "silu") return {[](double x) { return x * sigmoid(x); }, -20, 20};
  if (name == "softplus")
    return {[](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }, -60, 60};
  if (name == "floor") return {[](double x) { return std::floor(x); }};
  if (name == "ceil") return {[](double x) { return std::ceil(x); }};
  if (name == "round") return {[](double x) { return std::nearbyint(x); }};
  if (name == "trunc") return {[](double x) { return std::trunc(x); }};
  if (name == "logical_not") return {[](double x) { return double(x == 0); }, -1, 1};
  if (name == "isnan") return {[](double x) { return double(std::isnan(x)); }};
  return {nullptr};
}

struct Kernel {
  const char* name;
  void (*nr_backend::*run)(nr_context*, const nr_tensor*, nr_tensor*);
  neurite::contract::verdict (*contract)(const nr_tensor*, nr_tensor*);
};

const Kernel kernels[] = {
#define NR_KERNEL(...)
#define NR_UNARY_BACKWARD(name)
#define NR_UNARY(name) {#name, &nr_backend::name, &neurite::contract::name},
#include "kernels.def"
};

void check(const nr_backend& b, Context& ctx, const Kernel& k, const std::vector<int64_t>& shape, int32_t dtype,
           Layout lx, Layout ly) {
  const Case c = case_of(k.name);
  Array x = make(shape, dtype, lx);
  randomize(x, 7, std::max(c.low, dtype == nr_dtype_u8 ? 0.0 : -100.0), std::min(c.high, 100.0));
  if (c.low < -100 && dtype != nr_dtype_u8 && dtype != nr_dtype_i8) randomize(x, 7, c.low, c.high);
  for (int64_t i = 0; i < x.numel; i += 5) set(x.t, i, 0);
  if (dtype <= nr_dtype_bf16 && x.numel > 6) {
    set(x.t, 1, NAN);
    set(x.t, 3, INFINITY);
    set(x.t, 4, -INFINITY);
  }
  Array y = make(shape, dtype, ly);
  if (k.contract(x, y)) {
    y = make(shape, nr_dtype_bool8, ly);
    if (k.contract(x, y)) return;
  }
  (b.*k.run)(&ctx, x, y);
  int reported = 0;
  for (int64_t i = 0; i < x.numel && reported < 3; i++) {
    const double v = at(x.t, i);
    double expected = c.reference(v);
    if (dtype == nr_dtype_u8 && y.t.dtype == dtype) expected = static_cast<uint8_t>(static_cast<int>(expected));
    if (dtype == nr_dtype_i8 && y.t.dtype == dtype) expected = static_cast<int8_t>(static_cast<int>(expected));
    const bool ok = close(at(y.t, i), expected, y.t.dtype, c.scale);
    CHECK(ok, "%s %s dtype %d %s to %s [%ld]: f(%g) = %g, expected %g", b.name, k.name, dtype, name_of(lx), name_of(ly),
          long(i), v, at(y.t, i), expected);
    reported += !ok;
  }
  checks++;
}

void parameters(const nr_backend& b, Context& ctx) {
  for (int64_t n : {0, 1, 15, 16, 17, 100}) {
    Array x({n}), dy({n}), y({n});
    randomize(x, 1);
    randomize(dy, 2);
    b.leaky_relu(&ctx, x, y, 0.25);
    for (int64_t i = 0; i < n; i++) CHECK(at(y.t, i) == (at(x.t, i) > 0 ? 1 : 0.25) * at(x.t, i));
    b.leaky_relu_backward(&ctx, dy, x, y, 0.25);
    for (int64_t i = 0; i < n; i++) CHECK(at(y.t, i) == (at(x.t, i) > 0 ? 1 : 0.25) * at(dy.t, i));
    b.elu(&ctx, x, y, 1.5);
    for (int64_t i = 0; i < n; i++) {
      const double v = at(x.t, i);
      CHECK(close(at(y.t, i), v > 0 ? v : 1.5 * std::expm1(v), nr_dtype_f32));
    }
    b.elu_backward(&ctx, dy, x, y, 1.5);
    for (int64_t i = 0; i < n; i++) {
      const double v = at(x.t, i);
      CHECK(close(at(y.t, i), at(dy.t, i) * (v > 0 ? 1 : 1.5 * std::exp(v)), nr_dtype_f32));
    }
    b.clamp(&ctx, x, y, {-1.5, -1, false}, {INFINITY, INT64_MAX, false});
    for (int64_t i = 0; i < n; i++) CHECK(at(y.t, i) == std::max(at(x.t, i), -1.5));
  }
  Array x({3}, nr_dtype_i64), y({3}, nr_dtype_i64);
  const int64_t huge = (int64_t{1} << 62) + 1;
  for (int i = 0; i < 3; i++) x.as<int64_t>()[i] = i == 0 ? INT64_MIN : i == 1 ? 5 : INT64_MAX;
  b.clamp(&ctx, x, y, {-3, -3, true}, {static_cast<double>(huge), huge, true});
  CHECK(y.as<int64_t>()[0] == -3 && y.as<int64_t>()[1] == 5 && y.as<int64_t>()[2] == huge);
  b.neg(&ctx, x, y);
  CHECK(y.as<int64_t>()[0] == INT64_MIN && y.as<int64_t>()[2] == -INT64_MAX, "integers wrap");
}

// The derivative kernels against the analytic derivative, by the forward's input or output.
void derivatives(const nr_backend& b, Context& ctx) {
  struct Derivative {
    void (*nr_backend::*run)(nr_context*, const nr_tensor*, const nr_tensor*, nr_tensor*);
    double (*reference)(double);
  };
  const Derivative all[] = {
      {&nr_backend::relu_backward, [](double y) { return y > 0 ? 1.0 : 0.0; }},
      {&nr_backend::tanh_backward, [](double y) { return 1 - y * y; }},
      {&nr_backend::sigmoid_backward, [](double y) { return y * (1 - y); }},
      {&nr_backend::silu_backward, [](double x) { return sigmoid(x) * (1 + x * (1 - sigmoid(x))); }},
      {&nr_backend::softplus_backward, sigmoid},
      {&nr_backend::gelu_backward,
       [](double x) { return (1 + std::erf(x / std::sqrt(2))) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }},
      {&nr_backend::gelu_tanh_backward,
       [](double x) {
         const double s = std::sqrt(2 / M_PI), t = std::tanh(s * (x + 0.044715 * x * x * x));
         return (1 + t) / 2 + x * (1 - t * t) * s * (1 + 3 * 0.044715 * x * x) / 2;
       }},
  };
  for (const Derivative& d : all)
    for (int32_t dtype : {nr_dtype_f32, nr_dtype_f64, nr_dtype_f16, nr_dtype_bf16})
      for (Layout l : readable) {
        Array dy = make({5, 37}, dtype, Layout::dense), z = make({5, 37}, dtype, l), dx({5, 37}, dtype);
        randomize(dy, 3);
        randomize(z, 4, -5, 5);
        (b.*d.run)(&ctx, dy, z, dx);
        for (int64_t i = 0; i < dx.numel; i++) {
          const double expected = at(dy.t, i) * d.reference(at(z.t, i));
          CHECK(close(at(dx.t, i), expected, dtype, 30), "%ld: %g, expected %g", long(&d - all), at(dx.t, i), expected);
        }
      }
}

// Every exponent and sign of float against double, within 3 units in the last place.
void accuracy(const nr_backend& b, Context& ctx) {
  for (const Kernel& k : kernels) {
    const std::string name = k.name;
    if (!(name == "exp" || name == "expm1" || name == "log" || name == "log1p" || name == "tanh" || name == "erf" ||
          name == "sin" || name == "cos"))
      continue;
    const Case c = case_of(name);
    constexpr int64_t n = 1 << 18;
    Array x({n}), y({n});
    for (int64_t i = 0; i < n; i++) {
      const uint32_t bits = static_cast<uint32_t>(i << 14 | (i * 2654435761 & 0x3fff));
      std::memcpy(x.as<float>() + i, &bits, 4);
    }
    (b.*k.run)(&ctx, x, y);
    double worst = 0, where = 0;
    for (int64_t i = 0; i < n; i++) {
      const double v = x.as<float>()[i], expected = c.reference(v), got = y.as<float>()[i];
      if (std::isnan(expected) && std::isnan(got)) continue;
      if (static_cast<float>(expected) == y.as<float>()[i]) continue;
      int exponent;
      std::frexp(expected, &exponent);
      const double error = std::abs(got - expected) / std::ldexp(1, std::max(exponent - 24, -149));
      if (!(error <= worst)) worst = error, where = v;
    }
    CHECK(worst <= 3, "%s %s: %g ulp at %a", b.name, k.name, worst, where);
  }
}

void threads(const nr_backend& b) {
  if (left_out("the same bits for any number of threads")) return;
  Array x = make({300, 1001}, nr_dtype_f32, Layout::transposed), first({300, 1001});
  randomize(x, 9);
  Context one(1);
  b.gelu(&one, x, first);
  for (int t : {2, 3}) {
    Context ctx(t);
    Array y({300, 1001});
    b.gelu(&ctx, x, y);
    CHECK(std::memcmp(y.t.data, first.t.data, static_cast<size_t>(y.numel) * 4) == 0);
  }
}

}  // namespace

int main() {
  for (const Kernel& k : kernels) CHECK(case_of(k.name).reference, "%s has no case", k.name);
  each_isa([](const nr_backend& b) {
    Context ctx(2);
    for (const Kernel& k : kernels)
      for (int32_t dtype = 0; dtype < nr_dtype_count; dtype++) {
        for (int64_t n : {0, 1, 3, 7, 8, 9, 15, 16, 17, 33, 70000})
          if (n < 1000 || dtype == nr_dtype_f32) check(b, ctx, k, {n}, dtype, Layout::dense, Layout::dense);
        check(b, ctx, k, {}, dtype, Layout::dense, Layout::dense);
        for (Layout l : readable) check(b, ctx, k, {3, 5, 41}, dtype, l, Layout::dense);
        for (Layout l : writable) check(b, ctx, k, {4, 67}, dtype, Layout::transposed, l);
      }
    for (const Kernel& k : kernels)  // large enough to be streamed, with an end that is no whole vector
      if (std::strcmp(k.name, "sqrt") == 0)
        check(b, ctx, k, {(2 << 20) + 3}, nr_dtype_f32, Layout::dense, Layout::dense);
    parameters(b, ctx);
    derivatives(b, ctx);
    accuracy(b, ctx);
    threads(b);
  });
  return report();
}
