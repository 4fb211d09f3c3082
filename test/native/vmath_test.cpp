// The error of the elementary functions of float32, in units in the last place of the exact value: over 11 million
// floats spread evenly over all bit patterns, or over every float there is with the argument `all`.
#include "harness.h"

using namespace harness;

namespace {

struct Function {
  const char* name;
  void (*nr_backend::*kernel)(nr_context*, const nr_tensor*, nr_tensor*);
  double (*exact)(double);
};

constexpr int64_t batch = 1 << 20;

double ulp_error(float got, double exact) {
  if (std::isnan(exact) || std::isnan(got)) return std::isnan(exact) == std::isnan(got) ? 0 : INFINITY;
  const auto rounded = static_cast<float>(exact);
  if (got == rounded) return 0;  // infinities are equal or wrong
  if (std::isinf(rounded)) return std::isinf(exact) || got != std::copysign(3.40282347e38f, rounded) ? INFINITY : 1;
  int exponent;
  std::frexp(exact, &exponent);
  return std::fabs(got - exact) / std::ldexp(1, exponent > -125 ? exponent - 24 : -149);
}

void measure(const Function& f, uint32_t step) {
  Context ctx;
  Array x({batch}), y({batch});
  std::vector<double> exact(batch), worst(neurite::cpu_backends().size());
  for (uint64_t first = 0; first < (uint64_t{1} << 32); first += uint64_t{step} * batch) {
    int64_t n = 0;
    for (uint64_t bits = first; n < batch && bits < (uint64_t{1} << 32); bits += step, n++) {
      x.as<float>()[n] = __builtin_bit_cast(float, static_cast<uint32_t>(bits));
      exact[static_cast<size_t>(n)] = f.exact(x.as<float>()[n]);
    }
    x.t.shape[0] = y.t.shape[0] = n;
    size_t isa = 0;
    for (const nr_backend* backend : neurite::cpu_backends()) {
      (backend->*f.kernel)(&ctx, x, y);
      double& largest = worst[isa++];
      for (int64_t i = 0; i < n; i++)
        largest = std::max(largest, ulp_error(y.as<float>()[i], exact[static_cast<size_t>(i)]));
    }
  }
  std::printf("%-6s", f.name);
  size_t isa = 0;
  for (const nr_backend* backend : neurite::cpu_backends()) {
    std::printf("  %s %.2f", backend->name, worst[isa]);
    CHECK(worst[isa] <= 2, "%s: %.2f ulp", f.name, worst[isa]);
    isa++;
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const uint32_t step = argc > 1 && std::strcmp(argv[1], "all") == 0 ? 1 : 389;
  for (const Function& f : std::initializer_list<Function>{
           {"exp", &nr_backend::exp, std::exp},
           {"expm1", &nr_backend::expm1, std::expm1},
           {"log", &nr_backend::log, std::log},
           {"log1p", &nr_backend::log1p, std::log1p},
           {"sin", &nr_backend::sin, std::sin},
           {"cos", &nr_backend::cos, std::cos},
           {"tanh", &nr_backend::tanh, std::tanh},
           {"erf", &nr_backend::erf, std::erf},
       })
    measure(f, step);
  return report();
}
