// Random convolutions with a fixed seed, all three directions on every instruction set: 1 to 3 axes, sizes on both
// sides of every vector and block, strides, paddings, dilations, groups from one to depthwise, all floating dtypes,
// views with gaps, epilogues, one and several threads. An argument is the number of cases.
#include "conv_case.h"

using namespace harness;

namespace {

std::mt19937 rng(20261121);

int64_t draw(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(rng() % static_cast<uint32_t>(high - low + 1));
}

// Mostly small, sometimes up to `most`.
int64_t size(int64_t most) {
  return draw(0, 3) ? draw(1, std::min<int64_t>(most, 9)) : draw(1, most);
}

ConvCase random_case() {
  for (;;) {
    ConvCase c = {};
    const int64_t axes = draw(0, 5) == 0 ? 1 : draw(0, 5) == 0 ? 3 : 2;
    const int64_t kind = draw(0, 3);  // dense, few filters, grouped, depthwise
    c.B = draw(1, 3);
    c.groups = kind < 2 ? 1 : draw(2, 5);
    c.C = c.groups * (kind == 3 ? 1 : size(40));
    c.O = c.groups * (kind == 3 ? draw(0, 3) ? 1 : 2 : kind == 1 ? draw(1, 8) : size(70));
    int64_t products = c.B * c.O * (c.C / c.groups);
    bool fits = true;
    for (int64_t i = 0; i < axes; i++) {
      const bool is_common = draw(0, 2) == 0;  // a layer as networks have it
      const int64_t kernel = is_common ? 2 * draw(0, 3) + 1 : draw(1, 6);
      const int64_t stride = draw(0, 2) ? 1 : draw(1, 4), dilation = draw(0, 3) ? 1 : draw(1, 4);
      const int64_t padding = is_common ? kernel / 2 : draw(0, 5), in = draw(1, axes == 1 ? 200 : axes == 2 ? 40 : 12);
      const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
      fits = fits && room >= 0;
      products *= kernel * (room / stride + 1);
      c.in.push_back(in);
      c.kernel.push_back(kernel);
      c.stride.push_back(stride);
      c.padding.push_back(padding);
      c.dilation.push_back(dilation);
    }
    c.bias = draw(0, 1);
    c.strided = draw(0, 3) == 0;
    c.activation = draw(0, 1) * draw(1, nr_activation_count - 1);
    c.residual = draw(0, 1);
    if (fits && products <= 60000) return c;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t cases = argc > 1 ? std::atoi(argv[1]) : fewer(5000);
  const std::vector<const nr_backend*> backends = tables();
  for (int64_t i = 0; i < cases; i++) {
    const ConvCase c = random_case();
    const int64_t kind = draw(0, 5);
    const int32_t dtype = kind < 3 ? nr_dtype_f32 : kind == 3 ? nr_dtype_f64 : kind == 4 ? nr_dtype_f16 : nr_dtype_bf16;
    check_conv(backends, {1, static_cast<int>(draw(2, 4))}, dtype, c);
  }
  return report();
}
