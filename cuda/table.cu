// Fills the table.
#include "table.h"

namespace neurite::cuda {

const nr_backend backend = {
    "cuda",
#define NR_KERNEL(name, ...) &cuda::name,
#include "kernels.def"
};

}  // namespace neurite::cuda
