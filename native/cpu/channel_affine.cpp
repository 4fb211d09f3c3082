// y = x scale + shift of x [B, C, S] with numbers per channel: batch norm whose statistics are known.
#include "cpu/channel_pieces.h"

namespace neurite::NR_ISA {

void channel_affine(nr_context* ctx, const nr_tensor* x_tensor, const nr_tensor* scale_tensor,
                    const nr_tensor* shift_tensor, nr_tensor* y_tensor) {
  with_float_dtype(x_tensor->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    using V = vector_t<T>;
    const Pieces<V> pieces(*x_tensor);
    const int64_t channels = pieces.channels(), parameters = pieces.parameters();
    const T* x = elements<T>(ctx, *x_tensor);
    const C* scale = elements<C>(ctx, *scale_tensor);
    const C* shift = elements<C>(ctx, *shift_tensor);
    C* spread = static_cast<C*>(ctx->scratch(ctx, static_cast<size_t>(2 * parameters + 1) * sizeof(C)));
    if (!x || !scale || !shift || !spread) return;
    for (int64_t c = 0; c < channels; c++) {
      pieces.spread(c, scale[c], spread);
      pieces.spread(c, shift[c], spread + parameters);
    }
    T* y = static_cast<T*>(y_tensor->data);
    with_streaming(y, x_tensor->shape[0] * channels, x_tensor->shape[2], [&](auto streamed) {
      pieces.run(ctx, [&](const auto& piece) {
        const V a = piece.parameter(spread), b = piece.parameter(spread + parameters);
        piece.each([&](int64_t at, auto lanes) { put(streamed, y + at, fma(load<V>(x + at, lanes), a, b), lanes); });
      });
    });
  });
}

}  // namespace neurite::NR_ISA
