import { maximum, minimum, pow, remainder, tensor, type Tensor } from '../../lib'
import { elementwise, integers, NdArray, numbers, special, testOp } from '../support'

const both = (f: (a: number, b: number) => number) => (a: NdArray, b: NdArray) => NdArray.zip(f, a, b)
const gradOf = (x: Tensor) => (x.grad as Tensor).arraySync()

testOp('pow', { op: pow, ref: both(special.pow), ...elementwise(2), inputs: [{ range: [0.3, 3] }], tolerance: 2 })
testOp('pow of any base', {
  op: pow,
  ref: both(special.pow),
  ...elementwise(2),
  special: true,
  gradient: false,
  tolerance: 2,
})
testOp('pow of integers', {
  op: pow,
  ref: both((a, b) => a ** b),
  ...elementwise(2),
  dtypes: integers,
  inputs: [{ range: [-3, 3] }, { range: [0, 4] }],
})
testOp('cube', { op: (x) => pow(x, 3), ref: (x) => x.map((v) => v ** 3), ...elementwise(1), tolerance: 2 })
testOp('square through pow', {
  op: (x) => pow(x, 2),
  ref: (x) => x.map((v) => v * v),
  ...elementwise(1),
  dtypes: numbers,
})
testOp('power of a number', {
  op: (x) => pow(1.7, x),
  ref: (x) => x.map((v) => 1.7 ** v),
  ...elementwise(1),
  tolerance: 2,
})

const larger = (a: number, b: number) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : a > b ? a : b)
const smaller = (a: number, b: number) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : a < b ? a : b)
testOp('maximum', {
  op: maximum,
  ref: both(larger),
  ...elementwise(2),
  special: true,
  dtypes: [...numbers, 'bool'],
  inputs: [{}, { range: [-2.02, 2.03] }],
})
testOp('minimum', {
  op: minimum,
  ref: both(smaller),
  ...elementwise(2),
  special: true,
  dtypes: [...numbers, 'bool'],
  inputs: [{}, { range: [-2.02, 2.03] }],
})

testOp('remainder', {
  op: remainder,
  ref: both(special.remainder),
  ...elementwise(2),
  special: true,
  inputs: [{}, { draw: (random) => (random() < 0.5 ? -1 : 1) * (0.7 + random()) }],
  gradient: false,
})
testOp('remainder, with gradients', {
  op: remainder,
  ref: both(special.remainder),
  ...elementwise(2),
  dtypes: ['float32', 'float64'],
  inputs: [{ range: [-3, 3] }, { range: [0.7, 1.9] }],
})
testOp('remainder of integers', {
  op: remainder,
  ref: both(special.remainder),
  ...elementwise(2),
  dtypes: integers,
  inputs: [{}, { draw: (random) => 1 + Math.floor(7 * random()) }],
})

test('the remainder has the sign of the divisor', () => {
  for (const dtype of ['int32', 'int64', 'float32', 'float64'] as const) {
    const r = remainder(tensor([7, -7, 7, -7], { dtype }), tensor([3, 3, -3, -3], { dtype }))
    expect(r.arraySync()).toEqual([1, 2, -2, -1])
  }
})

test('an integer remainder by zero is a fault', () => {
  const r = remainder(tensor([1n]), tensor([0n]))
  expect(() => r.dataSync()).toThrow('remainder')
  expect(remainder(tensor([1]), 0).itemSync()).toBeNaN()
})

test('ties of maximum and minimum share the gradient', () => {
  for (const f of [maximum, minimum]) {
    const a = tensor([1, 2, 3], { requiresGrad: true })
    const b = tensor([1, 3, 2], { requiresGrad: true })
    f(a, b).sum().backward()
    const [won, lost] =
      f === maximum
        ? [
            [0.5, 0, 1],
            [0.5, 1, 0],
          ]
        : [
            [0.5, 1, 0],
            [0.5, 0, 1],
          ]
    expect([gradOf(a), gradOf(b)]).toEqual([won, lost])
  }
})

test('gradients of powers at zero', () => {
  const a = tensor([0, 0, 0, 2], { requiresGrad: true })
  const b = tensor([0, 1, 2, 0], { requiresGrad: true })
  pow(a, b).sum().backward()
  expect(gradOf(a)).toEqual([0, 1, 0, 0])
  expect(gradOf(b)).toEqual([0, 0, 0, Math.fround(Math.LN2)])
  const x = tensor([0, 3], { requiresGrad: true })
  pow(x, 0).sum().backward()
  expect(gradOf(x)).toEqual([0, 0])
  const e = tensor([0, 2], { requiresGrad: true })
  pow(0, e).sum().backward()
  expect(gradOf(e)).toEqual([0, 0])
})

test('powers and extrema of int64 keep every bit', () => {
  expect(pow(tensor([3n]), 39n).itemSync()).toBe(3n ** 39n)
  const big = 2n ** 53n
  expect(maximum(tensor([big]), tensor([big + 1n])).itemSync()).toBe(big + 1n)
  expect(minimum(tensor([big + 2n]), big + 1n).itemSync()).toBe(big + 1n)
})

test('negative powers of integers are truncated', () => {
  expect(pow(tensor([1n, -1n, 2n]), -3n).arraySync()).toEqual([1, -1, 0])
})
