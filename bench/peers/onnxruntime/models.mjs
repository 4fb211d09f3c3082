// The whole models that onnxruntime has, as graphs with random weights: ResNet-50, BERT-base's encoder, GPT-2, and the
// tiny models that measure what a node costs. They equal those in bench/models.
import { Graph, random } from './onnx.mjs'

const contrib = { domain: 'com.microsoft' }

const ones = (g, size) => g.constant([size], new Float32Array(size).fill(1))
const linear = (g, x, inputs, outputs) =>
  g.node('Add', [g.node('MatMul', [x, g.constant([inputs, outputs])]), g.constant([outputs])])
const layerNorm = (g, x, size) => g.node('LayerNormalization', [x, ones(g, size), g.constant([size])])

/** Convolution with the batch norm that follows folded into it, as optimizers of graphs do. */
function conv(g, x, inputs, outputs, kernel, stride, hasRelu = true) {
  const fan = inputs * kernel ** 2
  const w = g.constant([outputs, inputs, kernel, kernel], random(outputs * fan, fan ** -0.5))
  const y = g.node('Conv', [x, w, g.constant([outputs])], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: new Array(4).fill(kernel >> 1),
  })
  return hasRelu ? g.node('Relu', [y]) : y
}

function resnet50({ B }) {
  const g = new Graph()
  const stem = conv(g, g.input([B, 3, 224, 224]), 3, 64, 7, 2)
  let x = g.node('MaxPool', [stem], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })
  let inputs = 64
  for (const [stage, depth] of [3, 4, 6, 3].entries()) {
    const width = 64 << stage
    for (let i = 0; i < depth; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1
      const body = conv(g, conv(g, x, inputs, width, 1, 1), width, width, 3, stride)
      const shortcut = i === 0 ? conv(g, x, inputs, 4 * width, 1, stride, false) : x
      x = g.node('Relu', [g.node('Add', [conv(g, body, width, 4 * width, 1, 1, false), shortcut])])
      inputs = 4 * width
    }
  }
  return g.output(linear(g, g.node('Flatten', [g.node('GlobalAveragePool', [x])]), 2048, 1000))
}

const projections = (g, x, width) => [0, 1, 2].map(() => linear(g, x, width, width))

function bert() {
  const g = new Graph()
  const width = 768
  let x = g.input([1, 128, width])
  for (let layer = 0; layer < 12; layer++) {
    const attended = g.node('MultiHeadAttention', projections(g, x, width), { num_heads: 12 }, contrib)
    x = layerNorm(g, g.node('Add', [x, linear(g, attended, width, width)]), width)
    const hidden = g.node('Gelu', [linear(g, x, width, 4 * width)])
    x = layerNorm(g, g.node('Add', [x, linear(g, hidden, 4 * width, width)]), width)
  }
  return g.output(x)
}

/** GPT-2 for `length` tokens: inputs are the index, the positions and, for decoding, keys and values of each layer. */
function gpt2(length, hasPast) {
  const g = new Graph()
  const [width, heads, vocabulary] = [768, 12, 50257]
  const table = g.constant([vocabulary, width])
  const positions = g.node('Gather', [g.constant([1024, width]), g.input([1, length], 'int64')])
  let x = g.node('Add', [g.node('Gather', [table, g.input([1, length], 'int64')]), positions])
  const presents = []
  for (let layer = 0; layer < 12; layer++) {
    const past = hasPast ? ['', '', '', ...[0, 1].map(() => g.input([1, heads, 'past', width / heads]))] : []
    const results = g.node(
      'MultiHeadAttention',
      [...projections(g, layerNorm(g, x, width), width), ...past],
      { num_heads: heads, unidirectional: 1 },
      { ...contrib, count: 3 },
    )
    presents.push(...results.slice(1))
    x = g.node('Add', [x, linear(g, results[0], width, width)])
    const hidden = g.node('Gelu', [linear(g, layerNorm(g, x, width), width, 4 * width)], { approximate: 'tanh' })
    x = g.node('Add', [x, linear(g, hidden, 4 * width, width)])
  }
  const rows = g.node('Reshape', [layerNorm(g, x, width), g.integers(length, width)])
  g.output(g.node('Gemm', [rows, table], { transB: 1 }))
  if (hasPast) for (const present of presents) g.output(present)
  return g
}

export const inference = {
  resnet50,
  bert,
  'gpt2 prefill': () => gpt2(128, false),
  'gpt2 decode': () => gpt2(1, true),
}

function chain(length) {
  const g = new Graph()
  const [a, b] = [g.input([16]), g.input([16])]
  let x = a
  for (let i = 0; i < length; i++) x = g.node('Add', [x, b])
  return g.output(x)
}

function tinyMlp() {
  const g = new Graph()
  const layer = (x, inputs, outputs) => g.node('Gemm', [x, g.constant([inputs, outputs]), g.constant([outputs])])
  const hidden = g.node('Relu', [layer(g.input([4, 16]), 16, 16)])
  return g.output(layer(g.node('Relu', [layer(hidden, 16, 16)]), 16, 4))
}

export const tiny = {
  'add 16 no-grad': () => chain(1),
  '100 chained adds 16 no-grad': () => chain(100),
  'tiny mlp 16-16-16-4 B4 fwd': tinyMlp,
}
