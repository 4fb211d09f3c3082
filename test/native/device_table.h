// A device's kernels as a table for host tensors, so that a test runs on a device as it does on the CPU: each call
// copies what its tensors reach to the device, runs the kernel to its end and copies the results back.
#pragma once
#include <map>
#include <string>

#include "backend.h"

namespace harness {

// The table of the device under test (device.h).
const nr_backend& device_table();

// Calls of kernels that the device does not have, by name. NEURITE_TEST_ALLOW_UNSUPPORTED has the CPU compute those, so
// that the rest of a test still means something; without it they fail the test.
extern std::map<std::string, int> unsupported;

}  // namespace harness
