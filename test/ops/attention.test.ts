import { arraySync, type AttentionOptions, dropout, Generator, ones, scaledDotProductAttention } from '../../lib'
import { type Tensor, tensor, unbind, zeros } from '../../lib'
import { NdArray, read, testOp } from '../support'

interface Definition {
  scale?: number
  /** Added to the score of a query (its place in the result) and a key. */
  bias?: (index: number[], key: number) => number
  /** Factor of a weight: dropout's. */
  kept?: (index: number[], key: number) => number
}

/** Σ over the keys of softmax(q·k·scale + bias)·v; a query that may look nowhere gets zeros. */
function attentionRef(q: NdArray, k: NdArray, v: NdArray, { scale, bias, kept }: Definition = {}): NdArray {
  const ndim = q.shape.length
  const [queries, depth] = q.shape.slice(-2)
  const keys = k.shape[ndim - 2]
  const share = ndim > 2 && k.shape[ndim - 3] > 0 ? q.shape[ndim - 3] / k.shape[ndim - 3] : 1
  const shape = [...q.shape.slice(0, -2), queries, v.shape[ndim - 1]]
  return NdArray.make(shape, (index) => {
    const batch = index.slice(0, -2)
    const shared = batch.map((n, d) => (d === ndim - 3 ? Math.floor(n / share) : n))
    const [i, column] = index.slice(-2)
    const scores = Array.from({ length: keys }, (_, j) => {
      let dot = 0
      for (let d = 0; d < depth; d++) dot += q.at([...batch, i, d]) * k.at([...shared, j, d])
      return dot * (scale ?? 1 / Math.sqrt(depth)) + (bias?.(index, j) ?? 0)
    })
    if (scores.every((s) => s === -Infinity)) return 0
    const top = Math.max(...scores)
    const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0)
    const weight = (s: number, j: number) => (Math.exp(s - top) / total) * (kept?.(index, j) ?? 1)
    return scores.reduce((sum, s, j) => sum + weight(s, j) * v.at([...shared, j, column]), 0)
  })
}

const row = (index: number[]) => index[index.length - 2]
const visible = (isVisible: boolean) => (isVisible ? 0 : -Infinity)
const rules = { tolerance: 16, large: [[2, 4, 30, 16], [2, 4, 40, 16], [2, 4, 40, 8]] }

testOp('attention', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v),
  ref: (q, k, v) => attentionRef(q, k, v),
  shapes: [
    [[3, 4], [5, 4], [5, 2]],
    [[2, 2, 3, 4], [2, 2, 4, 4], [2, 2, 4, 5]],
    [[0, 3, 4], [0, 3, 4], [0, 3, 4]],
    [[1, 1, 1, 1], [1, 1, 17, 1], [1, 1, 17, 1]],
    [[2, 33, 3], [2, 15, 3], [2, 15, 16]],
    [[3, 0, 4], [3, 2, 4], [3, 2, 4]],
    [[3, 2, 4], [3, 0, 4], [3, 0, 4]],
    [[1, 31, 80], [1, 17, 80], [1, 17, 80]],
    [[1, 2, 1, 128], [1, 2, 70, 128], [1, 2, 70, 64]],
  ],
  ...rules,
})

testOp('attention with a scale', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { scale: 0.3 }),
  ref: (q, k, v) => attentionRef(q, k, v, { scale: 0.3 }),
  shapes: [[[2, 3, 4], [2, 3, 4], [2, 3, 4]]],
  ...rules,
})

testOp('causal attention', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { isCausal: true }),
  ref: (q, k, v) => attentionRef(q, k, v, { bias: (index, key) => visible(key <= row(index)) }),
  shapes: [[[5, 4], [5, 4], [5, 2]], [[2, 3, 4], [2, 6, 4], [2, 6, 3]], [[6, 2], [3, 2], [3, 2]]],
  ...rules,
})

testOp('causal attention of the last queries of a sequence', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { isCausal: true, causalDiagonal: 3 }),
  ref: (q, k, v) => attentionRef(q, k, v, { bias: (index, key) => visible(key <= row(index) + 3) }),
  shapes: [[[2, 3, 4], [2, 6, 4], [2, 6, 3]], [[40, 4], [43, 4], [43, 2]]],
  large: [[2, 60, 16], [2, 63, 16], [2, 63, 8]],
  tolerance: 16,
})

testOp('attention of which the first queries see nothing', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { isCausal: true, causalDiagonal: -2 }),
  ref: (q, k, v) => attentionRef(q, k, v, { bias: (index, key) => visible(key <= row(index) - 2) }),
  shapes: [[[2, 5, 4], [2, 6, 4], [2, 6, 3]]],
  tolerance: 16,
})

testOp('attention of grouped queries', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { enableGqa: true }),
  ref: (q, k, v) => attentionRef(q, k, v),
  shapes: [
    [[2, 4, 3, 4], [2, 2, 5, 4], [2, 2, 5, 2]],
    [[6, 1, 8], [1, 20, 8], [1, 20, 8]],
    [[1, 3, 36, 5], [1, 1, 9, 5], [1, 1, 9, 5]],
    [[2, 0, 3, 4], [2, 0, 5, 4], [2, 0, 5, 2]],
  ],
  large: [[2, 8, 20, 16], [2, 2, 40, 16], [2, 2, 40, 8]],
  tolerance: 16,
})

testOp('attention with scores added', {
  op: (q, k, v, attnMask) => scaledDotProductAttention(q, k, v, { attnMask }),
  ref: (q, k, v, mask) => attentionRef(q, k, v, { bias: (index, key) => mask.at([row(index), key]) }),
  shapes: [[[2, 3, 4], [2, 5, 4], [2, 5, 2], [3, 5]]],
  tolerance: 16,
})

const allowed = [[true, false, true], [false, false, false], [true, true, true]]

testOp('attention where a mask allows it', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { attnMask: tensor(allowed) }),
  ref: (q, k, v) => attentionRef(q, k, v, { bias: (index, key) => visible(allowed[row(index)][key]) }),
  shapes: [[[2, 3, 4], [2, 3, 4], [2, 3, 2]]],
  large: [[40, 3, 16], [40, 3, 16], [40, 3, 8]],
  tolerance: 16,
})

testOp('attention to as many keys as there are', {
  op: (q, k, v) =>
    scaledDotProductAttention(q, k, v, { keyLengths: tensor([2n, 0n, 5n]), isCausal: true, causalDiagonal: 1 }),
  ref: (q, k, v) =>
    attentionRef(q, k, v, { bias: (index, key) => visible(key < [2, 0, 5][index[0]] && key <= row(index) + 1) }),
  shapes: [[[3, 2, 4, 4], [3, 2, 5, 4], [3, 2, 5, 2]], [[3, 33, 4], [3, 5, 4], [3, 5, 2]]],
  tolerance: 16,
})

testOp('attention that drops weights', {
  op: (q, k, v) => scaledDotProductAttention(q, k, v, { dropoutP: 0.4, generator: new Generator(5) }),
  ref: (q, k, v) => {
    const shape = [...q.shape.slice(0, -1), k.shape[k.shape.length - 2]]
    const factors = read(dropout(ones(shape, { dtype: 'float64' }), { p: 0.4, generator: new Generator(5) }))
    return attentionRef(q, k, v, { kept: (index, key) => factors.at([...index.slice(0, -1), key]) })
  },
  shapes: [[[2, 2, 3, 4], [2, 2, 7, 4], [2, 2, 7, 2]], [[35, 4], [18, 4], [18, 2]]],
  tolerance: 16,
})

test('a mask and a causal limit hold together', () => {
  const q = zeros([3, 2])
  const v = tensor([[1], [2], [4]])
  const attnMask = tensor([[true, true, true], [false, true, true], [true, true, false]])
  expect(arraySync(scaledDotProductAttention(q, q, v, { attnMask, isCausal: true }))).toEqual([[1], [2], [1.5]])
})

test('a mask that takes a gradient', () => {
  const [q, k, v] = [zeros([1, 2]), ones([3, 2]), tensor([[1], [0], [0]])]
  const attnMask = zeros([1, 3]).setRequiresGrad()
  scaledDotProductAttention(q, k, v, { attnMask, keyLengths: tensor(2n, { dtype: 'int64' }) }).sum().backward()
  expect(read(attnMask.grad!).data).toEqual(Float64Array.of(0.25, -0.25, 0))
})

test('parts of one projection are read where they lie, and heads are inside in the result', () => {
  const x = tensor(Float32Array.from({ length: 2 * 5 * 3 * 4 * 8 }, (_, i) => Math.sin(i))).reshape([2, 5, 3, 4, 8])
  const [q, k, v] = unbind(x.permute([2, 0, 3, 1, 4]), 0)
  const y = scaledDotProductAttention(q, k, v)
  const copied = scaledDotProductAttention(q.contiguous(), k.contiguous(), v.contiguous())
  expect(arraySync(y)).toEqual(arraySync(copied))
  expect(y.transpose(1, 2).isContiguous).toBe(true)
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

test('without dropout nothing is drawn; with p = 1 nothing is left', () => {
  const generator = new Generator(3)
  const [q, k, v] = [ones([3, 4]), ones([5, 4]), ones([5, 2])]
  const plain = scaledDotProductAttention(q, k, v)
  expect(arraySync(scaledDotProductAttention(q, k, v, { dropoutP: 0, generator }))).toEqual(arraySync(plain))
  expect(generator.getState().offset).toBe(0)
  const none = scaledDotProductAttention(q, k, v, { dropoutP: 1, generator })
  expect(arraySync(none)).toEqual([[0, 0], [0, 0], [0, 0]])
  expect(generator.getState().offset).toBe(4)
})

test('a length that is none is a fault', async () => {
  const q = ones([2, 3, 4])
  const y = scaledDotProductAttention(q, q, q, { keyLengths: tensor([3n, 4n]) })
  await expect(y.data()).rejects.toThrow('expected key lengths in [0, 3], got 4 for batch entry 1')
})

test('wrong arguments are named', () => {
  const q = ones([3, 4])
  const run = (k: Tensor, v: Tensor, options?: AttentionOptions) => () => scaledDotProductAttention(q, k, v, options)
  expect(run(ones([3, 5]), q)).toThrow('k [..., S, D] and v [..., S, Dv], got [3, 4], [3, 5] and [3, 4]')
  expect(run(ones([2, 4]), q)).toThrow('expected q [..., T, D]')
  expect(run(ones([4]), q)).toThrow('expected q [..., T, D]')
  expect(run(q.to('float64'), q)).toThrow('scaledDotProductAttention: expected k to be float32, got float64')
  expect(run(q, q, { attnMask: ones([2, 3]) })).toThrow('expected shapes that broadcast, got [2, 3] and [3, 3]')
  expect(run(q, q, { attnMask: ones([2, 3, 3]) })).toThrow('expected attnMask that broadcasts to [3, 3], got [2, 3, 3]')
  expect(run(q, q, { attnMask: tensor([[1n]]) })).toThrow('expected attnMask of dtype bool or float32, got int64')
  expect(run(q, q, { dropoutP: 2 })).toThrow('scaledDotProductAttention: expected dropoutP')
  expect(run(q, q, { causalDiagonal: 0.5 })).toThrow('expected causalDiagonal to be an integer')
  expect(run(q, q, { keyLengths: ones([]) })).toThrow('expected keyLengths to be int64 or int32, got float32')
  expect(run(q, q, { keyLengths: tensor([1n, 1n]) })).toThrow('expected keyLengths [], got [2]')
  const heads = (n: number) => ones([n, 3, 4])
  const grouped = (a: number, b: number, c: number) => () =>
    scaledDotProductAttention(heads(a), heads(b), heads(c), { enableGqa: true })
  expect(grouped(4, 3, 3)).toThrow('Hq a multiple of Hkv, with enableGqa, got [4, 3, 4], [3, 3, 4] and [3, 3, 4]')
  expect(grouped(4, 2, 1)).toThrow('Hq a multiple of Hkv')
})
