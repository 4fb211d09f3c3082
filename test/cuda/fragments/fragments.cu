// Every wrapper around an instruction, with random operands: prints what this machine makes of them. Compiled by nvcc
// and by g++; scripts/gpu_check.sh has compare.cpp look whether a GPU and the emulator agree.
#include "conversions.h"
#include "exchanges.h"
#include "tensor_cores.h"
#include "warpgroups.h"

int main() {
  std::printf("capability bits %08x\n", static_cast<unsigned>(fragments::capability()));
  fragments::try_tensor_cores();
  fragments::try_exchanges();
  fragments::try_conversions();
  fragments::try_warpgroups();
}
