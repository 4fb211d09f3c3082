// Matrix product: y[batch] = activation(op(a[batch]) · op(b[batch]) + bias + residual). Here a call becomes a plan
// (matmul_plan.h), and a plan finds its kernels: products of few lines are streamed (matmul_thin.cu), 16-bit floats
// and, where the device may round to tf32, float32 are multiplied on tensor cores (matmul_mma.cu, matmul_tf32.cu),
// everything else on the ordinary ones (matmul_simt.cu). Which, and how the depth is cut, depends on shape, layout and
// device alone.
#include "device.h"
#include "dispatch.h"
#include "launch.h"
#include "matmul_plan.h"
#include "table.h"
#include "tile.h"

namespace neurite::cuda {

int64_t matmul_parts(nr_context* ctx, int64_t blocks, int64_t blocks_of_processor, int64_t depth, int64_t least_depth) {
  const int64_t wanted = blocks_of_processor * device_of(ctx).multiprocessors;
  const int64_t least = (depth + (int64_t{1} << 30) - 1) >> 30;
  if (blocks == 0) return 1;
  int64_t parts = wanted / blocks < depth / least_depth ? wanted / blocks : depth / least_depth;
  parts = parts < 64 ? parts : 64;
  return parts > least ? parts : least > 1 ? least : 1;
}

namespace {

// The stride of an operand along batch dim d of y; 0 where it broadcasts.
int64_t batch_stride(const nr_tensor& t, int32_t y_ndim, int32_t d) {
  const int32_t own = d - (y_ndim - t.ndim);
  return own < 0 || t.shape[own] == 1 ? 0 : t.stride[own];
}

MatmulPlan make_plan(const nr_tensor& a, const nr_tensor& b, const nr_tensor& y, bool transpose_a, bool transpose_b) {
  const int32_t am = a.ndim - (transpose_a ? 1 : 2), ak = a.ndim - (transpose_a ? 2 : 1);
  const int32_t bk = b.ndim - (transpose_b ? 1 : 2), bn = b.ndim - (transpose_b ? 2 : 1);
  MatmulPlan p = {};
  p.a = {a.data, a.stride[am], a.stride[ak], a.shape[am], 0, {}};
  p.b = {b.data, b.stride[bn], b.stride[bk], b.shape[bn], 0, {}};
  p.depth = a.shape[ak];
  p.batches = 1;
  p.y = y;
  int32_t d = y.ndim - 3;
  for (; d >= 0; d--) {
    const int64_t n = y.shape[d], step = batch_stride(a, y.ndim, d);
    if (n == 1) continue;
    if (batch_stride(b, y.ndim, d) != 0 || (p.a.lines != 1 && step != p.a.lines * p.a.line_stride)) break;
    if (p.a.lines == 1) p.a.line_stride = step;
    p.a.lines *= n;
  }
  p.a.batches.ndim = p.b.batches.ndim = d + 1;
  for (; d >= 0; d--) {
    p.a.batches.shape[d] = p.b.batches.shape[d] = y.shape[d];
    p.a.batches.stride[d] = batch_stride(a, y.ndim, d);
    p.b.batches.stride[d] = batch_stride(b, y.ndim, d);
    p.batches *= y.shape[d];
  }
  return p;
}

void run(nr_context* ctx, MatmulPlan p) {
  const nr_device& device = device_of(ctx);
  if (p.numel() == 0) return;
  if (p.b.lines <= 16 && p.b.lines < p.a.lines) p.turn();
  const bool is_tiny = p.batches > 1 && p.a.lines <= 16 && p.b.lines <= 32 && p.depth <= 128;
  const bool is_half = p.y.dtype == nr_dtype_f16 || (p.y.dtype == nr_dtype_bf16 && device.capability >= 80);
  const bool is_tf32 = p.y.dtype == nr_dtype_f32 && device.matmul == nr_precision_high && device.capability >= 80;
  if (is_tiny)
    matmul_simt(ctx, p);
  else if (p.a.lines <= thin_lines)
    matmul_thin(ctx, p);
  else if (!is_half || p.a.lines <= 16 || !matmul_hopper(ctx, p))
    (is_half ? matmul_mma : is_tf32 ? matmul_tf32 : matmul_simt)(ctx, p);
}

constexpr int panel_lines = 32;

// 32 × 32 elements at a time pass through shared memory, so that both ends are read and written side by side.
template <class T>
struct PackPanels {
  static constexpr int threads = 256;
  const T* w;
  int64_t stride_n, stride_k, N, K;
  T* packed;

  __device__ void operator()() const {
    SIMT_SHARED(T, tile, [panel_lines][panel_lines + 1]);
    const int fast = static_cast<int>(threadIdx.x) % 32, slow = static_cast<int>(threadIdx.x) / 32;
    const int64_t blocks_k = (K + 31) / 32, n0 = blockIdx.x / blocks_k * panel_lines, k0 = blockIdx.x % blocks_k * 32;
    for (int i = slow; i < 32; i += threads / 32) {
      const int k = stride_n == 1 ? i : fast, n = stride_n == 1 ? fast : i;
      tile[k][n] = k0 + k < K && n0 + n < N ? w[(n0 + n) * stride_n + (k0 + k) * stride_k] : T{};
    }
    __syncthreads();
    for (int k = slow; k < 32; k += threads / 32)
      if (k0 + k < K) packed[n0 * K + (k0 + k) * panel_lines + fast] = tile[k][fast];
  }
};

}  // namespace

void matmul(nr_context* ctx, const nr_tensor* a, const nr_tensor* b, const nr_optional* bias,
            const nr_optional* residual, nr_tensor* y, nr_optional* preactivation, bool transpose_a, bool transpose_b,
            int64_t activation) {
  MatmulPlan p = make_plan(*a, *b, *y, transpose_a, transpose_b);
  p.bias = *bias;
  p.residual = *residual;
  p.preactivation = *preactivation;
  p.activation = activation;
  run(ctx, p);
}

void matmul_pack(nr_context* ctx, const nr_tensor* w, nr_tensor* packed, bool transpose) {
  const int rows = transpose ? 1 : 0, columns = transpose ? 0 : 1;
  dispatch_size(w->dtype, [&]<class T>() {
    const PackPanels<T> kernel = {
        static_cast<const T*>(w->data), w->stride[columns], w->stride[rows], w->shape[columns], w->shape[rows],
        static_cast<T*>(packed->data)};
    launch(ctx, tiles_for(kernel.N, panel_lines) * tiles_for(kernel.K, 32), kernel);
  });
}

void matmul_packed(nr_context* ctx, const nr_tensor* a, const nr_tensor* packed, const nr_optional* bias,
                   const nr_optional* residual, nr_tensor* y, int64_t activation) {
  MatmulPlan p = {};
  p.a = {a->data, a->stride[0], a->stride[1], a->shape[0], 0, {}};
  p.b = {packed->data, 1, panel_lines, y->shape[1], a->shape[1] * panel_lines, {}};
  p.depth = a->shape[1];
  p.batches = 1;
  p.y = *y;
  p.bias = *bias;
  p.residual = *residual;
  p.activation = activation;
  run(ctx, p);
}

}  // namespace neurite::cuda
