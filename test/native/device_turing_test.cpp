// Products on chips before sm_80, which an emulated device stands for: float16 on tensor cores with operands that come
// through registers, bfloat16 without them. Needs a device (NEURITE_TEST_LIBRARY); a real one is what it is.
#include "product.h"

using namespace harness;

int main() {
  setenv("NEURITE_EMULATED_CAPABILITY", "75", 1);
  each_isa([&](const nr_backend& backend) {
    for (int32_t dtype : {nr_dtype_f16, nr_dtype_bf16})
      for (bool ta : {false, true})
        for (bool tb : {false, true}) {
          check(backend, dtype, {{}, {}, 37, 45, 29, ta, tb, true, 1, true, nr_activation_gelu});
          check(backend, dtype, {{}, {}, 136, 264, 72, ta, tb, true});
          check(backend, dtype, {{2}, {}, 72, 80, 1048, ta, tb, false, 1, true, nr_activation_relu});
        }
  });
  return report();
}
