import { ones } from '../../lib'
import { gru } from '../../lib/ops/gru'
import { NdArray, testOp } from '../support'
import { product, recurrentReference, recurrentShapes, sigmoid, type Step } from '../support/recurrent'

const step =
  (w: NdArray, b: NdArray | null): Step =>
  (x, [h]) => {
    const sums = product(w, h)
    const at = (k: number, u: number) => k * h.length + u
    return [
      h.map((v, u) => {
        const [r, z] = [0, 1].map((k) => sigmoid(x[at(k, u)] + sums[at(k, u)]))
        const n = Math.tanh(x[at(2, u)] + r * (sums[at(2, u)] + (b?.at([u]) ?? 0)))
        return (1 - z) * n + z * v
      }),
    ]
  }

const w = { range: [-0.5, 0.5] } as const

testOp('gru', {
  op: (x, weights, b, h0) => gru(x, weights, b, h0),
  ref: (x, weights, b, h0) => recurrentReference(x, [h0], null, false, step(weights, b)),
  shapes: recurrentShapes(3, [[1, 3, 7], [2, 1, 16], [5, 17, 1], [5, 2, 3], [3, 2, 33], [3, 0, 2]], (b, h) => [
    [h],
    [b, h],
  ]),
  large: [[6, 40, 120], [120, 40], [40], [40, 40]],
  inputs: [{}, w],
  tolerance: 8,
})

testOp('gru of several lengths from their ends', {
  op: (x, weights, b, h0, lengths) => gru(x, weights, b, h0, { lengths, reverse: true }),
  ref: (x, weights, b, h0, lengths) => recurrentReference(x, [h0], lengths, true, step(weights, b)),
  shapes: recurrentShapes(3, [[3, 3, 7], [5, 17, 1], [4, 2, 3], [3, 5, 16]], (b, h) => [[h], [b, h], [b]]),
  large: [[3, 1, 1200], [1200, 400], [400], [1, 400], [1]],
  inputs: [{}, w, {}, {}, { dtype: 'int64', range: [1, 3] }],
  tolerance: 8,
})

testOp('gru from zeros, without bias', {
  op: (x, weights, lengths) => gru(x, weights, null, null, { lengths }),
  ref: (x, weights, lengths) => {
    const zeros = NdArray.make([x.shape[1], weights.shape[1]], () => 0)
    return recurrentReference(x, [zeros], lengths, false, step(weights, null))
  },
  shapes: recurrentShapes(3, [[2, 3, 5], [4, 9, 2]], (b) => [[b]]),
  inputs: [{}, w, { dtype: 'int64', range: [1, 2] }],
  tolerance: 8,
})

test('a bias of another size is refused', () => {
  expect(() => gru(ones([2, 3, 6]), ones([6, 2]), ones([6]), null)).toThrow('gru: expected b [2], got [6]')
})
