import {
  arraySync,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huberLoss,
  l1Loss,
  type LossReduction,
  mseLoss,
  ones,
  smoothL1Loss,
  tensor,
} from '../../lib'
import { NdArray, testOp } from '../support'

const reductions: LossReduction[] = ['mean', 'sum', 'none']

function reduced(losses: NdArray, reduction: LossReduction): NdArray {
  const total = losses.data.reduce((a, b) => a + b, 0)
  if (reduction === 'none') return losses
  return NdArray.of(reduction === 'sum' ? total : total / losses.numel)
}

const shapes = [[[], []], [[17], [17]], [[2, 3, 4], [2, 3, 4]]]
const large = [[100, 90], [100, 90]]
const probability = { range: [0.05, 0.95] as const }

describe.each(reductions)("reduction '%s'", (reduction) => {
  const elementwise = (loss: (x: number, t: number) => number) => (x: NdArray, t: NdArray) =>
    reduced(NdArray.zip(loss, x, t), reduction)
  const rules = { shapes, large, tolerance: 8 }

  testOp('mseLoss', { ...rules, op: (x, t) => mseLoss(x, t, { reduction }), ref: elementwise((x, t) => (x - t) ** 2) })

  testOp('l1Loss', { ...rules, op: (x, t) => l1Loss(x, t, { reduction }), ref: elementwise((x, t) => Math.abs(x - t)) })

  const huber = (delta: number) => (x: number, t: number) => {
    const d = Math.abs(x - t)
    return d <= delta ? (d * d) / 2 : delta * (d - delta / 2)
  }

  testOp('huberLoss', {
    ...rules,
    op: (x, t) => huberLoss(x, t, { reduction, delta: 1.3 }),
    ref: elementwise(huber(1.3)),
  })

  testOp('smoothL1Loss', {
    ...rules,
    op: (x, t) => smoothL1Loss(x, t, { reduction, beta: 0.7 }),
    ref: elementwise((x, t) => huber(0.7)(x, t) / 0.7),
  })

  testOp('binaryCrossEntropy', {
    ...rules,
    op: (p, t) => binaryCrossEntropy(p, t, { reduction }),
    ref: elementwise((p, t) => -(t * Math.log(p) + (1 - t) * Math.log(1 - p))),
    inputs: [probability, probability],
  })

  testOp('binaryCrossEntropyWithLogits', {
    ...rules,
    op: (x, t) => binaryCrossEntropyWithLogits(x, t, { reduction }),
    ref: elementwise((x, t) => (1 - t) * x + Math.log1p(Math.exp(-x))),
    inputs: [{ range: [-6, 6] }, probability],
  })
})

testOp('weighted binary losses', {
  op: (x, t, weight, posWeight) =>
    binaryCrossEntropyWithLogits(x, t, { weight, posWeight, reduction: 'none' }),
  ref: (x, t, weight, posWeight) =>
    NdArray.zip(
      (v, target, w, positive) =>
        -w * (positive * target * -Math.log1p(Math.exp(-v)) + (1 - target) * -(v + Math.log1p(Math.exp(-v)))),
      x,
      t,
      weight,
      posWeight,
    ),
  shapes: [[[3, 5], [3, 5], [3, 1], [5]]],
  inputs: [{}, probability, probability, { range: [0.5, 3] }],
  tolerance: 8,
})

test('logits far out give exact losses and gradients', () => {
  const x = tensor([200, -200, 200, -200], { requiresGrad: true })
  const loss = binaryCrossEntropyWithLogits(x, tensor([1, 0, 0, 1]), { reduction: 'none' })
  expect(arraySync(loss)).toEqual([0, 0, 200, 200])
  loss.sum().backward()
  expect(arraySync(x.grad!)).toEqual([0, 0, 1, -1])
})

test('probabilities 0 and 1 give bounded losses and finite gradients', () => {
  const p = tensor([0, 1, 0, 1], { requiresGrad: true })
  const loss = binaryCrossEntropy(p, tensor([1, 0, 0, 1]), { reduction: 'none' })
  ;(arraySync(loss) as number[]).forEach((v, i) => expect(v).toBeCloseTo([100, 100, 0, 0][i], 4))
  loss.sum().backward()
  const slopes = arraySync(p.grad!) as number[]
  expect(slopes.every(Number.isFinite)).toBe(true)
  expect(slopes.map(Math.sign)).toEqual([-1, 1, 0, 0])
})

test('targets may be integers', () => {
  expect(mseLoss(tensor([1, 3]), tensor([1n, 1n])).itemSync()).toBe(2)
  expect(binaryCrossEntropy(tensor([0.5]), tensor([true])).itemSync()).toBeCloseTo(Math.log(2), 6)
})

test('beta 0 is the absolute difference', () => {
  expect(smoothL1Loss(tensor([1, -2]), tensor([0, 0]), { beta: 0, reduction: 'sum' }).itemSync()).toBe(3)
})

test('wrong arguments are named', () => {
  const x = ones([2, 3])
  expect(() => mseLoss(x, ones([3]))).toThrow("mseLoss: expected a target of x's shape [2, 3], got [3]")
  expect(() => l1Loss(x, x, { reduction: 'max' as never })).toThrow("expected reduction 'mean', 'sum' or 'none'")
  expect(() => huberLoss(x, x, { delta: 0 })).toThrow('huberLoss: expected delta')
  expect(() => smoothL1Loss(x, x, { beta: -1 })).toThrow('smoothL1Loss: expected beta')
  expect(() => binaryCrossEntropy(tensor([1n]), x)).toThrow('binaryCrossEntropy: expected x to have a floating dtype')
})
