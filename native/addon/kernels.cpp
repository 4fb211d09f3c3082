// Registers every kernel of kernels.def as a function of the object `kernels`.
#include "addon/exports.h"
#include "addon/kernel_call.h"
#include "contract/contract.h"

namespace neurite {

void export_kernels(Exports& exports) {
#define NR_KERNEL(name, ...) \
  exports.add(#name, call_kernel<&nr_backend::name, &contract::name>, const_cast<char*>(#name));
#include "kernels.def"
}

}  // namespace neurite
