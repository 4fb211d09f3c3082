// Fills the table of this ISA. A kernel that is missing here is a link error.
#include "cpu/table.h"

namespace neurite::NR_ISA {

const nr_backend backend = {
    NR_ISA_NAME(NR_ISA),
#define NR_KERNEL(name, ...) &NR_ISA::name,
#include "kernels.def"
};

}  // namespace neurite::NR_ISA
