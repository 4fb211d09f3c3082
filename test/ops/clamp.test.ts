import { arraySync, clamp, type Tensor, tensor } from '../../lib'
import { elementwise, floats, integers, type NdArray, testOp } from '../support'

const { shapes, large } = elementwise(1)

const limited = {
  op: (x: Tensor) => clamp(x, { min: -0.75, max: 1.25 }),
  ref: (x: NdArray) => x.map((v) => Math.min(Math.max(v, -0.75), 1.25)),
  shapes,
}

/** Numbers off the bounds, where the slope is neither 0 nor 1: outside, inside, outside. */
const offBounds = (random: () => number): number => [-1.5, 0.25, 2][Math.floor(random() * 3)] + (random() - 0.5) * 1.25

testOp('clamp', { ...limited, large, inputs: [{ draw: offBounds }] })

testOp('clamp of NaN, infinities and zeros', { ...limited, special: true, gradient: false })

/** Whole numbers, as every dtype has them, other than 4. */
const offFour = (random: () => number): number => [0, 1, 2, 3, 5, 6, 8, 9][Math.floor(random() * 8)]

testOp('clamp from below', {
  op: (x) => clamp(x, { min: 4 }),
  ref: (x) => x.map((v) => Math.max(v, 4)),
  dtypes: [...floats, ...integers],
  inputs: [{ draw: offFour }],
  shapes,
})

testOp('clamp from above', {
  op: (x) => clamp(x, { max: 4n }),
  ref: (x) => x.map((v) => Math.min(v, 4)),
  dtypes: [...floats, ...integers],
  inputs: [{ draw: offFour }],
  shapes,
})

test('int64 keeps all its bits', () => {
  const x = tensor([2n ** 62n + 1n, -(2n ** 62n) - 1n])
  expect(arraySync(clamp(x, { min: 0 }))).toEqual([2n ** 62n + 1n, 0])
})

test('bounds beyond the dtype limit nothing on their side and everything on the other', () => {
  const x = tensor([-5, 5], { dtype: 'int8' })
  expect(arraySync(clamp(x, { min: -1000, max: 1000 }))).toEqual([-5, 5])
  expect(arraySync(clamp(x, { min: 1000 }))).toEqual([127, 127])
  expect(arraySync(clamp(x, { max: -Infinity }))).toEqual([-128, -128])
})

test('a larger min gives max', () => {
  expect(arraySync(clamp(tensor([0, 2, 4]), { min: 3, max: 1 }))).toEqual([1, 1, 1])
})

test('a fractional bound makes integers float32', () => {
  const y = clamp(tensor([0n, 2n]), { max: 0.5 })
  expect([y.dtype, arraySync(y)]).toEqual(['float32', [0, 0.5]])
})

test('the gradient flows at the bounds and not beyond', () => {
  const x = tensor([-2, -1, 0, 1, 2], { requiresGrad: true })
  clamp(x, { min: -1, max: 1 }).sum().backward()
  expect(arraySync(x.grad!)).toEqual([0, 1, 1, 1, 0])
})

test('wrong arguments are named', () => {
  expect(() => clamp(tensor([1]), {})).toThrow('clamp: expected min, max or both, got neither')
  expect(() => clamp(tensor([1]), { min: NaN })).toThrow('clamp: expected min to be a number or a bigint, got NaN')
  expect(() => clamp(tensor([true]), { min: 0 })).toThrow('clamp: expected numbers, got bool')
})
