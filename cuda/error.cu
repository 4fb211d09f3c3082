#include "error.h"

#include <cstdio>

namespace neurite::cuda {
namespace {

void write(nr_error* error, const char* code, const char* what, const char* happened, const char* remedy) {
  snprintf(error->code, sizeof error->code, "%s", code);
  snprintf(error->text, sizeof error->text, "%s: %s. %s", what, happened, remedy);
}

// The runtime has one code for a driver that is too old and for none at all.
void explain_driver(const char* what, nr_error* error) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0)
    return write(error, "NO_DRIVER", what, "there is no NVIDIA driver",
                 "Install one (nvidia-smi shows it), and in a container pass the GPU in (--gpus all)");
  char happened[96];
  snprintf(happened, sizeof happened, "the driver goes up to CUDA %d.%d, this library needs %d.%d", driver / 1000,
           driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
  write(error, "DRIVER_TOO_OLD", what, happened, "Install a newer NVIDIA driver");
}

}  // namespace

void explain(cudaError_t status, const char* what, nr_error* error) {
  cudaGetLastError();  // the next call would report it again
  const char* happened = cudaGetErrorString(status);
  switch (status) {
    case cudaErrorMemoryAllocation:
      return write(error, "OUT_OF_MEMORY", what, "the device's memory is out",
                   "Use smaller batches, dispose of tensors, or end other programs that use the device");
    case cudaErrorNoDevice:
      return write(error, "NO_DEVICE", what, "the driver shows no device", "CUDA_VISIBLE_DEVICES may be hiding it");
    case cudaErrorInvalidDevice:
      return write(error, "NO_DEVICE", what, "there is no device of this number",
                   "CUDA_VISIBLE_DEVICES may be hiding it");
    case cudaErrorInsufficientDriver:
    case cudaErrorCallRequiresNewerDriver:
    case cudaErrorUnsupportedPtxVersion:
      return explain_driver(what, error);
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidKernelImage:
      return write(error, "UNSUPPORTED_DEVICE", what, "the library holds no code for this device",
                   "Build it with NEURITE_CUDA_ARCHITECTURES naming the device's");
    case cudaErrorDevicesUnavailable:
      return write(error, "DEVICE_BUSY", what, happened, "Another program holds it in exclusive mode (nvidia-smi -q)");
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorUnknown:
      return write(error, "DEVICE_LOST", what, happened,
                   "The process can no longer use the device: restart it; dmesg and nvidia-smi may say more");
    default:
      return write(error, "CUDA_ERROR", what, happened, cudaGetErrorName(status));
  }
}

void fail(nr_context* ctx, cudaError_t status, const char* what) {
  nr_error error;
  explain(status, what, &error);
  ctx->fail(ctx, error.code, "%s", error.text);
}

}  // namespace neurite::cuda
