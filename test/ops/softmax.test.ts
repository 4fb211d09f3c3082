import { arraySync, logSoftmax, logsumexp, softmax, tensor, zeros } from '../../lib'
import { NdArray, testOp } from '../support'

const logSumExp = (values: number[]): number => {
  const top = Math.max(...values)
  if (Math.abs(top) === Infinity) return top
  return top + Math.log(values.reduce((sum, v) => sum + Math.exp(v - top), 0))
}

/** Each element and the log-sum-exp of its row along `dim`. */
const withRows = (x: NdArray, dim: number, f: (value: number, lse: number) => number): NdArray =>
  NdArray.zip(f, x, x.reduce([dim], true, logSumExp))

const shapes = [[[]], [[1]], [[17]], [[0, 5]], [[3, 16]], [[2, 15, 3]], [[4, 3, 33]]]

describe.each([-1, 0])('dim %d', (dim) => {
  const rules = { shapes, large: [[200, 301]], inputs: [{ range: [-6, 6] as const }] }

  testOp('softmax', {
    op: (x) => softmax(x, { dim }),
    ref: (x) => withRows(x, dim, (v, lse) => Math.exp(v - lse)),
    ...rules,
    tolerance: 4,
  })

  testOp('logSoftmax', {
    op: (x) => logSoftmax(x, { dim }),
    ref: (x) => withRows(x, dim, (v, lse) => v - lse),
    ...rules,
    tolerance: 4,
  })
})

testOp('logsumexp', {
  op: (x) => logsumexp(x, { dim: [0, -1], keepdim: true }),
  ref: (x) => x.reduce([0, -1], true, logSumExp),
  shapes: [[[2, 17]], [[2, 3, 4]], [[3, 0, 2]], [[1, 1]]],
  large: [[100, 3, 100]],
  tolerance: 4,
})

test('nothing overflows', () => {
  const x = tensor([1000, 999, -1000])
  expect((arraySync(softmax(x)) as number[])[2]).toBe(0)
  expect((arraySync(softmax(x)) as number[])[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6)
  expect((arraySync(logSoftmax(x)) as number[])[1]).toBeCloseTo(-1 - Math.log1p(Math.exp(-1)), 4)
  expect(logsumexp(x).itemSync()).toBeCloseTo(1000 + Math.log1p(Math.exp(-1)), 3)
})

test('log-sum-exp of infinities and of nothing', () => {
  expect(logsumexp(tensor([-Infinity, -Infinity])).itemSync()).toBe(-Infinity)
  expect(logsumexp(tensor([Infinity, 0])).itemSync()).toBe(Infinity)
  expect(arraySync(logsumexp(zeros([2, 0]), { dim: 1 }))).toEqual([-Infinity, -Infinity])
})

test('methods', () => {
  const x = tensor([[0, 0]])
  expect(arraySync(x.softmax())).toEqual([[0.5, 0.5]])
  expect(arraySync(x.logSoftmax({ dim: 0 }))).toEqual([[0, 0]])
  expect(arraySync(x.logsumexp({ dim: 0 }))).toEqual([0, 0])
})

test('wrong arguments are named', () => {
  expect(() => softmax(tensor([1n]))).toThrow('softmax: expected x to have a floating dtype, got int64')
  expect(() => logSoftmax(tensor([1]), { dim: 1 })).toThrow('logSoftmax: expected a dim in [-1, 0], got 1')
})
