import { arraySync, type AttentionOptions, Generator, ones, scaledDotProductAttention } from '../../lib'
import { type Tensor, tensor, zeros } from '../../lib'
import { NdArray, read, testOp } from '../support'

/** Σ over the keys of softmax(q·k·scale + bias)·v; a query that may look nowhere gets zeros. */
function attentionRef(
  q: NdArray,
  k: NdArray,
  v: NdArray,
  scale: number,
  bias: (index: number[], key: number) => number = () => 0,
): NdArray {
  const ndim = q.shape.length
  const [queries, depth] = q.shape.slice(-2)
  const keys = k.shape[ndim - 2]
  const shape = [...q.shape.slice(0, -2), queries, v.shape[ndim - 1]]
  return NdArray.make(shape, (index) => {
    const batch = index.slice(0, -2)
    const [i, column] = index.slice(-2)
    const scores = Array.from({ length: keys }, (_, j) => {
      let dot = 0
      for (let d = 0; d < depth; d++) dot += q.at([...batch, i, d]) * k.at([...batch, j, d])
      return dot * scale + bias(index, j)
    })
    if (scores.every((s) => s === -Infinity)) return 0
    const top = Math.max(...scores)
    const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0)
    return scores.reduce((sum, s, j) => sum + (Math.exp(s - top) / total) * v.at([...batch, j, column]), 0)
  })
}

const root = (q: NdArray) => 1 / Math.sqrt(q.shape[q.shape.length - 1])
const rules = { tolerance: 16, large: [[2, 4, 30, 16], [2, 4, 40, 16], [2, 4, 40, 8]] }

testOp('attention', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v),
  ref: (q, k, v) => attentionRef(q, k, v, root(q)),
  shapes: [[[3, 4], [5, 4], [5, 2]], [[2, 2, 3, 4], [2, 2, 4, 4], [2, 2, 4, 5]], [[0, 3, 4], [0, 3, 4], [0, 3, 4]]],
  ...rules,
})

testOp('attention with a scale', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { scale: 0.3 }),
  ref: (q, k, v) => attentionRef(q, k, v, 0.3),
  shapes: [[[2, 3, 4], [2, 3, 4], [2, 3, 4]]],
  ...rules,
})

testOp('causal attention', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { isCausal: true }),
  ref: (q, k, v) => attentionRef(q, k, v, root(q), (index, key) => (key <= index[index.length - 2] ? 0 : -Infinity)),
  shapes: [[[5, 4], [5, 4], [5, 2]], [[2, 3, 4], [2, 6, 4], [2, 6, 3]], [[6, 2], [3, 2], [3, 2]]],
  ...rules,
})

testOp('attention with scores added', {
  op: (q, k, v, attnMask) => scaledDotProductAttention(q, k, v, { attnMask }),
  ref: (q, k, v, mask) => attentionRef(q, k, v, root(q), (index, key) => mask.at([index[index.length - 2], key])),
  shapes: [[[2, 3, 4], [2, 5, 4], [2, 5, 2], [3, 5]]],
  tolerance: 16,
})

const allowed = [[true, false, true], [false, false, false], [true, true, true]]

testOp('attention where a mask allows it', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { attnMask: tensor(allowed) }),
  ref: (q, k, v) =>
    attentionRef(q, k, v, root(q), (index, key) => (allowed[index[index.length - 2]][key] ? 0 : -Infinity)),
  shapes: [[[2, 3, 4], [2, 3, 4], [2, 3, 2]]],
  large: [[40, 3, 16], [40, 3, 16], [40, 3, 8]],
  tolerance: 16,
})

test('a query that may look nowhere gets zeros, and passes no NaN back', () => {
  const make = () => ones([2, 2]).setRequiresGrad()
  const [q, k, v] = [make(), make(), make()]
  const y = scaledDotProductAttention(q, k, v, { attnMask: tensor([[false, false], [true, false]]) })
  expect(arraySync(y)).toEqual([[0, 0], [1, 1]])
  y.sum().backward()
  expect(arraySync(q.grad!)).toEqual([[0, 0], [0, 0]])
  expect(arraySync(v.grad!)).toEqual([[1, 1], [0, 0]])
})

test('leading dims broadcast', () => {
  const y = scaledDotProductAttention(ones([2, 1, 3, 4]), ones([5, 6, 4]), ones([5, 6, 2]))
  expect(y.shape).toEqual([2, 5, 3, 2])
  read(y).data.forEach((value) => expect(value).toBeCloseTo(1, 6))
})

test('dropped weights are scaled, and drawn from the generator', () => {
  const run = (seed: number) =>
    read(
      scaledDotProductAttention(zeros([200, 4]), zeros([50, 4]), ones([50, 1]), {
        dropoutP: 0.5,
        generator: new Generator(seed),
      }),
    ).data
  expect(run(1)).toEqual(run(1))
  expect(run(1)).not.toEqual(run(2))
  expect(run(1).reduce((a, b) => a + b) / 200).toBeCloseTo(1, 1)
})

test('wrong arguments are named', () => {
  const q = ones([3, 4])
  const run = (k: Tensor, v: Tensor, options?: AttentionOptions) => () => scaledDotProductAttention(q, k, v, options)
  expect(run(ones([3, 5]), q)).toThrow('k [..., Tk, D] and v [..., Tk, Dv], got [3, 4], [3, 5] and [3, 4]')
  expect(run(ones([2, 4]), q)).toThrow('expected q [..., Tq, D]')
  expect(run(ones([4]), q)).toThrow('expected q [..., Tq, D]')
  expect(run(q.to('float64'), q)).toThrow('scaledDotProductAttention: expected k to be float32, got float64')
  expect(run(q, q, { attnMask: ones([2, 3]) })).toThrow('expected shapes that broadcast, got [2, 3] and [3, 3]')
  expect(run(q, q, { attnMask: ones([2, 3, 3]) })).toThrow('expected attnMask that broadcasts to [3, 3], got [2, 3, 3]')
  expect(run(q, q, { attnMask: tensor([[1n]]) })).toThrow('expected attnMask of dtype bool or float32, got int64')
  const attnMask = ones([3, 3], { dtype: 'bool' })
  expect(run(q, q, { attnMask, isCausal: true })).toThrow('expected attnMask or isCausal, got both')
  expect(run(q, q, { dropoutP: 2 })).toThrow('scaledDotProductAttention: expected dropoutP')
})
