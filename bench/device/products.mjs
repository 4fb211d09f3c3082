// Matrix products, linear layers with what follows them, and convolutions of ResNet-50 on devices.
import { passes } from '../passes.mjs'
import { formatArgs, sizeOf } from './formats.mjs'

export function matmul(M, N, K, format) {
  const args = { M, N, K, layout: 'NN', ...formatArgs(format) }
  return {
    bench: 'gemm',
    params: `${format} M${M} N${N} K${K}`,
    args,
    flops: 2 * M * N * K,
    bytes: [sizeOf(format, [M, K], [K, N]), sizeOf(format, [M, N])],
    prepare(n) {
      const a = n.randn([M, K], { dtype: args.dtype })
      const b = n.randn([K, N], { dtype: args.dtype })
      return () => n.noGrad(() => a.matmul(b).dispose())
    },
  }
}

function convolution(pass, format, { B, C, O, hw, k, stride = 1 }) {
  const out = Math.floor((hw + 2 * (k >> 1) - k) / stride) + 1
  const [x, w, y] = [
    [B, C, hw, hw],
    [O, C, k, k],
    [B, O, out, out],
  ]
  const times = pass === 'fwd' ? 1 : 3
  const args = { B, C, O, size: [hw, hw], kernel: [k, k], stride, padding: k >> 1, dilation: 1, groups: 1 }
  return {
    bench: `conv2d ${pass}`,
    params: `${format} ${k}x${k}${stride > 1 ? `s${stride}` : ''} ${C}-${O}@${hw} B${B}`,
    args: { ...args, transposed: false, ...formatArgs(format) },
    flops: 2 * times * B * O * out * out * C * k * k,
    bytes: [times * sizeOf(format, x, w), times * sizeOf(format, y)],
    prepare(n) {
      const { dtype } = formatArgs(format)
      const leaves = [n.randn(x, { dtype }), n.randn(w, { dtype }), n.zeros([O], { dtype })]
      const run = () => n.nn.functional.conv2d(...leaves, { stride, padding: k >> 1 })
      return passes[pass](n, { leaves, run })
    },
  }
}

const layers = [
  { C: 3, O: 64, hw: 224, k: 7, stride: 2 },
  { C: 64, O: 64, hw: 56, k: 3 },
  { C: 256, O: 64, hw: 56, k: 1 },
  { C: 128, O: 128, hw: 28, k: 3 },
  { C: 512, O: 512, hw: 7, k: 3 },
]

export function products(isSmall) {
  if (isSmall) return [matmul(64, 48, 40, 'bfloat16'), matmul(33, 17, 65, 'float32')]
  return [
    ...['float32', 'tf32', 'float16', 'bfloat16'].flatMap((format) => [
      ...[1024, 4096].map((size) => matmul(size, size, size, format)),
      matmul(8, 4096, 4096, format),
    ]),
    matmul(512, 50257, 768, 'bfloat16'),
    matmul(16384, 768, 3072, 'bfloat16'),
  ]
}

// Convolutions of float32 may be rounded to tf32 unless told otherwise, there and here.
export function convolutions(isSmall) {
  if (isSmall) return [convolution('fwd+bwd', 'bfloat16', { B: 1, C: 8, O: 8, hw: 6, k: 3 })]
  return ['fwd', 'fwd+bwd'].flatMap((pass) => [
    ...layers.map((layer) => convolution(pass, 'bfloat16', { B: 32, ...layer })),
    ...layers.slice(1, 4).map((layer) => convolution(pass, 'tf32', { B: 32, ...layer })),
  ])
}
