// Emulated devices: their memory is malloc's, each block as long as it was asked to be and full of NaN.
#include "runtime.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

namespace {

constexpr int most_devices = 8;
constexpr int version = 13000;

struct Settings {
  size_t memory = size_t{4} << 30;  // of each device
  int devices = 2;
  int capability = 90;
  const char* fault = "";
  int64_t lost_after = -1;

  Settings() {
    const auto number = [](const char* name, auto& value) {
      if (const char* text = getenv(name)) value = strtoll(text, nullptr, 10);
    };
    number("NEURITE_EMULATED_MEMORY", memory);
    number("NEURITE_EMULATED_DEVICES", devices);
    number("NEURITE_EMULATED_CAPABILITY", capability);
    if (devices > most_devices) devices = most_devices;
    if (const char* text = getenv("NEURITE_EMULATED_FAULT")) fault = text;
    if (strncmp(fault, "lost-after:", 11) == 0) lost_after = strtoll(fault + 11, nullptr, 10);
  }
  bool has(const char* name) const { return strcmp(fault, name) == 0; }
};

const Settings& settings() {
  static const Settings read;
  return read;
}

struct Owned {
  size_t bytes;
  int device;
};

std::mutex mutex;
std::unordered_map<void*, Owned> blocks;
size_t used[most_devices];
std::atomic<int64_t> launches{0};
std::atomic<bool> lost{false};
thread_local int current = 0;
thread_local cudaError_t last = cudaSuccess;

// Records what a call returns. Nothing works any more on devices that are lost.
cudaError_t result(cudaError_t status) {
  if (lost) status = cudaErrorLaunchFailure;
  if (status != cudaSuccess) last = status;
  return status;
}

void* aligned(size_t bytes, int fill) {
  void* block = nullptr;
  if (posix_memalign(&block, 256, bytes) != 0) return nullptr;
  return memset(block, fill, bytes);
}

}  // namespace

cudaError_t simt::launch_error() {
  if (settings().lost_after >= 0 && launches++ >= settings().lost_after) lost = true;
  return result(cudaSuccess);
}

cudaError_t cudaGetLastError() {
  const cudaError_t status = last;
  last = cudaSuccess;
  return status;
}

const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaSuccess ? "cudaSuccess" : "cudaErrorEmulated";
}

const char* cudaGetErrorString(cudaError_t error) {
  thread_local char text[48];
  snprintf(text, sizeof text, "CUDA error %d, planted in emulation", static_cast<int>(error));
  return text;
}

cudaError_t cudaDriverGetVersion(int* driver) {
  *driver = settings().has("no-driver") ? 0 : settings().has("old-driver") ? 11040 : version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* runtime) {
  *runtime = version;
  return cudaSuccess;
}

// As the real one, this does not write the count where there is no driver.
cudaError_t cudaGetDeviceCount(int* count) {
  if (settings().has("no-driver") || settings().has("old-driver")) return result(cudaErrorInsufficientDriver);
  if (settings().devices <= 0) return result(cudaErrorNoDevice);
  *count = settings().devices;
  return result(cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  int count = 0;
  if (const auto status = cudaGetDeviceCount(&count)) return status;
  if (device < 0 || device >= count) return result(cudaErrorInvalidDevice);
  *properties = {};
  snprintf(properties->name, sizeof properties->name, "Emulated GPU %d", device);
  properties->major = settings().capability / 10;
  properties->minor = settings().capability % 10;
  properties->totalGlobalMem = settings().memory;
  properties->multiProcessorCount = 4;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  int count = 0;
  if (const auto status = cudaGetDeviceCount(&count)) return status;
  if (device < 0 || device >= count) return result(cudaErrorInvalidDevice);
  current = device;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  std::lock_guard lock(mutex);
  *total = settings().memory;
  *free = settings().memory - used[current];
  return result(cudaSuccess);
}

cudaError_t cudaMalloc(void** block, size_t bytes) {
  if (const auto status = result(cudaSuccess)) return status;
  std::lock_guard lock(mutex);
  if (bytes > settings().memory - used[current]) return result(cudaErrorMemoryAllocation);
  *block = aligned(bytes, 0xff);
  if (!*block) return result(cudaErrorMemoryAllocation);
  used[current] += bytes;
  blocks[*block] = {bytes, current};
  return cudaSuccess;
}

cudaError_t cudaFree(void* block) {
  if (!block) return cudaSuccess;
  std::lock_guard lock(mutex);
  const auto found = blocks.find(block);
  if (found == blocks.end()) return result(cudaErrorInvalidValue);
  used[found->second.device] -= found->second.bytes;
  blocks.erase(found);
  free(block);
  return result(cudaSuccess);
}

cudaError_t cudaHostAlloc(void** block, size_t bytes, unsigned) {
  *block = aligned(bytes, 0xff);
  return result(*block ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaFreeHost(void* block) {
  free(block);
  return result(cudaSuccess);
}

// Streams and events hold nothing; their addresses are blocks so that one which is not given back is a leak.
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = static_cast<cudaStream_t>(malloc(1));
  return result(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  free(stream);
  return result(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
  return result(cudaSuccess);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = static_cast<cudaEvent_t>(malloc(1));
  return result(cudaSuccess);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  free(event);
  return result(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) {
  return result(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t) {
  return result(cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (const auto status = result(cudaSuccess)) return status;
  memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* block, int value, size_t bytes, cudaStream_t) {
  if (const auto status = result(cudaSuccess)) return status;
  memset(block, value, bytes);
  return cudaSuccess;
}
