// Softmax and the norms, forward and with backward, and cross-entropy.
import { float32, forward, forwardBackward, passes } from '../passes.mjs'

/** Least traffic: forward reads x and writes y; backward reads x and dy and writes dx. */
const traffic = {
  fwd: (shape) => [float32(shape), float32(shape)],
  'fwd+bwd': (shape) => [3 * float32(shape), 2 * float32(shape)],
}

/** `layerOf(n)` makes a module. */
function norm(bench, pass, params, shape, layerOf, isTraining = true) {
  return {
    bench,
    params,
    args: { pass, shape, isTraining },
    bytes: traffic[pass](shape),
    prepare(n) {
      const layer = layerOf(n).train(isTraining)
      const x = n.randn(shape)
      return passes[pass](n, { leaves: [x, ...layer.parameters()], run: () => layer.forward(x) })
    },
  }
}

const images = [32, 64, 56, 56]
const layerNorm = (n) => new n.nn.LayerNorm(768)
const rmsNorm = (n) => new n.nn.RMSNorm(768)
const batchNorm = (n) => new n.nn.BatchNorm2d(64)

function softmax(bench, pass, shape, dim = -1) {
  return {
    bench,
    params: shape.join('x') + (dim < 0 ? '' : ` dim${dim}`),
    args: { pass, shape, dim },
    bytes: traffic[pass](shape),
    prepare(n) {
      const x = n.randn(shape)
      return passes[pass](n, { leaves: [x], run: () => n.softmax(x, { dim }) })
    },
  }
}

function crossEntropy(pass, N, C) {
  return {
    bench: `cross_entropy ${pass}`,
    params: `${N}x${C}`,
    args: { pass, N, C },
    bytes: pass === 'fwd' ? [float32([N, C]), 0] : [2 * float32([N, C]), float32([N, C])],
    prepare(n) {
      const x = n.randn([N, C])
      const y = n.randint(0, C, [N])
      if (pass === 'fwd') return forward(n, () => n.crossEntropy(x, y))
      return forwardBackward(n, [x.setRequiresGrad()], () => n.crossEntropy(x, y))
    },
  }
}

export const norms = [
  softmax('softmax', 'fwd', [4096, 1024]),
  softmax('softmax', 'fwd', [4096, 1024], 0),
  softmax('softmax fwd+bwd', 'fwd+bwd', [4096, 1024]),
  ...['fwd', 'fwd+bwd'].flatMap((pass) => [
    norm(`layernorm ${pass}`, pass, '4096x768', [4096, 768], layerNorm),
    norm(`rmsnorm ${pass}`, pass, '4096x768', [4096, 768], rmsNorm),
    norm(`batchnorm2d ${pass}`, pass, '32x64x56x56 train', images, batchNorm),
  ]),
  norm('batchnorm2d fwd', 'fwd', '32x64x56x56 eval', images, batchNorm, false),
  crossEntropy('fwd', 2048, 8192),
  crossEntropy('fwd+bwd', 2048, 8192),
]
