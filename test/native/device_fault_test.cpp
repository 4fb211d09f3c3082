// What a library of CUDA devices says when something is wrong: no driver or an old one, no device or one that is too
// old, memory that runs out, a device that is lost. Planted in emulation (cuda/emulator/README.md), each fault in a
// process of its own.
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "harness.h"

using namespace harness;

namespace {

const char* path = nullptr;

using Test = std::function<void(const nr_device_library&)>;

void with(const char* variable, const char* value, const Test& test) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setenv(variable, value, 1);
    test(*open_library(path));
    std::fflush(stdout);
    _exit(failures != 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s=%s", variable, value);
}

void expect(const nr_error& error, const char* code, const char* words) {
  CHECK(std::string(error.code) == code, "expected %s, got %s", code, error.code);
  CHECK(std::strstr(error.text, words), "expected \"%s\" in: %s", words, error.text);
}

Test finds_none(const char* code, const char* words) {
  return [=](const nr_device_library& library) {
    nr_error error = {};
    CHECK(library.count(&error) == 0);
    expect(error, code, words);
    nr_device_info info;
    error = {};
    CHECK(!library.describe(0, &info, &error));
    expect(error, code, words);
    error = {};
    CHECK(!library.open(0, &error));
    expect(error, code, words);
  };
}

Test refuses_to_open(const char* code, const char* words) {
  return [=](const nr_device_library& library) {
    nr_error error = {};
    CHECK(library.count(&error) > 0, "%s", error.text);
    nr_device_info info = {};
    CHECK(library.describe(0, &info, &error) && info.free_bytes == -1, "%s", error.text);
    CHECK(!library.open(0, &error));
    expect(error, code, words);
  };
}

// Blocks and scratch until there is no more, and again once they were given back; the other device has its own.
void runs_out_of_memory(const nr_device_library& library) {
  Device first(library, 0), second(library, 1);
  constexpr size_t bytes = size_t{10} << 20;
  for (int round = 0; round < 2; round++) {
    std::vector<void*> blocks;
    while (void* block = library.allocate(first.handle, bytes)) blocks.push_back(block);
    CHECK(blocks.size() == 9, "%zu blocks of 10 MiB in 100 MB", blocks.size());
    const auto has_scratch = [&](Device& device) {
      DeviceContext context(device);
      const bool has = context.scratch(&context, bytes);
      CHECK(has || std::string(context.error.code) == "OUT_OF_MEMORY", "%s", context.error.code);
      library.end_command(device.handle);
      return has;
    };
    CHECK(!has_scratch(first) && has_scratch(second));
    for (void* block : blocks) library.release(first.handle, block, bytes);
  }
  nr_error error = {};
  CHECK(library.synchronize(first.handle, &error), "running out of memory is no lasting error: %s", error.text);
}

// The third launch is the first that fails, and nothing works after it.
void loses_its_device(const nr_device_library& library) {
  Device device(library, 0);
  nr_tensor y = {};
  y.shape[0] = y.stride[0] = y.ndim = 1;
  y.data = library.allocate(device.handle, 4);
  nr_error error = {};
  for (int i = 0; i < 4; i++) {
    DeviceContext context(device);
    library.table->fill(&context, &y, {1, 1, true});
    library.end_command(device.handle);
    CHECK(context.has_failed() == (i >= 2), "launch %d: %s", i, context.error.text);
    if (i >= 2) expect(context.error, "DEVICE_LOST", "restart");
    error = {};
    CHECK(library.synchronize(device.handle, &error) == (i < 2), "after launch %d: %s", i, error.text);
    if (i >= 2) expect(error, "DEVICE_LOST", "restart");
  }
  float value = 0;
  CHECK(!library.copy_in(device.handle, y.data, &value, 4, &error));
  expect(error, "DEVICE_LOST", "copying to the device");
  CHECK(!library.copy_out(device.handle, &value, y.data, 4, &error));
  expect(error, "DEVICE_LOST", "copying from the device");
  library.release(device.handle, y.data, 4);
}

}  // namespace

int main() {
  path = std::getenv("NEURITE_TEST_LIBRARY");
  if (!path) stop("device_fault_test", "expected a library in NEURITE_TEST_LIBRARY");
  if (std::strcmp(open_library(path)->name, "cuda-emulated") != 0) {
    std::printf("left out: faults are planted in emulation only\n");
    return 0;
  }
  with("NEURITE_EMULATED_FAULT", "no-driver", finds_none("NO_DRIVER", "Install one"));
  with("NEURITE_EMULATED_FAULT", "old-driver", finds_none("DRIVER_TOO_OLD", "goes up to CUDA 11.4"));
  with("NEURITE_EMULATED_DEVICES", "0", finds_none("NO_DEVICE", "CUDA_VISIBLE_DEVICES"));
  with("NEURITE_EMULATED_CAPABILITY", "70", refuses_to_open("UNSUPPORTED_DEVICE", "NEURITE_CUDA_ARCHITECTURES"));
  with("NEURITE_EMULATED_MEMORY", "1000", refuses_to_open("OUT_OF_MEMORY", "smaller batches"));
  with("NEURITE_EMULATED_MEMORY", "100000000", runs_out_of_memory);
  with("NEURITE_EMULATED_FAULT", "lost-after:2", loses_its_device);
  return report();
}
