// The rows that onnxruntime has, as graphs: what each bench's args describe. A graph's maker gets {constant}: whether
// weights are in the model, which packs them ahead, or inputs.
import { Graph } from './onnx.mjs'

const contrib = { domain: 'com.microsoft' }
const product = (sizes) => sizes.reduce((a, b) => a * b, 1)

/** Both forms of a row with weights: `build(graph, weights)`, where `weights(shape)` makes them. */
const weighted = (build) => (args) =>
  [true, false].map((isPacked) => ({
    suffix: isPacked ? '' : '-dynB',
    packed: isPacked,
    graph() {
      const g = new Graph()
      return g.output(build(g, (shape) => (isPacked ? g.constant(shape) : g.input(shape)), args))
    },
  }))

/** The only form of a row: `build(graph, args)` names the result. */
const single = (build, { suffix = '', type } = {}) => (args) => {
  const graph = () => {
    const g = new Graph()
    return g.output(build(g, args), type)
  }
  return [{ suffix, graph }]
}

const gemm = weighted((g, weights, { M, N, K, layout }) => {
  if (layout === 'NN') return g.node('MatMul', [g.input([M, K]), weights([K, N])])
  const [transA, transB] = [...layout].map((letter) => (letter === 'T' ? 1 : 0))
  const a = g.input(transA ? [K, M] : [M, K])
  return g.node('Gemm', [a, weights(transB ? [N, K] : [K, N])], { transA, transB })
})

const bmm = single((g, { B, M, N, K }) => g.node('MatMul', [g.input([B, M, K]), g.input([B, K, N])]))

const dgemm = single(
  (g, { M, N, K }) => g.node('MatMul', [g.input([M, K], 'float64'), g.input([K, N], 'float64')]),
  { type: 'float64' },
)

const conv = weighted((g, weights, { B, C, O, size, kernel, stride, padding, dilation, groups, transposed }) => {
  const x = g.input([B, C, ...size])
  const w = weights(transposed ? [C, O / groups, ...kernel] : [O, C / groups, ...kernel])
  const each = (value) => size.map(() => value)
  return g.node(transposed ? 'ConvTranspose' : 'Conv', [x, w, g.constant([O])], {
    kernel_shape: kernel,
    strides: each(stride),
    pads: [...each(padding), ...each(padding)],
    dilations: each(dilation),
    group: groups,
  })
})

/** Softmax(q·k)·v from products; grouped queries become further rows of their key's product. */
function explicitAttention(g, { B, H, KV, T, S, D, kind }) {
  const q = g.input([B, KV, (H / KV) * T, D])
  const k = g.input([B, KV, D, S])
  const scores = g.node('Mul', [g.node('MatMul', [q, k]), g.constant([], Float32Array.of(D ** -0.5))])
  const masked = kind === 'masked' ? g.node('Add', [scores, g.input([T, S])]) : scores
  return g.node('MatMul', [g.node('Softmax', [masked]), g.input([B, KV, S, D])])
}

function fusedAttention(g, { B, H, KV, T, S, D, kind }) {
  const [q, k, v] = [g.input([B, T, H * D]), g.input([B, S, KV * D]), g.input([B, S, KV * D])]
  if (KV === H) {
    const mask = kind === 'masked' ? [g.input([1, 1, T, S])] : []
    const attributes = { num_heads: H, unidirectional: kind === 'causal' ? 1 : 0 }
    return g.node('MultiHeadAttention', [q, k, v, '', '', ...mask], attributes, contrib)
  }
  const last = g.constant([B], new Int32Array(B).fill(S - 1))
  const total = g.constant([], Int32Array.of(S))
  const attributes = { num_heads: H, kv_num_heads: KV }
  return g.node('GroupQueryAttention', [q, k, v, '', '', last, total], attributes, { ...contrib, count: 3 })[0]
}

const attention = (args) => [
  ...(args.kind === 'causal' ? [] : single(explicitAttention, { suffix: '-explicit' })(args)),
  ...(args.kind === 'decode' ? [] : single(fusedAttention, { suffix: '-mha' })(args)),
]

const recurrent = single((g, { kind, L, B, T, I, H, bidirectional, lengths }) => {
  const gates = kind === 'LSTM' ? 4 : 3
  const directions = bidirectional ? 2 : 1
  let x = g.input([T, B, I])
  for (let layer = 0; layer < L; layer++) {
    const weights = [layer === 0 ? I : H, H].map((width) => g.constant([directions, gates * H, width]))
    const biases = g.constant([directions, 2 * gates * H])
    const ends = lengths ? [g.constant([B], Int32Array.from(lengths))] : []
    const options = { hidden_size: H, direction: bidirectional ? 'bidirectional' : 'forward' }
    if (kind === 'GRU') options.linear_before_reset = 1
    x = g.node(kind, [x, ...weights, biases, ...ends], options)
    if (layer < L - 1) x = g.node('Squeeze', [x, g.integers(1)])
  }
  return x
})

const unaryOps = { relu: 'Relu', exp: 'Exp', tanh: 'Tanh', sigmoid: 'Sigmoid', erf: 'Erf' }
const unary = single((g, { op, shape, form }) => {
  const x = g.input(shape)
  if (op === 'gelu') return g.node('Gelu', [x], { approximate: form || 'none' })
  if (op === 'silu') return g.node('QuickGelu', [x], { alpha: { float: 1 } }, contrib)
  return g.node(unaryOps[op], [x])
})

const add = single((g, { shape, other }) => g.node('Add', [g.input(shape), g.input(other)]))
const softmax = single((g, { shape, dim }) => g.node('Softmax', [g.input(shape)], { axis: dim }))

/** A norm with `vectors` of its own; the last ones are statistics. */
const norm = (op, vectors, axis) =>
  single((g, { shape }) => {
    const size = shape.at(axis)
    const ones = () => g.constant([size], new Float32Array(size).fill(1))
    return g.node(op, [g.input(shape), ...Array.from({ length: vectors }, ones)])
  })
const batchNorm = norm('BatchNormalization', 4, 1)

const sum = single((g, { shape, dim }) =>
  g.node('ReduceSum', [g.input(shape), ...(dim === null ? [] : [g.integers(dim)])], { keepdims: 0 }),
)
const max = single((g, { shape, dim }) =>
  g.node('ReduceMax', [g.input(shape), ...(dim === null ? [] : [g.integers(dim)])], { keepdims: 0 }),
)
const argmax = single(
  (g, { shape, dim }) => {
    const x = g.input(dim === null ? [product(shape)] : shape)
    return g.node('ArgMax', [x], { axis: dim ?? 0, keepdims: 0 })
  },
  { type: 'int64' },
)
const topk = single((g, { shape, k, dim }) => {
  const [values] = g.node('TopK', [g.input(shape), g.integers(k)], { axis: dim }, { count: 2 })
  return values
})

const transpose = single((g, { shape, dims }) => g.node('Transpose', [g.input(shape)], { perm: dims }))
const embedding = single((g, { B, T, V, D }) => g.node('Gather', [g.constant([V, D]), g.input([B, T], 'int64')]))
const pool = (op) =>
  single((g, { shape, kernel, stride, padding }) =>
    g.node(op, [g.input(shape)], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    }),
  )

/** Makers by bench: args to a list of {suffix, packed?, graph()}. */
export const makers = {
  sgemm: gemm,
  linear: gemm,
  dgemm,
  bmm,
  'attention fwd': attention,
  'lstm fwd': recurrent,
  'gru fwd': recurrent,
  'elt add': add,
  softmax,
  'layernorm fwd': norm('LayerNormalization', 2, -1),
  'rmsnorm fwd': norm('SimplifiedLayerNormalization', 1, -1),
  'batchnorm2d fwd': (args) => (args.isTraining ? [] : batchNorm(args)),
  sum,
  max,
  argmax,
  topk,
  transpose,
  'embedding fwd': embedding,
  'maxpool2d fwd': pool('MaxPool'),
  'avgpool2d fwd': pool('AveragePool'),
  ...Object.fromEntries(['relu', 'gelu', 'silu', 'exp', 'tanh', 'sigmoid', 'erf'].map((op) => [`elt ${op}`, unary])),
  ...Object.fromEntries([1, 2, 3].flatMap((d) => ['', '_transpose'].map((kind) => [`conv${kind}${d}d fwd`, conv]))),
}
