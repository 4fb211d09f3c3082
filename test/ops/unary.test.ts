import * as neurite from '../../lib'
import { DTypeError, elu, gelu, leakyRelu, silu, softplus, tensor, type Tensor } from '../../lib'
import { elementwise, integers, type OpCase, special, testOp } from '../support'

const { erf, roundEven } = special
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const positive = { inputs: [{ range: [0.2, 4] as const }] }
const awayFromZero = { inputs: [{ draw: (random: () => number) => (random() < 0.5 ? -1 : 1) * (0.5 + 2 * random()) }] }
/** No step of a rounding function within reach of a central difference. */
const betweenSteps = {
  inputs: [{ draw: (random: () => number) => Math.floor(8 * random() - 4) + 0.1 + 0.3 * random() }],
}

/** name, op, definition, what else the case says. */
const cases: [string, (x: Tensor) => Tensor, (x: number) => number, Partial<OpCase>?][] = [
  ['neg', neurite.neg, (x) => -x],
  ['abs', neurite.abs, Math.abs],
  ['sign', neurite.sign, Math.sign],
  ['square', neurite.square, (x) => x * x],
  ['sqrt', neurite.sqrt, Math.sqrt, positive],
  ['rsqrt', neurite.rsqrt, (x) => 1 / Math.sqrt(x), positive],
  ['reciprocal', neurite.reciprocal, (x) => 1 / x, awayFromZero],
  ['exp', neurite.exp, Math.exp],
  ['expm1', neurite.expm1, Math.expm1],
  ['log', neurite.log, Math.log, positive],
  ['log1p', neurite.log1p, Math.log1p, { inputs: [{ range: [-0.8, 3] }] }],
  ['sin', neurite.sin, Math.sin, { inputs: [{ range: [-20, 20] }] }],
  ['cos', neurite.cos, Math.cos, { inputs: [{ range: [-20, 20] }] }],
  ['tanh', neurite.tanh, Math.tanh],
  ['erf', neurite.erf, erf],
  ['sigmoid', neurite.sigmoid, sigmoid, { inputs: [{ range: [-9, 9] }] }],
  ['relu', neurite.relu, (x) => Math.max(x, 0)],
  ['gelu', (x) => gelu(x), (x) => (x / 2) * (1 + erf(x * Math.SQRT1_2))],
  [
    'gelu, tanh',
    (x) => gelu(x, { approximate: 'tanh' }),
    (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  ],
  ['silu', silu, (x) => x * sigmoid(x)],
  ['softplus', softplus, (x) => Math.log1p(Math.exp(x))],
  ['floor', neurite.floor, Math.floor, betweenSteps],
  ['ceil', neurite.ceil, Math.ceil, betweenSteps],
  ['round', neurite.round, roundEven, betweenSteps],
  ['trunc', neurite.trunc, Math.trunc, betweenSteps],
  ['leakyRelu', (x) => leakyRelu(x, { negativeSlope: 0.2 }), (x) => (x > 0 ? x : 0.2 * x)],
  ['elu', (x) => elu(x, { alpha: 1.5 }), (x) => (x > 0 ? x : 1.5 * Math.expm1(x))],
]

for (const [name, op, f, options] of cases) {
  testOp(name, { op, ref: (x) => x.map(f), ...elementwise(1), special: true, ...options })
}

const ofIntegers: typeof cases = [
  ['neg', neurite.neg, (x) => -x, { dtypes: ['int8', 'int32', 'int64'] }],
  ['abs', neurite.abs, Math.abs],
  ['sign', neurite.sign, Math.sign],
  ['square', neurite.square, (x) => x * x],
  ['relu', neurite.relu, (x) => Math.max(x, 0)],
  ['floor', neurite.floor, (x) => x],
  ['ceil', neurite.ceil, (x) => x],
  ['round', neurite.round, (x) => x],
  ['trunc', neurite.trunc, (x) => x],
]

for (const [name, op, f, options] of ofIntegers) {
  testOp(`${name} of integers`, {
    op,
    ref: (x) => x.map(f),
    ...elementwise(1),
    dtypes: integers,
    gradient: false,
    ...options,
  })
}

testOp('exp of integers and booleans, in float32', {
  op: neurite.exp,
  ref: (x) => x.map(Math.exp),
  ...elementwise(1),
  dtypes: [...integers, 'bool'],
  result: () => 'float32',
})

testOp('sin of large numbers', {
  op: neurite.sin,
  ref: (x) => x.map(Math.sin),
  ...elementwise(1),
  dtypes: ['float32', 'float64'],
  inputs: [{ range: [-1e6, 1e6] }],
  gradient: false,
})

describe.each(['exp', 'sigmoid', 'tanh', 'softplus', 'silu', 'gelu', 'elu', 'expm1'] as const)('%s far out', (name) => {
  const op = neurite[name] as (x: Tensor) => Tensor
  test.each(['float32', 'float64'] as const)('does not overflow into NaN, of %s', (dtype) => {
    const x = tensor([-1e4, -200, -90, 90, 200], { dtype })
    const rises = name !== 'sigmoid' && name !== 'tanh'
    const values = [...op(x).dataSync()] as number[]
    expect(values.some(Number.isNaN)).toBe(false)
    const far = { exp: 0, sigmoid: 0, softplus: 0, silu: 0, gelu: 0, tanh: -1, elu: -1, expm1: -1 }[name]
    expect(values[0]).toBeCloseTo(far, 12)
    expect(values[4]).toBeGreaterThanOrEqual(rises ? 200 : 1)
  })

  test('has a finite gradient there', () => {
    const x = tensor([-1e4, -200, -30, 30], { requiresGrad: true })
    op(x).sum().backward()
    expect((x.grad as Tensor).dataSync().every((g) => Number.isFinite(g))).toBe(true)
  })
})

test('round takes halves to even, floor, ceil and trunc to their sides', () => {
  const halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3]
  for (const dtype of ['float32', 'float64', 'float16', 'bfloat16'] as const) {
    const x = tensor(halves, { dtype })
    expect(x.round().add(0).arraySync()).toEqual([-2, -2, 0, 0, 2, 2, 3])
    expect(x.floor().arraySync()).toEqual([-3, -2, -1, 0, 1, 2, 3])
    expect(x.ceil().add(0).arraySync()).toEqual([-2, -1, 0, 1, 2, 3, 3])
    expect(x.trunc().add(0).arraySync()).toEqual([-2, -1, 0, 0, 1, 2, 3])
  }
})

test('uint8 negates modulo 256', () => {
  expect(tensor([1, 0, 255], { dtype: 'uint8' }).neg().arraySync()).toEqual([255, 0, 1])
})

test('int64 keeps every bit', () => {
  const big = 2n ** 62n + 3n
  expect(tensor([big, -big]).abs().arraySync()).toEqual([big, big])
  expect(tensor([big]).neg().itemSync()).toBe(-big)
})

test('ops that need numbers refuse booleans', () => {
  const x = tensor([true, false])
  expect(() => x.neg()).toThrow(DTypeError)
  expect(() => x.neg()).toThrow('neg: expected numbers, got bool')
  expect(() => x.abs()).toThrow('abs: expected numbers, got bool')
})

test('what is no tensor is refused by name', () => {
  expect(() => neurite.exp(3 as unknown as Tensor)).toThrow('exp: expected x to be a tensor, got 3')
  expect(() => leakyRelu(tensor([1]), { negativeSlope: NaN })).toThrow('leakyRelu: expected')
  expect(() => elu(tensor([1]), { alpha: '1' as unknown as number })).toThrow('elu: expected')
})
