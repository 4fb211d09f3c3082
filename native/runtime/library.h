// Libraries that bring devices: found beside the file that holds this code or in a package of their own beside
// neurite's, loaded when first asked for.
#pragma once
#include "device_library.h"

namespace neurite {

// What the devices of a library are called, and which numbers they have.
struct LibraryKind {
  const char* name;  // "cuda": its devices are cuda:0, cuda:1 …
  const char* file;
  const char* variable;  // of the environment, names another file
  const char* package;   // that holds it in an installation, or nullptr
  int first, most;       // device numbers
};

enum { kMaxDevices = 256 };  // numbers of all kinds; 0 is the CPU
inline constexpr LibraryKind kLibraries[] = {
    {"cuda", "libneurite_cuda.so", "NEURITE_CUDA_LIBRARY", "neurite-cuda", 1, 128},
    {"cuda-emulated", "libneurite_cuda_emulated.so", "NEURITE_CUDA_EMULATED_LIBRARY", nullptr, 129, 127},
};
inline constexpr int kLibraryCount = sizeof kLibraries / sizeof *kLibraries;

// The library of this kind, loaded if it was not; stays loaded. nullptr: `error` says why and what to do. A library
// that was not there is looked for again next time.
const nr_device_library* load_library(int kind, nr_error* error);

}  // namespace neurite
