// The device of another kind that tests run on when NEURITE_TEST_LIBRARY names its library: opened once, its first
// device, closed at exit. A command on it is run to its end at once, so that its faults are those of the call.
#pragma once
#include <dlfcn.h>

#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "check.h"
#include "device_library.h"

namespace harness {

[[noreturn]] inline void stop(const char* what, const char* why) {
  std::printf("%s: %s\n", what, why);
  std::exit(1);
}

inline const nr_device_library* open_library(const char* path) {
  void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) stop(path, dlerror());
  void* found = dlsym(handle, "neurite_device_library");
  if (!found) stop(path, "exports no neurite_device_library");
  const nr_device_library* library = reinterpret_cast<decltype(&neurite_device_library)>(found)();
  if (library->version != NR_DEVICE_LIBRARY_VERSION || library->kernels != nr_kernels_hash())
    stop(path, "is of another version");
  return library;
}

// Products of float32 are made of numbers rounded to tf32, and held to that, when NEURITE_TEST_PRECISION is "high".
inline bool uses_tf32() {
  static const char* const precision = std::getenv("NEURITE_TEST_PRECISION");
  return precision && std::strcmp(precision, "high") == 0;
}

class Device {
 public:
  Device(const nr_device_library& of, int32_t index) : library(of) {
    nr_error error = {};
    if (library.count(&error) <= index) stop(library.name, error.code[0] ? error.text : "has no such device");
    handle = library.open(index, &error);
    if (!handle) stop(library.name, error.text);
    const nr_precision precision = uses_tf32() ? nr_precision_high : nr_precision_highest;
    library.set_precision(handle, precision, precision);
  }
  ~Device() { library.close(handle); }
  Device(const Device&) = delete;

  const nr_device_library& library;
  nr_device* handle = nullptr;
};

// The context of one command; keeps the first failure.
struct DeviceContext : nr_device_context {
  explicit DeviceContext(Device& on) : nr_device_context{}, owner(on) {
    threads = 1;
    nr_context::scratch = [](nr_context* c, size_t bytes) {
      const Device& device = static_cast<DeviceContext*>(c)->owner;
      void* block = device.library.scratch(device.handle, bytes);
      if (!block) c->fail(c, "OUT_OF_MEMORY", "no %zu bytes of scratch", bytes);
      return block;
    };
    nr_context::fail = &on_fail;
    owner.library.prepare(owner.handle, this);
  }
  static void on_fail(nr_context* c, const char* code, const char* format, ...) {
    nr_error failure = {};
    std::snprintf(failure.code, sizeof failure.code, "%s", code);
    va_list args;
    va_start(args, format);
    std::vsnprintf(failure.text, sizeof failure.text, format, args);
    va_end(args);
    static_cast<DeviceContext*>(c)->report(failure);
  }
  void report(const nr_error& failure) {
    if (!has_failed()) error = failure;
  }
  bool has_failed() const { return error.code[0] != 0; }

  // Waits for what was enqueued; reports a failed check that the command took.
  void finish() {
    nr_error failure = {};
    owner.library.end_command(owner.handle);
    if (!owner.library.synchronize(owner.handle, &failure)) report(failure);
    std::vector<nr_failed_check> failed(NR_MAX_PENDING_CHECKS);
    const int32_t count = owner.library.failed_checks(owner.handle, failed.data(), NR_MAX_PENDING_CHECKS);
    for (int32_t i = 0; i < count; i++) {
      CHECK(failed[i].check != 0 && failed[i].check <= check, "a check failed that the command did not take");
      report(failed[i].error);
    }
  }

  Device& owner;
  nr_error error = {};
};

// nullptr: tests run on the CPU.
inline Device* device_under_test() {
  static const char* const path = std::getenv("NEURITE_TEST_LIBRARY");
  if (!path || !*path) return nullptr;
  static Device device(*open_library(path), 0);
  return &device;
}

}  // namespace harness
