import { lstm } from '../../lib/ops/lstm'
import { NdArray, testOp } from '../support'
import { product, recurrentReference, recurrentShapes, sigmoid, type Step } from '../support/recurrent'

const step =
  (w: NdArray): Step =>
  (x, [h, c]) => {
    const sums = product(w, h).map((v, i) => v + x[i])
    const gate = (k: number, u: number) => sums[k * h.length + u]
    const next = c.map((v, u) => sigmoid(gate(1, u)) * v + sigmoid(gate(0, u)) * Math.tanh(gate(2, u)))
    return [next.map((v, u) => sigmoid(gate(3, u)) * Math.tanh(v)), next]
  }

const state = (b: number, h: number) => [[b, h], [b, h]]
const withLengths = (b: number, h: number) => [...state(b, h), [b]]
const w = { range: [-0.5, 0.5] } as const
testOp('lstm', {
  op: (x, weights, h0, c0) => lstm(x, weights, h0, c0),
  ref: (x, weights, h0, c0) => recurrentReference(x, [h0, c0], null, false, step(weights)),
  shapes: recurrentShapes(4, [[1, 3, 7], [2, 1, 16], [5, 17, 1], [5, 2, 3], [3, 2, 33], [3, 0, 2]], state),
  large: recurrentShapes(4, [[6, 40, 40]], state)[0],
  inputs: [{}, w],
  tolerance: 8,
})

testOp('lstm of several lengths from their ends', {
  op: (x, weights, h0, c0, lengths) => lstm(x, weights, h0, c0, { lengths, reverse: true }),
  ref: (x, weights, h0, c0, lengths) => recurrentReference(x, [h0, c0], lengths, true, step(weights)),
  shapes: recurrentShapes(4, [[3, 3, 7], [5, 17, 1], [4, 2, 3], [3, 5, 16]], withLengths),
  large: recurrentShapes(4, [[3, 1, 400]], withLengths)[0],
  inputs: [{}, w, {}, {}, { dtype: 'int64', range: [1, 3] }],
  tolerance: 8,
})

testOp('lstm from zeros', {
  op: (x, weights, lengths) => lstm(x, weights, null, null, { lengths }),
  ref: (x, weights, lengths) => {
    const zeros = NdArray.make([x.shape[1], weights.shape[1]], () => 0)
    return recurrentReference(x, [zeros, zeros], lengths, false, step(weights))
  },
  shapes: recurrentShapes(4, [[2, 3, 5], [4, 9, 2]], (b) => [[b]]),
  inputs: [{}, w, { dtype: 'int64', range: [1, 2] }],
  tolerance: 8,
})
