// A device's kernels as a table for host tensors, so that a test runs on a device as it does on the CPU: each call
// copies what its tensors reach to the device, runs the kernel to its end and copies the results back.
#pragma once
#include <map>
#include <string>

#include "device_library.h"

namespace harness {

// The table of the device under test (device.h).
const nr_backend& device_table();

// Calls of kernels that the device does not have, by name. NEURITE_TEST_ALLOW_UNSUPPORTED lists such kernels ("a,b", or
// "all"): then the CPU computes them, so that the rest of a test still means something; others fail the test.
extern std::map<std::string, int> unsupported;

// Counts and prints that a kernel is not supported; whether that is allowed.
bool is_known_unsupported(const char* kernel, const nr_error& error);

}  // namespace harness
