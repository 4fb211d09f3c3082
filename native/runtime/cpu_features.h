// Which instruction sets this machine can run, and the kernel tables built for them.
#pragma once
#include <string>
#include <vector>

#include "backend.h"

namespace neurite {

// The tables this machine can run, slowest first; never empty.
std::vector<const nr_backend*> cpu_backends();

// The fastest of them, or the one that NEURITE_CPU names. Sets `problem` when NEURITE_CPU cannot be honoured.
const nr_backend* choose_cpu_backend(std::string* problem);

// Features found by CPUID and enabled by the operating system (XGETBV), for people: "avx2 fma f16c avx512f …".
std::string cpu_feature_names();

}  // namespace neurite
