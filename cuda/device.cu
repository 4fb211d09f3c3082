// The library's devices: what nr_device_library asks for, on CUDA's runtime API. One non-blocking stream per device.
// Memory comes from cudaMalloc, not from CUDA's pool: the allocator above already keeps what is free in the order of
// the stream, any thread may ask, and cudaFree waits for kernels that still use the block.
#include "device.h"

#include <cstdio>
#include <mutex>
#include <set>

#include "error.h"
#include "table.h"

namespace neurite::cuda {
namespace {

constexpr int32_t oldest = 75;
std::mutex mutex;
std::set<int32_t> opened;  // devices that have been

int32_t count(nr_error* error) {
  int found = 0;  // not written where there is no driver
  auto status = cudaGetDeviceCount(&found);
  if (status == cudaSuccess && found == 0) status = cudaErrorNoDevice;
  return succeeded(status, "looking for CUDA devices", error) ? found : 0;
}

bool describe(int32_t index, nr_device_info* info, nr_error* error) {
  cudaDeviceProp properties;
  if (!succeeded(cudaGetDeviceProperties(&properties, index), "asking for a device", error)) return false;
  *info = {};
  snprintf(info->name, sizeof info->name, "%.*s", static_cast<int>(sizeof info->name) - 1, properties.name);
  info->total_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  info->free_bytes = -1;
  if (std::lock_guard lock(mutex); opened.count(index)) {
    size_t free = 0, total = 0;
    if (!succeeded(cudaSetDevice(index), "asking for a device", error)) return false;
    if (!succeeded(cudaMemGetInfo(&free, &total), "asking for a device's memory", error)) return false;
    info->free_bytes = static_cast<int64_t>(free);
  }
  info->capability_major = properties.major;
  info->capability_minor = properties.minor;
  info->multiprocessors = properties.multiProcessorCount;
  return true;
}

void close(nr_device* device) {
  cudaSetDevice(device->index);
  if (device->stream) cudaStreamSynchronize(device->stream);
  device->staging.close();
  device->scratch.close();
  device->checks.close();
  if (device->stream) cudaStreamDestroy(device->stream);
  delete device;
}

cudaError_t start(nr_device* device) {
  if (const auto status = cudaSetDevice(device->index)) return status;
  if (const auto status = cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking)) return status;
  if (const auto status = device->checks.open(device->stream)) return status;
  return device->staging.open(device->stream);
}

nr_device* open(int32_t index, nr_error* error) {
  cudaDeviceProp properties;
  auto status = cudaGetDeviceProperties(&properties, index);
  if (!succeeded(status, "opening a device", error)) return nullptr;
  auto* device = new nr_device(index, properties.major * 10 + properties.minor, properties.multiProcessorCount);
  status = device->capability < oldest ? cudaErrorNoKernelImageForDevice : start(device);
  if (succeeded(status, "opening a device", error)) {
    std::lock_guard lock(mutex);
    opened.insert(index);
    return device;
  }
  close(device);
  return nullptr;
}

void* allocate(nr_device* device, size_t bytes) {
  void* block = nullptr;
  if (cudaSetDevice(device->index) == cudaSuccess && cudaMalloc(&block, bytes ? bytes : 1) == cudaSuccess) return block;
  cudaGetLastError();
  return nullptr;
}

void release(nr_device* device, void* block, size_t) {
  cudaSetDevice(device->index);
  cudaFree(block);
}

// The current device belongs to the thread, and this is the one that runs the commands.
void prepare(nr_device* device, nr_device_context* context) {
  cudaSetDevice(device->index);
  context->stream = device->stream;
  context->device = device;
}

void* scratch(nr_device* device, size_t bytes) {
  return device->scratch.take(bytes);
}

void end_command(nr_device* device) {
  device->scratch.end_command();
  device->checks.end_command();
}

bool copy_in(nr_device* device, void* to, const void* from, size_t bytes, nr_error* error) {
  return succeeded(device->staging.copy_in(to, from, bytes), "copying to the device", error);
}

bool copy_out(nr_device* device, void* to, const void* from, size_t bytes, nr_error* error) {
  return succeeded(device->staging.copy_out(to, from, bytes), "copying from the device", error);
}

bool synchronize(nr_device* device, nr_error* error) {
  if (!succeeded(cudaStreamSynchronize(device->stream), "waiting for the device", error)) return false;
  device->scratch.trim();
  return true;
}

int32_t failed_checks(nr_device* device, nr_failed_check* failed, int32_t room) {
  return device->checks.report(failed, room);
}

void set_precision(nr_device* device, nr_precision matmul, nr_precision conv) {
  device->matmul = matmul;
  device->conv = conv;
}

const nr_device_library library = {
    NR_DEVICE_LIBRARY_VERSION,
    nr_kernels_hash(),
    emulated ? "cuda-emulated" : "cuda",
    &backend,
    count,
    describe,
    open,
    close,
    allocate,
    release,
    prepare,
    scratch,
    end_command,
    copy_in,
    copy_out,
    synchronize,
    failed_checks,
    set_precision,
};

}  // namespace
}  // namespace neurite::cuda

extern "C" __attribute__((visibility("default"))) const nr_device_library* neurite_device_library() {
  return &neurite::cuda::library;
}
