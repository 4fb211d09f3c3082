import { arraySync, crossEntropy, type CrossEntropyOptions, grad, nllLoss, ones, tensor, zeros } from '../../lib'
import { NdArray, testOp } from '../support'

const classes = 5
const target = { dtype: 'int64', range: [0, classes - 1] } as const
const weights = [0.5, 2, 1, 0.25, 3]

const logSumExp = (values: number[]): number => Math.log(values.reduce((total, v) => total + Math.exp(v), 0))

/** The definition for [N, C, ...], from log-probabilities. */
function nllRef(logp: NdArray, t: NdArray, options: CrossEntropyOptions): NdArray {
  const { reduction = 'mean', ignoreIndex = -100, labelSmoothing = 0 } = options
  const w = options.weight ? weights : new Array<number>(classes).fill(1)
  let total = 0
  const losses = NdArray.make(t.shape, ([n, ...rest]) => {
    const k = t.at([n, ...rest])
    if (k === ignoreIndex) return 0
    total += w[k]
    const even = w.map((wc, c) => -wc * logp.at([n, c, ...rest])).reduce((a, b) => a + b) / classes
    return (1 - labelSmoothing) * -w[k] * logp.at([n, k, ...rest]) + labelSmoothing * even
  })
  const all = losses.data.reduce((a, b) => a + b, 0)
  return reduction === 'none' ? losses : NdArray.of(reduction === 'sum' ? all : all / total)
}

function crossEntropyRef(x: NdArray, t: NdArray, options: CrossEntropyOptions): NdArray {
  return nllRef(NdArray.zip((v, lse) => v - lse, x, x.reduce([1], true, logSumExp)), t, options)
}

const cases: CrossEntropyOptions[] = [
  {},
  { reduction: 'sum', ignoreIndex: 2 },
  { reduction: 'none', labelSmoothing: 0.1 },
  { weight: tensor(weights), ignoreIndex: 3 },
  { weight: tensor(weights), labelSmoothing: 0.3, ignoreIndex: 0 },
  { weight: tensor(weights), labelSmoothing: 0.3, reduction: 'none' },
]
const shapes = [[[4, 5], [4]], [[17, 5], [17]], [[2, 5, 3], [2, 3]], [[2, 5, 2, 2], [2, 2, 2]]]
/** A broadcast target is one class over and over: all ignored, the mean is 0 / 0 and has no derivative. */
const layoutsOf = (options: CrossEntropyOptions) =>
  options.ignoreIndex === undefined ? undefined : (['contiguous', 'transposed', 'sliced'] as const)
const label = ({ weight, ...rest }: CrossEntropyOptions) => JSON.stringify({ ...rest, weighted: !!weight })

describe.each(cases.map((options) => [label(options), options] as const))('%s', (_, options) => {
  testOp('crossEntropy', {
    op: (x, t) => crossEntropy(x, t, options),
    ref: (x, t) => crossEntropyRef(x, t, options),
    inputs: [{}, target],
    layouts: layoutsOf(options),
    shapes,
    large: [[3000, 5], [3000]],
    tolerance: 8,
  })
})

describe.each([{}, { weight: tensor(weights), ignoreIndex: 3 }, { reduction: 'none', ignoreIndex: 1 }] as const)(
  'log-likelihood %#',
  (options) => {
    testOp('nllLoss', {
      op: (x, t) => nllLoss(x, t, options),
      ref: (x, t) => nllRef(x, t, options),
      inputs: [{}, target],
      layouts: layoutsOf(options),
      shapes,
      large: [[3000, 5], [3000]],
      tolerance: 8,
    })
  },
)

describe.each(['mean', 'sum', 'none'] as const)("probabilities as targets, reduction '%s'", (reduction) => {
  const options = { weight: tensor(weights), labelSmoothing: 0.2, reduction }
  testOp('crossEntropy', {
    op: (x, t) => crossEntropy(x, t, { ...options, weight: options.weight.to(x.dtype) }),
    ref: (x, t) => {
      const logp = NdArray.zip((v, lse) => v - lse, x, x.reduce([1], true, logSumExp))
      const losses = NdArray.make([x.shape[0], ...x.shape.slice(2)], ([n, ...rest]) =>
        weights
          .map((w, c) => -w * (t.at([n, c, ...rest]) * 0.8 + 0.2 / classes) * logp.at([n, c, ...rest]))
          .reduce((a, b) => a + b),
      )
      const all = losses.data.reduce((a, b) => a + b, 0)
      return reduction === 'none' ? losses : NdArray.of(reduction === 'sum' ? all : all / losses.numel)
    },
    inputs: [{}, { range: [0, 1] }],
    shapes: [[[4, 5], [4, 5]], [[2, 5, 3], [2, 5, 3]]],
    tolerance: 16,
  })
})

test('one row without a batch', () => {
  const x = tensor([1, 2, 3])
  const want = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3)) - 2
  expect(crossEntropy(x, tensor(1n)).itemSync()).toBeCloseTo(want, 6)
  expect(crossEntropy(x, tensor(1n), { reduction: 'none' }).shape).toEqual([])
  expect(nllLoss(x, tensor(1n)).itemSync()).toBe(-2)
  expect(crossEntropy(x, tensor([0, 1, 0])).itemSync()).toBeCloseTo(want, 6)
})

test('int32 targets', () => {
  expect(crossEntropy(zeros([1, 4]), tensor([2], { dtype: 'int32' })).itemSync()).toBeCloseTo(Math.log(4), 6)
})

describe('when every target is ignored', () => {
  const t = tensor([-100n, -100n])
  const none = [[0, 0, 0], [0, 0, 0]]

  test.each(['crossEntropy', 'nllLoss'] as const)('%s: the mean is NaN, the sum 0, and no gradient flows', (name) => {
    const loss = { crossEntropy, nllLoss }[name]
    for (const reduction of ['mean', 'sum'] as const) {
      const x = ones([2, 3]).setRequiresGrad()
      const y = loss(x, t, { reduction })
      expect(y.itemSync()).toBe(reduction === 'mean' ? NaN : 0)
      for (const createGraph of [false, true]) {
        const [dx] = grad(y, [x], { createGraph, retainGraph: true })
        expect((arraySync(dx!) as number[][]).map((row) => row.map((v) => v + 0))).toEqual(none)
      }
    }
  })
})

test('an empty batch', () => {
  const t = zeros([0], { dtype: 'int64' })
  expect(crossEntropy(zeros([0, 3]), t).itemSync()).toBeNaN()
  expect(crossEntropy(zeros([0, 3]), t, { reduction: 'sum' }).itemSync()).toBe(0)
  expect(crossEntropy(zeros([0, 3]), t, { reduction: 'none' }).shape).toEqual([0])
  expect(nllLoss(zeros([0, 3]), t, { reduction: 'sum' }).itemSync()).toBe(0)
})

test('an ignored row may hold −∞', () => {
  const x = tensor([[-Infinity, -1], [-2, -Infinity]])
  expect(nllLoss(x, tensor([-100n, 0n])).itemSync()).toBe(2)
})

test('extreme logits stay finite', () => {
  const x = tensor([[1e4, -1e4]], { requiresGrad: true })
  const loss = crossEntropy(x, tensor([1n]))
  expect(loss.itemSync()).toBe(2e4)
  loss.backward()
  expect(arraySync(x.grad!)).toEqual([[1, -1]])
})

test.each(['crossEntropy', 'nllLoss'] as const)('%s: a class out of range rejects at the await', async (name) => {
  const loss = { crossEntropy, nllLoss }[name]
  for (const bad of [5n, -1n]) {
    const y = loss(ones([2, 5]), tensor([0n, bad]))
    await expect(y.data()).rejects.toMatchObject({
      code: 'INDEX_OUT_OF_RANGE',
      message: expect.stringContaining(name === 'nllLoss' ? 'gather' : 'cross_entropy') as string,
    })
  }
})

test('wrong arguments are named', () => {
  const x = ones([2, 3])
  const t = tensor([0n, 1n])
  expect(() => crossEntropy(x, tensor([0n]))).toThrow('crossEntropy: expected target [2] for x [2, 3], got [1]')
  expect(() => crossEntropy(x, tensor([0.5, 1]))).toThrow("crossEntropy: expected probabilities of x's shape [2, 3]")
  expect(() => crossEntropy(x, tensor([true, true]))).toThrow('crossEntropy: expected target to be int64 or int32')
  expect(() => crossEntropy(x, t, { weight: ones([2]) })).toThrow('crossEntropy: expected weight [3], got [2]')
  expect(() => crossEntropy(x, t, { weight: ones([3]).setRequiresGrad() })).toThrow('expected weight without gradient')
  expect(() => crossEntropy(x, t, { labelSmoothing: 2 })).toThrow('crossEntropy: expected labelSmoothing')
  expect(() => crossEntropy(x, t, { reduction: 'avg' as never })).toThrow("expected reduction 'mean', 'sum' or 'none'")
  expect(() => crossEntropy(ones([2, 0]), t)).toThrow('with at least one class')
  expect(() => nllLoss(tensor(1), t)).toThrow('nllLoss: expected x [N, C, ...] or [C], got []')
})
