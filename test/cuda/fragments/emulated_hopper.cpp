#include "hopper.cu"
