// Convolutions: the layers of ResNet-50 at batch 1 and 8, each direction on its own, and the other kinds: depthwise,
// grouped, dilated, 1 and 3 dimensions, transposed.
import { backward, float32, passes, product } from '../passes.mjs'

/** What a row needs to know of a convolution; `size` and `kernel` are per dimension. */
function describe(label, { B, C, O, size, kernel, stride = 1, padding = 0, dilation = 1, groups = 1, transposed }) {
  const out = size.map((n, i) => {
    const reach = dilation * (kernel[i] - 1)
    if (transposed) return (n - 1) * stride - 2 * padding + reach + 1
    return Math.floor((n + 2 * padding - reach - 1) / stride) + 1
  })
  const args = { B, C, O, size, kernel, stride, padding, dilation, groups, transposed: Boolean(transposed) }
  const x = [B, C, ...size]
  const y = [B, O, ...out]
  const w = transposed ? [C, O / groups, ...kernel] : [O, C / groups, ...kernel]
  const flops = (2 * B * C * O * product(transposed ? size : out) * product(kernel)) / groups
  return { name: `conv${transposed ? '_transpose' : ''}${size.length}d`, label: `${label} B${B}`, args, x, y, w, flops }
}

/** The tensors, and the convolution of them. */
function make(n, { args, x, w }) {
  const { O, size, stride, padding, dilation, groups, transposed } = args
  const conv = n.nn.functional[`conv${transposed ? 'Transpose' : ''}${size.length}d`]
  const leaves = [n.randn(x), n.randn(w), n.zeros([O])]
  return { leaves, run: () => conv(...leaves, { stride, padding, dilation, groups }) }
}

/** Forward, and forward with backward. */
function bothPasses(conv) {
  const { name, label, args, x, y, w, flops } = conv
  const common = { params: label, args }
  return [
    {
      bench: `${name} fwd`,
      ...common,
      flops,
      bytes: [float32(x, w), float32(y)],
      prepare: (n) => passes.fwd(n, make(n, conv)),
    },
    {
      bench: `${name} fwd+bwd`,
      ...common,
      flops: 3 * flops,
      bytes: [float32(x, w, x, w, y), float32(x, w, y)],
      prepare: (n) => passes['fwd+bwd'](n, make(n, conv)),
    },
  ]
}

/** One gradient alone; `which` is the place of the tensor in x, w. */
function oneGradient(conv, bench, which) {
  const { label, args, x, y, w, flops } = conv
  const [wanted, other] = which === 0 ? [x, w] : [w, x]
  return {
    bench,
    params: label,
    args,
    flops,
    bytes: [float32(y, other), float32(wanted)],
    prepare(n) {
      const { leaves, run } = make(n, conv)
      return backward(n, [leaves[which].setRequiresGrad()], run)
    },
  }
}

//               kernel, stride, in, out, size of the input
const resnet50 = [
  [7, 2, 3, 64, 224],
  [1, 1, 64, 64, 56],
  [3, 1, 64, 64, 56],
  [1, 1, 64, 256, 56],
  [1, 1, 256, 64, 56],
  [1, 1, 256, 128, 56],
  [3, 2, 128, 128, 56],
  [1, 1, 128, 512, 28],
  [1, 2, 256, 512, 56],
  [1, 1, 512, 128, 28],
  [3, 1, 128, 128, 28],
  [1, 1, 512, 256, 28],
  [3, 2, 256, 256, 28],
  [1, 1, 256, 1024, 14],
  [1, 2, 512, 1024, 28],
  [1, 1, 1024, 256, 14],
  [3, 1, 256, 256, 14],
  [1, 1, 1024, 512, 14],
  [3, 2, 512, 512, 14],
  [1, 1, 512, 2048, 7],
  [1, 2, 1024, 2048, 14],
  [1, 1, 2048, 512, 7],
  [3, 1, 512, 512, 7],
]
const layers = [8, 1].flatMap((B) =>
  resnet50.map(([k, stride, C, O, hw]) =>
    describe(`${k}x${k}${stride > 1 ? `s${stride}` : ''} ${C}-${O}@${hw}`, {
      B,
      C,
      O,
      size: [hw, hw],
      kernel: [k, k],
      stride,
      padding: k >> 1,
    }),
  ),
)

const depthwise = (k, C, hw) =>
  describe(`dw${k}x${k} ${C}@${hw}`, {
    B: 8,
    C,
    O: C,
    groups: C,
    size: [hw, hw],
    kernel: [k, k],
    padding: k >> 1,
  })

const transposed = (label, sizes) => describe(label, { stride: 2, transposed: true, ...sizes })

const others = [
  depthwise(3, 32, 112),
  depthwise(3, 144, 56),
  depthwise(3, 576, 14),
  depthwise(5, 144, 28),
  depthwise(5, 672, 14),
  describe('3x3d2 256-256@28', { B: 8, C: 256, O: 256, size: [28, 28], kernel: [3, 3], padding: 2, dilation: 2 }),
  describe('3x3g32 128-128@56', { B: 8, C: 128, O: 128, groups: 32, size: [56, 56], kernel: [3, 3], padding: 1 }),
  describe('k3 256-256 L1024', { B: 8, C: 256, O: 256, size: [1024], kernel: [3], padding: 1 }),
  describe('3x3x3 32-64 16x28x28', { B: 4, C: 32, O: 64, size: [16, 28, 28], kernel: [3, 3, 3], padding: 1 }),
  transposed('k4s2 128-64 L512', { B: 8, C: 128, O: 64, size: [512], kernel: [4], padding: 1 }),
  transposed('4x4s2 128-64@28', { B: 8, C: 128, O: 64, size: [28, 28], kernel: [4, 4], padding: 1 }),
  transposed('2x2x2s2 64-32 8x14x14', { B: 4, C: 64, O: 32, size: [8, 14, 14], kernel: [2, 2, 2] }),
]

export const convForward = [...layers, ...others].map((conv) => bothPasses(conv)[0])

export const convBackward = [
  ...layers.flatMap((conv) => [oneGradient(conv, 'conv2d bwd-data', 0), oneGradient(conv, 'conv2d bwd-weight', 1)]),
  ...others.map((conv) => bothPasses(conv)[1]),
]
