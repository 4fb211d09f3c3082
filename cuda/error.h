// Errors of the CUDA runtime in the words of users: a stable code, what happened, and the remedy.
#pragma once
#include "device_library.h"
#include "runtime_api.h"

namespace neurite::cuda {

// Fills in `error`, and forgets the error where the runtime can go on. `what` says what was tried: "copying to the
// device".
void explain(cudaError_t status, const char* what, nr_error* error);

// True if nothing went wrong; otherwise explains.
inline bool succeeded(cudaError_t status, const char* what, nr_error* error) {
  if (status == cudaSuccess) return true;
  explain(status, what, error);
  return false;
}

// Fails the command that runs.
void fail(nr_context* ctx, cudaError_t status, const char* what);

}  // namespace neurite::cuda
