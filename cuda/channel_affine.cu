// y = x scale + shift of x [B, C, S] with numbers per channel: batch norm whose statistics are known.
#include "channel_map.h"
#include "contiguous.h"
#include "table.h"

namespace neurite::cuda {
namespace {

template <class C>
struct Affine {
  const C *scale, *shift;
  __device__ C operator()(int64_t channel, C x) const { return x * scale[channel] + shift[channel]; }
};

}  // namespace

void channel_affine(nr_context* ctx, const nr_tensor* x_tensor, const nr_tensor* scale_tensor,
                    const nr_tensor* shift_tensor, nr_tensor* y) {
  dispatch(floating_types{}, x_tensor->dtype, [&]<class T>() {
    using C = compute_of<T>;
    const T* x = elements<T>(ctx, *x_tensor);
    const C *scale = elements<C>(ctx, *scale_tensor), *shift = elements<C>(ctx, *shift_tensor);
    if (x && scale && shift) map_channels<T, 1>(ctx, {x}, *y, Affine<C>{scale, shift});
  });
}

}  // namespace neurite::cuda
