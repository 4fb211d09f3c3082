// start + i · step: in double for floats, in wrapping 64-bit integers for integers.
#include "dispatch.h"
#include "launch.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class T>
struct Arange {
  static constexpr int threads = 256;
  T* y;
  int64_t n, stride;
  nr_scalar start, step;
  bool whole;

  __device__ void operator()() const {
    const int64_t i = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    if (i >= n) return;
    if (std::is_integral_v<T> && whole)
      y[i * stride] = convert<T>(static_cast<int64_t>(static_cast<uint64_t>(start.i) +
                                                      static_cast<uint64_t>(i) * static_cast<uint64_t>(step.i)));
    else  // two roundings, as elsewhere
      y[i * stride] = convert<T>(__dadd_rn(start.f, __dmul_rn(static_cast<double>(i), step.f)));
  }
};

}  // namespace

void arange(nr_context* ctx, nr_tensor* y, nr_scalar start, nr_scalar step) {
  const int64_t n = y->shape[0];
  dispatch(number_types{}, y->dtype, [&]<class T>() {
    const bool whole = start.is_integer && step.is_integer;
    launch(ctx, blocks_for(n, Arange<T>::threads),
           Arange<T>{static_cast<T*>(y->data), n, y->stride[0], start, step, whole});
  });
}

}  // namespace neurite::cuda
