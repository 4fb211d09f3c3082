import { rnn } from '../../lib/ops/rnn'
import { NdArray, testOp } from '../support'
import { product, recurrentReference, recurrentShapes, type Step } from '../support/recurrent'

const activations = { tanh: Math.tanh, relu: (x: number) => Math.max(x, 0) }

const step =
  (w: NdArray, nonlinearity: keyof typeof activations): Step =>
  (x, [h]) => [product(w, h).map((v, u) => activations[nonlinearity](v + x[u]))]

const state = (b: number, h: number) => [[b, h]]
/** Narrow: a step among 600 units shall not grow the rounding of the one before. */
const w = { range: [-0.1, 0.1] } as const

describe.each(['tanh', 'relu'] as const)('%s', (nonlinearity) => {
  testOp('rnn', {
    op: (x, weights, h0) => rnn(x, weights, h0, { nonlinearity }),
    ref: (x, weights, h0) => recurrentReference(x, [h0], null, false, step(weights, nonlinearity)),
    shapes: recurrentShapes(1, [[1, 3, 7], [2, 1, 16], [5, 17, 1], [5, 2, 3], [3, 2, 33], [3, 0, 2]], state),
    large: [[6, 40, 40], [40, 40], [40, 40]],
    inputs: [{}, w],
    tolerance: 8,
  })

  testOp('rnn of several lengths from their ends', {
    op: (x, weights, h0, lengths) => rnn(x, weights, h0, { nonlinearity, lengths, reverse: true }),
    ref: (x, weights, h0, lengths) => recurrentReference(x, [h0], lengths, true, step(weights, nonlinearity)),
    shapes: recurrentShapes(1, [[3, 3, 7], [5, 17, 1], [4, 2, 3], [3, 5, 16]], (b, h) => [[b, h], [b]]),
    large: [[3, 1, 600], [600, 600], [1, 600], [1]],
    inputs: [{}, w, {}, { dtype: 'int64', range: [1, 3] }],
    tolerance: 8,
  })
})

testOp('rnn from zeros', {
  op: (x, weights, lengths) => rnn(x, weights, null, { lengths }),
  ref: (x, weights, lengths) => {
    const zeros = NdArray.make([x.shape[1], weights.shape[1]], () => 0)
    return recurrentReference(x, [zeros], lengths, false, step(weights, 'tanh'))
  },
  shapes: recurrentShapes(1, [[2, 3, 5], [4, 9, 2]], (b) => [[b]]),
  inputs: [{}, w, { dtype: 'int64', range: [1, 2] }],
  tolerance: 8,
})
