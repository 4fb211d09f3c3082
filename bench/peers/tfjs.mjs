// TensorFlow.js on WebAssembly: node tfjs.mjs FOLDER, where FOLDER has @tensorflow/tfjs and its backend wasm in its
// node_modules. In Node that has SIMD but no threads, so that it takes part with one thread only.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { serve } from '../serve.mjs'

const require = createRequire(join(process.argv[2], 'package.json'))
const tf = require('@tensorflow/tfjs')
const backend = require('@tensorflow/tfjs-backend-wasm')

backend.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'))
await tf.setBackend('wasm')
await tf.ready()

/** A run ends when its value can be read. */
const read = (tensor) => {
  tensor.dataSync()
  tensor.dispose()
}

function product({ B, M, N, K, layout }) {
  // Transposed and large products take it seconds, which are better spent elsewhere.
  if (layout !== 'NN' || M * N * K > 2 ** 30) return null
  const batch = B ? [B] : []
  const a = tf.randomNormal([...batch, M, K])
  const b = tf.randomNormal([...batch, K, N])
  return () => read(tf.matMul(a, b))
}

function conv({ B, C, O, size, kernel, stride, padding, dilation, groups }) {
  if (groups > 1 && groups !== C) return null
  const x = tf.randomNormal([B, ...size, C])
  if (groups === C) {
    const w = tf.randomNormal([...kernel, C, 1])
    return () => read(tf.depthwiseConv2d(x, w, stride, padding, 'NHWC', dilation))
  }
  const w = tf.randomNormal([...kernel, C, O])
  return () => read(tf.conv2d(x, w, stride, padding, 'NHWC', dilation))
}

const elementwise = ['relu', 'exp', 'tanh', 'sigmoid', 'erf']

function unary({ op, shape, form }) {
  if (form || !elementwise.includes(op)) return null
  const x = tf.randomNormal(shape)
  return () => read(tf[op](x))
}

function add({ shape, other }) {
  const [a, b] = [tf.randomNormal(shape), tf.randomNormal(other)]
  return () => read(tf.add(a, b))
}

function reduction({ op, shape, dim }) {
  const x = tf.randomNormal(shape)
  if (op !== 'argmax') return () => read(tf[op](x, dim ?? undefined))
  return dim === null ? null : () => read(tf.argMax(x, dim))
}

function softmax({ shape, dim }) {
  if (dim >= 0) return null
  const x = tf.randomNormal(shape)
  return () => read(tf.softmax(x))
}

function transpose({ shape, dims }) {
  const x = tf.randomNormal(shape)
  return () => read(tf.transpose(x, dims))
}

function dense(sizes) {
  return sizes.slice(1).map((units, i) => {
    const activation = i < sizes.length - 2 ? 'relu' : 'linear'
    return tf.layers.dense({ units, activation, ...(i === 0 && { inputShape: [sizes[0]] }) })
  })
}

function step(layers, x, classes, optimizer) {
  const model = tf.sequential({ layers })
  const y = tf.oneHot(tf.randomUniform([x.shape[0]], 0, classes, 'int32'), classes).toFloat()
  const weights = model.trainableWeights.map((weight) => weight.val)
  const loss = () => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }))
  return () => read(optimizer.minimize(loss, true, weights))
}

function training({ model, detail, optimizer }) {
  // The backend has no gradients of convolutions.
  const make = { SGD: tf.train.sgd, Adam: tf.train.adam }[optimizer]
  if (!make || model !== 'mlp') return null
  const batch = Number(/B(\d+)/.exec(detail)[1])
  return step(dense([784, 512, 256, 10]), tf.randomNormal([batch, 784]), 10, make(1e-3))
}

function dispatch({ task }) {
  const tiny = () => dense([16, 16, 16, 4])
  const x = tf.randomNormal([4, 16])
  if (task.endsWith('step Adam')) return step(tiny(), x, 4, tf.train.adam(1e-3))
  if (task.endsWith('fwd')) {
    const model = tf.sequential({ layers: tiny() })
    return () => read(tf.tidy(() => model.apply(x)))
  }
  const [a, b] = [tf.randomNormal([16]), tf.randomNormal([16])]
  return task === 'add 16 no-grad' ? () => tf.add(a, b).dispose() : null
}

const makers = {
  sgemm: product,
  bmm: product,
  'conv2d fwd': conv,
  'elt add': add,
  softmax,
  sum: reduction,
  max: reduction,
  argmax: reduction,
  transpose,
  'train step': training,
  dispatch,
}

await serve(tf.version.tfjs, ({ bench, args, threads }) => {
  const make = makers[bench] ?? (bench.startsWith('elt ') ? unary : null)
  const run = make && threads === 1 ? make(args) : null
  if (run === null) return []
  const repeat = (count) => {
    for (let i = 0; i < count; i++) run()
  }
  return [{ peer: 'tfjs', make: () => ({ repeat, close: () => tf.disposeVariables() }) }]
})
