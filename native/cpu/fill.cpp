// Tensors from numbers: one value everywhere, or start + i · step (in double for floats, in wrapping 64-bit integers
// for integers).
#include "cpu/dtype.h"
#include "cpu/strided.h"

namespace neurite::NR_ISA {

void fill(nr_context* ctx, nr_tensor* y, nr_scalar value) {
  const auto l = make_nest(*y);
  with_dtype(y->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = from_scalar<T>(value);
    parallel_range(ctx, l.numel, 1 << 16, [&](int64_t begin, int64_t end) {
      each_row(l, begin, end, [&](char* const* p, int64_t n) {
        T* y = reinterpret_cast<T*>(p[0]);
        const int64_t step = l.step(0) / static_cast<int64_t>(sizeof(T));
        if (step == 1)
          for (int64_t i = 0; i < n; i++) y[i] = v;
        else
          for (int64_t i = 0; i < n; i++) y[i * step] = v;
      });
    });
  });
}

void arange(nr_context* ctx, nr_tensor* y, nr_scalar start, nr_scalar step) {
  with_dtype(y->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_range(ctx, y->shape[0], 1 << 15, [&](int64_t begin, int64_t end) {
      T* out = static_cast<T*>(y->data);
      const bool whole = start.is_integer && step.is_integer;
      for (int64_t i = begin; i < end; i++) {
        if (std::is_integral_v<T> && whole)
          out[i * y->stride[0]] = convert<T>(static_cast<int64_t>(
              static_cast<uint64_t>(start.i) + static_cast<uint64_t>(i) * static_cast<uint64_t>(step.i)));
        else
          out[i * y->stride[0]] = convert<T>(start.f + static_cast<double>(i) * step.f);
      }
    });
  });
}

}  // namespace neurite::NR_ISA
