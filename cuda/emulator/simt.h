// The emulator as kernels see it: what nvcc would have given them. See README.md beside it.
#pragma once
#include "block.h"
#include "hopper.h"
#include "instructions.h"
#include "intrinsics.h"
#include "shared.h"
#include "types.h"
#include "warp.h"
