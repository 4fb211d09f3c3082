// Tensors from one number. Bits are moved, so there is a kernel per width and none per dtype.
#include <cstring>

#include "dispatch.h"
#include "launch.h"
#include "pack.h"
#include "strided.h"
#include "table.h"

namespace neurite::cuda {
namespace {

constexpr int64_t per_thread = 4;  // packs, or elements

// Packs, and elements before the first and behind the last of them.
template <class T>
struct FillContiguous {
  static constexpr int threads = 256;
  T* y;
  int64_t n;
  T value;

  __device__ void operator()() const {
    constexpr int size = pack_size<T>;
    const int64_t thread = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x;
    const int64_t all = static_cast<int64_t>(gridDim.x) * threads;
    const auto unaligned = static_cast<int64_t>((16 - reinterpret_cast<uintptr_t>(y) % 16) % 16 / sizeof(T));
    const int64_t head = unaligned < n ? unaligned : n;
    const int64_t packs = (n - head) / size;
    Pack<T, size> repeated;
    for (T& element : repeated.at) element = value;
    for (int64_t i = thread; i < packs; i += all) store_pack(y + head + i * size, repeated);
    if (thread < head) y[thread] = value;
    const int64_t last = head + packs * size + thread;
    if (last < n) y[last] = value;
  }
};

template <class T>
struct FillStrided {
  static constexpr int threads = 256;
  T* y;
  T value;
  Strided<1> layout;

  __device__ void operator()() const {
    const int64_t all = static_cast<int64_t>(gridDim.x) * threads;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x; i < layout.numel; i += all) {
      int64_t at[1];
      layout.offsets(i, at);
      y[at[0]] = value;
    }
  }
};

}  // namespace

void fill(nr_context* ctx, nr_tensor* y, nr_scalar value) {
  const nr_tensor sorted = in_memory_order(*y);
  const auto layout = strided<1>({&sorted});
  uint64_t bits = 0;
  dispatch(element_types{}, y->dtype, [&]<class T>() {
    const T element = from_scalar<T>(value);
    memcpy(&bits, &element, sizeof element);
  });
  dispatch_size(y->dtype, [&]<class T>() {
    T* to = static_cast<T*>(y->data);
    const T element = static_cast<T>(bits);
    if (layout.contiguous(0)) {
      const FillContiguous<T> kernel{to, layout.numel, element};
      launch(ctx, blocks_for(layout.numel, pack_size<T> * per_thread * kernel.threads), kernel);
    } else {
      const FillStrided<T> kernel{to, element, layout};
      launch(ctx, blocks_for(layout.numel, per_thread * kernel.threads), kernel);
    }
  });
}

}  // namespace neurite::cuda
