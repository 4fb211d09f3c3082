import {
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  DTypeError,
  mean,
  prod,
  ShapeError,
  std,
  tensor,
  type Tensor,
  variance,
  zeros,
} from '../../lib'
import { everyDType, integers, numbers, testOp } from '../support'

type Reduce = (x: Tensor, options?: { dim?: number; keepdim?: boolean }) => Tensor
const total = (values: number[]) => values.reduce((a, b) => a + b, 0)
const average = (values: number[]) => total(values) / values.length
const moment = (values: number[]) => {
  const centre = average(values)
  return total(values.map((v) => (v - centre) ** 2)) / (values.length - 1)
}
const largest = (values: number[]) => values.reduce((a, b) => (Number.isNaN(a) || a >= b ? a : b))
const smallest = (values: number[]) => values.reduce((a, b) => (Number.isNaN(a) || a <= b ? a : b))
/** The first NaN counts as the extreme element. */
const indexOf = (extreme: (values: number[]) => number) => (values: number[]) => {
  const wanted = extreme(values)
  return values.findIndex((v) => Object.is(v, wanted) || v === wanted)
}

/** Without repeated values: at ties extrema have no gradient, and the standard deviation of equal values has none. */
const distinct = ['contiguous', 'transposed', 'sliced'] as const
const whole = [[[1]], [[15]], [[16]], [[17]], [[3, 17]], [[2, 3, 4]], [[1009]]]
const parts = [[[2, 3, 4]], [[3, 17, 1]], [[16, 15, 2]], [[0, 4, 2]]]

function testReduction(
  name: string,
  op: Reduce,
  f: (values: number[]) => number,
  options: Partial<Parameters<typeof testOp>[1]> = {},
): void {
  testOp(name, {
    op: (x) => op(x),
    ref: (x) =>
      x.reduce(
        x.shape.map((_, d) => d),
        false,
        f,
      ),
    shapes: whole,
    large: [[200, 250]],
    tolerance: 30,
    ...options,
  })
  for (const [dim, keepdim] of [
    [0, true],
    [1, false],
    [-1, false],
  ] as const) {
    testOp(`${name} over ${dim}`, {
      op: (x) => op(x, { dim, keepdim }),
      ref: (x) => x.reduce([dim], keepdim, f),
      shapes: parts.filter(([shape]) => shape.at(dim) !== 0 && (!/var|std/.test(name) || shape.at(dim) !== 1)),
      large: [[40, 30, 50]],
      tolerance: 30,
      ...options,
    })
  }
}

testReduction('mean', mean, average, { special: true })
testReduction('prod', prod, (values) => values.reduce((a, b) => a * b, 1), {
  inputs: [{ range: [0.95, 1.05] }],
  tolerance: 200,
})
testReduction('amax', amax, largest, { dtypes: numbers, special: true, tolerance: 1, gradientLayouts: distinct })
testReduction('amin', amin, smallest, { dtypes: numbers, special: true, tolerance: 1, gradientLayouts: distinct })
testReduction('any', any, (values) => Number(values.some((v) => v !== 0)), {
  dtypes: everyDType,
  result: () => 'bool',
  gradient: false,
  inputs: [{ draw: rare }],
})
testReduction('all', all, (values) => Number(values.every((v) => v !== 0)), {
  dtypes: everyDType,
  result: () => 'bool',
  gradient: false,
  inputs: [{ draw: (random) => 1 - rare(random) }],
})
testReduction('argmax', argmax, indexOf(largest), {
  dtypes: numbers,
  special: true,
  result: () => 'int64',
  gradient: false,
})
testReduction('argmin', argmin, indexOf(smallest), {
  dtypes: numbers,
  special: true,
  result: () => 'int64',
  gradient: false,
})

const spread = {
  gradientLayouts: distinct,
  dtypes: ['float32', 'float64'] as const,
  inputs: [{ range: [-2, 2] as const }],
  shapes: whole.filter(([shape]) => shape[0] !== 1),
}
testOp('var', {
  op: (x) => variance(x),
  ref: (x) =>
    x.reduce(
      x.shape.map((_, d) => d),
      false,
      moment,
    ),
  ...spread,
  tolerance: 30,
})
testOp('var of a population', {
  op: (x) => variance(x, { dim: 0, correction: 0 }),
  ref: (x) => x.reduce([0], false, (values) => (moment(values) * (values.length - 1)) / values.length),
  ...spread,
  tolerance: 30,
})
testOp('std', {
  op: (x) => std(x),
  ref: (x) =>
    x.reduce(
      x.shape.map((_, d) => d),
      false,
      (values) => Math.sqrt(moment(values)),
    ),
  ...spread,
  tolerance: 30,
})
testOp('std over 1', {
  op: (x) => std(x, { dim: 1, keepdim: true }),
  ref: (x) => x.reduce([1], true, (values) => Math.sqrt(moment(values))),
  ...spread,
  shapes: [[[3, 17]], [[2, 3, 4]]],
  tolerance: 30,
})
testOp('prod of integers, in int64', {
  op: (x) => prod(x, { dim: 0 }),
  ref: (x) => x.reduce([0], false, (values) => values.reduce((a, b) => a * b, 1)),
  shapes: [[[5, 17]], [[0, 3]]],
  dtypes: [...integers, 'bool'],
  inputs: [{ range: [-3, 3] }],
  result: () => 'int64',
})

function rare(random: () => number): number {
  return random() < 0.05 ? 1 : 0
}

const gradOf = (x: Tensor) => (x.grad as Tensor).arraySync()

test('ties share the gradient of amax and amin', () => {
  const x = tensor(
    [
      [1, 3, 3],
      [2, 2, 2],
    ],
    { requiresGrad: true },
  )
  amax(x, { dim: 1 }).sum().backward()
  const third = Math.fround(1 / 3)
  expect(gradOf(x)).toEqual([
    [0, 0.5, 0.5],
    [third, third, third],
  ])
})

test('argmax and argmin take the first of equals, NaN before all', () => {
  const x = tensor([
    [1, 3, 3],
    [NaN, 5, NaN],
  ])
  expect(argmax(x, { dim: 1 }).arraySync()).toEqual([1, 0])
  expect(argmin(tensor([2, 1, 1])).itemSync()).toBe(1)
  expect(argmax(x).itemSync()).toBe(3)
  expect(argmax(x, { dim: 0, keepdim: true }).shape).toEqual([1, 3])
})

test('extrema and products of int64 keep every bit', () => {
  const big = 2n ** 53n
  const x = tensor([big, big + 1n, big])
  expect(amax(x).itemSync()).toBe(big + 1n)
  expect(argmax(x).itemSync()).toBe(1)
  expect(prod(tensor([3n ** 20n, 3n ** 19n])).itemSync()).toBe(3n ** 39n)
})

test('the gradient of a product with zeros is the product of the others', () => {
  const x = tensor(
    [
      [2, 3, 4],
      [2, 0, 4],
      [0, 0, 4],
    ],
    { requiresGrad: true },
  )
  prod(x, { dim: 1 }).sum().backward()
  expect(gradOf(x)).toEqual([
    [12, 8, 6],
    [0, 8, 0],
    [0, 0, 0],
  ])
})

test('of nothing', () => {
  const x = zeros([0, 3])
  expect(prod(x, { dim: 0 }).arraySync()).toEqual([1, 1, 1])
  expect(mean(x, { dim: 0 }).arraySync()).toEqual([NaN, NaN, NaN])
  expect(any(x).itemSync()).toBe(false)
  expect(all(x).itemSync()).toBe(true)
  expect(amax(x, { dim: 1 }).shape).toEqual([0])
  expect(variance(tensor([1])).itemSync()).toBeNaN()
})

test('errors', () => {
  const x = zeros([2, 0])
  expect(() => mean(tensor([1n]))).toThrow(DTypeError)
  expect(() => mean(tensor([1n]))).toThrow('mean: expected x to have a floating dtype, got int64')
  expect(() => amax(x)).toThrow(new ShapeError('amax: expected at least one element to reduce, got [2, 0]'))
  expect(() => argmin(x, { dim: 1 })).toThrow('argmin: expected at least one element')
  expect(() => argmax(zeros([2]), { dim: [0] as never })).toThrow('argmax: expected a dim in [-1, 0], got [0]')
  expect(() => std(zeros([2]), { dim: 3 })).toThrow('std: expected a dim in [-1, 0], got 3')
})
