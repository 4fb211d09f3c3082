// What only moves elements: transposed copies, rows of a table, windows.
import { float32, forward, forwardBackward, passes } from '../passes.mjs'

function permuted(params, shape, dims) {
  return {
    bench: 'transpose',
    params,
    args: { shape, dims },
    bytes: [float32(shape), float32(shape)],
    prepare(n) {
      const x = n.randn(shape).permute(dims)
      return forward(n, () => x.contiguous())
    },
  }
}

function embedding(pass) {
  const [B, T, V, D] = [8, 512, 50257, 768]
  const picked = float32([B, T, D])
  return {
    bench: `embedding ${pass}`,
    params: `${B}x${T} of ${V}x${D}`,
    args: { B, T, V, D },
    // The gradient of the whole table is written.
    bytes: pass === 'fwd' ? [picked, picked] : [2 * picked, picked + float32([V, D])],
    prepare(n) {
      const layer = new n.nn.Embedding(V, D)
      const index = n.randint(0, V, [B, T])
      if (pass === 'fwd') return forward(n, () => layer.forward(index))
      return forwardBackward(n, [layer.weight], () => layer.forward(index))
    },
  }
}

function pooling(op, pass, params, { shape, kernel, stride, padding = 0 }) {
  const out = shape.map((size, i) => (i < 2 ? size : Math.floor((size + 2 * padding - kernel) / stride) + 1))
  const [x, y] = [float32(shape), float32(out)]
  const options = { kernelSize: kernel, stride, padding }
  return {
    bench: `${op}2d ${pass}`,
    params,
    args: { op, pass, shape, kernel, stride, padding },
    bytes: pass === 'fwd' ? [x, y] : [x + y, y + x],
    prepare(n) {
      const input = n.randn(shape)
      const pool = n.nn.functional[op === 'maxpool' ? 'maxPool2d' : 'avgPool2d']
      return passes[pass](n, { leaves: [input], run: () => pool(input, options) })
    },
  }
}

const stem = { shape: [8, 64, 112, 112], kernel: 3, stride: 2, padding: 1 }
const halves = { shape: [64, 64, 32, 32], kernel: 2, stride: 2 }

export const copies = [
  permuted('4096x1024 copy', [4096, 1024], [1, 0]),
  permuted('8x512x12x64 (0,2,1,3)', [8, 512, 12, 64], [0, 2, 1, 3]),
  permuted('8x64x56x56 nchw-nhwc', [8, 64, 56, 56], [0, 2, 3, 1]),
  embedding('fwd'),
  embedding('fwd+bwd'),
  ...['fwd', 'fwd+bwd'].flatMap((pass) => [
    pooling('maxpool', pass, '3x3s2 8x64x112x112', stem),
    pooling('maxpool', pass, '2x2s2 64x64x32x32', halves),
    pooling('avgpool', pass, '2x2s2 64x64x32x32', halves),
  ]),
]
