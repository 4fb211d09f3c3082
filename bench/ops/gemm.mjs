// Matrix products: squares, the shapes of language models, transposed operands, batches, float64, and linear layers
// with constant weights.
import { float32, forward } from '../passes.mjs'

function operands(n, { M, N, K, layout }, options) {
  const a = layout[0] === 'T' ? n.randn([K, M], options).T : n.randn([M, K], options)
  const b = layout[1] === 'T' ? n.randn([N, K], options).T : n.randn([K, N], options)
  return [a, b]
}

function gemm(M, N, K, layout = 'NN') {
  return {
    bench: 'sgemm',
    params: `M${M} N${N} K${K} ${layout}`,
    args: { M, N, K, layout },
    flops: 2 * M * N * K,
    bytes: [float32([M, K], [K, N]), float32([M, N])],
    prepare(n) {
      const [a, b] = operands(n, { M, N, K, layout })
      return () => a.matmul(b).dispose()
    },
  }
}

function dgemm(size) {
  const args = { M: size, N: size, K: size, layout: 'NN' }
  return {
    bench: 'dgemm',
    params: `M${size} N${size} K${size} NN`,
    args,
    flops: 2 * size ** 3,
    work: 4 * size ** 3, // a float64 multiply-add takes the room of two
    bytes: [2 * float32([2, size, size]), 2 * float32([size, size])],
    prepare(n) {
      const [a, b] = operands(n, args, { dtype: 'float64' })
      return () => a.matmul(b).dispose()
    },
  }
}

function batched(B, M, N, K) {
  return {
    bench: 'bmm',
    params: `B${B} M${M} N${N} K${K}`,
    args: { B, M, N, K, layout: 'NN' },
    flops: 2 * B * M * N * K,
    bytes: [float32([B, M, K], [B, K, N]), float32([B, M, N])],
    prepare(n) {
      const a = n.randn([B, M, K])
      const b = n.randn([B, K, N])
      return () => a.matmul(b).dispose()
    },
  }
}

function linear(M, N, K) {
  return {
    bench: 'linear',
    params: `M${M} N${N} K${K}`,
    args: { M, N, K, layout: 'NT' },
    constant: true,
    flops: 2 * M * N * K,
    bytes: [float32([M, K], [K, N]), float32([M, N])],
    prepare(n) {
      const layer = new n.nn.Linear(K, N).optimizeForInference()
      const x = n.randn([M, K])
      return forward(n, () => layer.forward(x))
    },
  }
}

export const largeGemm = [
  ...[512, 1024, 2048].map((size) => gemm(size, size, size)),
  gemm(512, 50257, 768, 'NT'),
  ...['NT', 'TN'].flatMap((layout) => [512, 1024].map((size) => gemm(size, size, size, layout))),
  ...[512, 1024].map(dgemm),
]

export const smallGemm = [
  ...[64, 128, 256].map((size) => gemm(size, size, size)),
  gemm(1, 4096, 4096),
  gemm(1, 4096, 4096, 'NT'),
  gemm(8, 4096, 4096),
  gemm(32, 3072, 768),
  gemm(128, 768, 768),
  gemm(128, 768, 768, 'NT'),
  gemm(4096, 64, 64),
  dgemm(128),
  batched(48, 128, 128, 64),
  batched(48, 512, 64, 512),
  ...[32, 64, 128].map((size) => batched(64, size, size, size)),
  linear(1, 4096, 4096),
  linear(8, 4096, 4096),
  linear(32, 3072, 768),
  linear(128, 768, 768),
]
