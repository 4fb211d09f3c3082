// What both directions of attention do on the host: sizes, checked lengths, operands whose rows can be read 16 bytes at
// a time, the shared memory that a block may have, and how to share out work where there are few tiles.
#pragma once
#include "attention_shape.h"
#include "check.h"
#include "device.h"
#include "dispatch.h"
#include "launch.h"
#include "strided.h"
#include "table.h"

namespace neurite::cuda {
namespace {

// Positions are 32-bit integers on the device.
inline bool shape_of(nr_context* ctx, const nr_tensor& q, const nr_tensor& k, const nr_tensor& v,
                     const nr_optional& lengths, int64_t diagonal, AttentionShape& s) {
  constexpr int64_t most = int64_t{1} << 30;
  const int64_t T = q.shape[2], S = k.shape[2], share = k.shape[1] > 0 ? q.shape[1] / k.shape[1] : 0;
  for (const int64_t n : {q.shape[0], q.shape[1], share * T, S, q.shape[3], v.shape[3]}) {
    if (n < most) continue;
    ctx->fail(ctx, "NOT_SUPPORTED", "attention: expected sizes below 2^30 on a CUDA device, got %lld",
              static_cast<long long>(n));
    return false;
  }
  const auto narrow = [](int64_t n) { return static_cast<int>(n); };
  s.batches = narrow(q.shape[0]);
  s.heads = narrow(q.shape[1]);
  s.key_heads = narrow(k.shape[1]);
  s.share = narrow(share);
  s.T = narrow(T);
  s.S = narrow(S);
  s.D = narrow(q.shape[3]);
  s.Dv = narrow(v.shape[3]);
  s.diagonal = narrow(diagonal < -T ? -T : diagonal > S ? S : diagonal);
  s.lengths = lengths.present ? static_cast<const int64_t*>(lengths.tensor.data) : nullptr;
  s.length_stride = lengths.present ? lengths.tensor.stride[0] : 0;
  return true;
}

struct CheckLengths {
  static constexpr int threads = 128;
  AttentionShape s;
  Check check;

  __device__ void operator()() const {
    const int64_t all = static_cast<int64_t>(gridDim.x) * threads;
    for (int64_t b = static_cast<int64_t>(blockIdx.x) * threads + threadIdx.x; b < s.batches; b += all) {
      const int64_t n = s.lengths[b * s.length_stride];
      if (n < 0 || n > s.S) check.fail(s.S, n, b);
    }
  }
};

inline void check_lengths(nr_context* ctx, const AttentionShape& s) {
  if (!s.lengths) return;
  const Check check =
      take_check(ctx, "INDEX_OUT_OF_RANGE", "expected key lengths in [0, %lld], got %lld for batch entry %lld");
  launch(ctx, blocks_for(s.batches, CheckLengths::threads), CheckLengths{s, check});
}

// An operand [B, H, T, D] whose rows begin at multiples of 16 bytes: itself, or a copy in scratch.
inline bool with_aligned_rows(nr_context* ctx, nr_tensor& t) {
  const int64_t size = size_of(t.dtype), lanes = 16 / size;
  bool fits = is_aligned(t.data, 16) && (t.shape[3] <= 1 || t.stride[3] == 1);
  for (int d = 0; d < 3; d++) fits = fits && (t.shape[d] <= 1 || t.stride[d] % lanes == 0);
  if (fits || numel_of(t) == 0) return true;
  nr_tensor copied = t;
  int64_t n = (t.shape[3] + lanes - 1) / lanes * lanes;
  copied.stride[3] = 1;
  for (int d = 2; d >= 0; d--) {
    copied.stride[d] = n;
    n *= t.shape[d];
  }
  copied.data = ctx->scratch(ctx, static_cast<size_t>(n * size));
  if (!copied.data) return false;
  copy(ctx, &t, &copied);
  t = copied;
  return true;
}

// Tensor cores do not know bfloat16 before sm_80: there, attention of such tensors is that of copies in float32.
inline bool needs_float32(const nr_context* ctx, int32_t dtype) {
  return dtype == nr_dtype_bf16 && device_of(ctx).capability < 80;
}

// A contiguous tensor in scratch, of t's shape, for its elements in float32; data == nullptr when memory is out.
inline nr_tensor float32_like(nr_context* ctx, const nr_tensor& t) {
  nr_tensor like = t;
  int64_t n = 1;
  for (int d = t.ndim - 1; d >= 0; d--) {
    like.stride[d] = n;
    n *= t.shape[d];
  }
  like.dtype = nr_dtype_f32;
  like.data = ctx->scratch(ctx, static_cast<size_t>(n > 0 ? n : 1) * sizeof(float));
  return like;
}

// A copy of t, in which dims that repeat their elements still do.
inline nr_tensor in_float32(nr_context* ctx, const nr_tensor& t) {
  nr_tensor once = t;
  for (int d = 0; d < t.ndim; d++)
    if (t.stride[d] == 0 && t.shape[d] > 0) once.shape[d] = 1;
  nr_tensor copied = float32_like(ctx, once);
  if (!copied.data) return copied;
  copy(ctx, &once, &copied);
  for (int d = 0; d < t.ndim; d++) {
    copied.shape[d] = t.shape[d];
    if (t.stride[d] == 0) copied.stride[d] = 0;
  }
  return copied;
}

// The same of a mask, unless it is of bool.
inline nr_optional in_float32(nr_context* ctx, const nr_optional& mask) {
  if (!mask.present || mask.tensor.dtype == nr_dtype_bool8) return mask;
  return {in_float32(ctx, mask.tensor), true};
}

// Shared memory that a block may ask for.
inline size_t most_shared(const nr_context* ctx) {
  const int capability = device_of(ctx).capability;
  const int kib = capability < 80                        ? 64
                  : capability == 80 || capability == 87 ? 163
                  : capability < 90                      ? 99
                  : capability < 120                     ? 227
                                                         : 99;
  return static_cast<size_t>(kib) << 10;
}

// Tensor cores round float32 to tf32 from sm_80 on, if the user lets them.
inline bool may_round_to_tf32(const nr_context* ctx) {
  return device_of(ctx).capability >= 80 && device_of(ctx).matmul == nr_precision_high;
}

inline int divide_up(int a, int b) {
  return a / b + (a % b != 0);
}

// Into how many parts `steps` steps of each of `blocks` blocks are cut, so that all multiprocessors have work and each
// part has at least `least` steps.
inline int shares_for(const nr_context* ctx, int64_t blocks, int steps, int least) {
  const int64_t wanted = 2 * int64_t{device_of(ctx).multiprocessors} / (blocks > 0 ? blocks : 1);
  const int64_t most = steps / least > 1 ? steps / least : 1;
  return static_cast<int>(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

}  // namespace
}  // namespace neurite::cuda
