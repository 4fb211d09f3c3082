// Products as chips of other generations make them, which an emulated device stands for: before sm_80 float16 on tensor
// cores with operands that come through registers, and bfloat16 without them; on sm_80 without what sm_90 has. Needs a
// device (NEURITE_TEST_LIBRARY); a real one is what it is.
#include <sys/wait.h>
#include <unistd.h>

#include "product.h"

using namespace harness;

namespace {

int check_generation(const char* capability) {
  setenv("NEURITE_EMULATED_CAPABILITY", capability, 1);
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

}  // namespace

int main() {
  for (const char* capability : {"75", "80"}) {  // each device in a process of its own: a library has one kind of them
    std::printf("capability %s\n", capability);
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) std::exit(check_generation(capability));
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  return 0;
}
