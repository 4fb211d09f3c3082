// Matrix products: squares, the shapes of language models, transposed operands, batches.
const shapes = [
  ...[64, 128, 256, 512, 1024, 2048].map((s) => [s, s, s, 'NN']),
  [1, 4096, 4096, 'NN'],
  [8, 4096, 4096, 'NN'],
  [32, 3072, 768, 'NN'],
  [128, 768, 768, 'NN'],
  [512, 50257, 768, 'NT'],
  [4096, 64, 64, 'NN'],
  [512, 512, 512, 'NT'],
  [1024, 1024, 1024, 'NT'],
  [128, 768, 768, 'NT'],
  [512, 512, 512, 'TN'],
  [1024, 1024, 1024, 'TN'],
]

const square = shapes.map(([M, N, K, layout]) => ({
  bench: 'sgemm',
  params: `M${M} N${N} K${K} ${layout}`,
  flops: 2 * M * N * K,
  prepare(n) {
    const a = layout[0] === 'T' ? n.randn([K, M]).T : n.randn([M, K])
    const b = layout[1] === 'T' ? n.randn([N, K]).T : n.randn([K, N])
    return () => a.matmul(b).dispose()
  },
}))

const batched = [
  [48, 128, 128, 64],
  [48, 512, 64, 512],
].map(([B, M, N, K]) => ({
  bench: 'bmm',
  params: `B${B} M${M} N${N} K${K}`,
  flops: 2 * B * M * N * K,
  prepare(n) {
    const a = n.randn([B, M, K])
    const b = n.randn([B, K, N])
    return () => a.matmul(b).dispose()
  },
}))

export const gemm = [...square, ...batched]
