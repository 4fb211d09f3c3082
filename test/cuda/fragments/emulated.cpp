// The same program for the emulator: where there is nvcc, CMake takes fragments.cu for CUDA.
#include "fragments.cu"
