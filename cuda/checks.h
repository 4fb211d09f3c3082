// The checks of one device, on the host.
#pragma once
#include <vector>

#include "check.h"
#include "runtime_api.h"

namespace neurite::cuda {

class Checks {
 public:
  cudaError_t open(cudaStream_t stream);
  void close();

  Check take(const char* code, const char* format);
  void require(const Check& check) { required_ = check.number; }
  void end_command() { required_ = 0; }
  Unless unless(const nr_device_context& context) const;

  // Of all kernels that have ended: the checks that failed and were not reported yet, at most `room`.
  int32_t report(nr_failed_check* failed, int32_t room);

 private:
  struct Meaning {
    const char* code;
    const char* format;
  };
  void collect();

  cudaStream_t stream_ = nullptr;
  unsigned long long* words_ = nullptr;  // in the device's memory
  CheckRecord* records_ = nullptr;       // in pinned memory of the host, which kernels see under the same address
  Meaning meanings_[NR_MAX_PENDING_CHECKS];
  unsigned long long taken_ = 0, collected_ = 0, required_ = 0;
  std::vector<nr_failed_check> failed_;
};

}  // namespace neurite::cuda
