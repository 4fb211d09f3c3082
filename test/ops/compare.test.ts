import * as neurite from '../../lib'
import { ArgumentError, isnan, logicalNot, ShapeError, tensor, type Tensor } from '../../lib'
import { elementwise, everyDType, NdArray, testOp } from '../support'

const both = (f: (a: number, b: number) => boolean) => (a: NdArray, b: NdArray) =>
  NdArray.zip((x, y) => Number(f(x, y)), a, b)
const cases = {
  eq: (a: number, b: number) => a === b,
  ne: (a: number, b: number) => a !== b,
  lt: (a: number, b: number) => a < b,
  le: (a: number, b: number) => a <= b,
  gt: (a: number, b: number) => a > b,
  ge: (a: number, b: number) => a >= b,
  logicalAnd: (a: number, b: number) => a !== 0 && b !== 0,
  logicalOr: (a: number, b: number) => a !== 0 || b !== 0,
  logicalXor: (a: number, b: number) => (a !== 0) !== (b !== 0),
}
type Name = keyof typeof cases
/** Few values, so that equal ones meet. */
const few = { draw: (random: () => number) => Math.floor(3 * random()) }
const shared = { dtypes: everyDType, result: () => 'bool' as const, gradient: false }

for (const [name, f] of Object.entries(cases)) {
  testOp(name, { op: neurite[name as Name], ref: both(f), ...elementwise(2), ...shared, inputs: [few, few] })
  testOp(`${name} with NaN and infinities`, {
    op: neurite[name as Name],
    ref: both(f),
    ...elementwise(2),
    ...shared,
    dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
    special: true,
  })
}

testOp('logicalNot', {
  op: logicalNot,
  ref: (x) => x.map((v) => Number(v === 0)),
  ...elementwise(1),
  ...shared,
  inputs: [few],
})
testOp('isnan', {
  op: isnan,
  ref: (x) => x.map((v) => Number(Number.isNaN(v))),
  ...elementwise(1),
  ...shared,
  special: true,
})

test('numbers are compared in the dtype both meet in', () => {
  const x = tensor([1n, 2n, 3n])
  expect(x.gt(1.5).arraySync()).toEqual([false, true, true])
  expect(x.ge(2).arraySync()).toEqual([false, true, true])
  expect(neurite.lt(2, x).arraySync()).toEqual([false, false, true])
  expect(tensor([0.1]).eq(0.1).itemSync()).toBe(true)
})

test('int64 compares every bit', () => {
  const big = 2n ** 53n
  expect(
    tensor([big, big + 1n])
      .eq(big + 1n)
      .arraySync(),
  ).toEqual([false, true])
  expect(
    tensor([big])
      .lt(tensor([big + 1n]))
      .itemSync(),
  ).toBe(true)
})

test('results carry no gradient', () => {
  expect(tensor([1], { requiresGrad: true }).gt(0).requiresGrad).toBe(false)
})

test('errors name the op', () => {
  const x = tensor([1, 2])
  expect(() => x.eq('1' as unknown as number)).toThrow(
    new ArgumentError('eq: expected a tensor, a number or a bigint, got "1"'),
  )
  expect(() => x.lt(tensor([1, 2, 3]))).toThrow(new ShapeError('lt: expected shapes that broadcast, got [2] and [3]'))
  expect(() => isnan(1 as unknown as Tensor)).toThrow('isnan: expected x to be a tensor, got 1')
})
