import {
  add,
  ArgumentError,
  AutogradError,
  div,
  DTypeError,
  mul,
  NeuriteError,
  noGrad,
  ShapeError,
  sub,
  tensor,
  type Tensor,
  zeros,
} from '../../lib'
import type { DType } from '../../lib'
import { elementwise, everyDType, floats, integers, NdArray, numbers, testOp } from '../support'

const both = (f: (a: number, b: number) => number) => (a: NdArray, b: NdArray) => NdArray.zip(f, a, b)

testOp('add', { op: add, ref: both((a, b) => a + b), ...elementwise(2), special: true, dtypes: numbers })
testOp('sub', {
  op: sub,
  ref: both((a, b) => a - b),
  ...elementwise(2),
  special: true,
  inputs: [{ range: [3, 9] }, { range: [-2, 2] }],
  dtypes: numbers,
})
testOp('mul', { op: mul, ref: both((a, b) => a * b), ...elementwise(2), special: true, dtypes: numbers })
testOp('div', {
  op: div,
  ref: both((a, b) => a / b),
  ...elementwise(2),
  special: true,
  inputs: [{}, { draw: (random) => (random() < 0.5 ? -1 : 1) * (0.5 + random()) }],
})
testOp('div of integers, in float32', {
  op: div,
  ref: both((a, b) => a / b),
  ...elementwise(2),
  dtypes: [...integers, 'bool'],
  result: () => 'float32',
})
testOp('add of a number', {
  op: (x) => add(2.5, x),
  ref: (x) => x.map((v) => v + 2.5),
  ...elementwise(1),
  special: true,
})
testOp('div of a number', {
  op: (x) => div(3, x),
  ref: (x) => x.map((v) => 3 / v),
  ...elementwise(1),
  inputs: [{ range: [0.5, 2] }],
})
testOp('mul of a tensor with itself', { op: (x) => mul(x, x), ref: (x) => x.map((v) => v * v), ...elementwise(1) })

describe('promotion', () => {
  // torch.promote_types, in the order of the columns; int8 with uint8 is int16 there, which does not exist here.
  const columns: DType[] = ['bool', 'uint8', 'int8', 'int32', 'int64', 'float16', 'bfloat16', 'float32', 'float64']
  const table: Record<string, string> = {
    bool: 'bool uint8 int8 int32 int64 float16 bfloat16 float32 float64',
    uint8: 'uint8 uint8 int32 int32 int64 float16 bfloat16 float32 float64',
    int8: 'int8 int32 int8 int32 int64 float16 bfloat16 float32 float64',
    int32: 'int32 int32 int32 int32 int64 float16 bfloat16 float32 float64',
    int64: 'int64 int64 int64 int64 int64 float16 bfloat16 float32 float64',
    float16: 'float16 float16 float16 float16 float16 float16 float32 float32 float64',
    bfloat16: 'bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 float32 bfloat16 float32 float64',
    float32: 'float32 float32 float32 float32 float32 float32 float32 float32 float64',
    float64: 'float64 float64 float64 float64 float64 float64 float64 float64 float64',
  }
  test.each(columns.flatMap((a) => columns.map((b, i) => [a, b, table[a].split(' ')[i]])))(
    '%s with %s is %s',
    (a, b, dtype) => {
      const x = tensor([1, 0, 1], { dtype: a as DType })
      const y = tensor([1, 1, 0], { dtype: b as DType })
      const sum = add(x, y)
      expect(sum.dtype).toBe(dtype)
      expect(sum.to('float32').arraySync()).toEqual(dtype === 'bool' ? [1, 1, 1] : [2, 1, 1])
      const quotient = div(x, y)
      expect(quotient.dtype).toBe(floats.includes(dtype as never) ? dtype : 'float32')
    },
  )

  const weak: [DType, number | bigint, DType][] = [
    ...floats.flatMap((d) => [2, 2.5, 2n].map((v): [DType, number | bigint, DType] => [d, v, d])),
    ...integers.flatMap((d): [DType, number | bigint, DType][] => [
      [d, 2, d],
      [d, 2n, d],
      [d, 2.5, 'float32'],
    ]),
    ['bool', 2, 'int64'],
    ['bool', 2n, 'int64'],
    ['bool', 2.5, 'float32'],
  ]
  test.each(weak)('%s with the number %s is %s', (dtype, value, result) => {
    const x = tensor([1, 0], { dtype })
    for (const y of [mul(x, value), mul(value, x)]) {
      expect(y.dtype).toBe(result)
      expect(y.to('float64').arraySync()).toEqual([Number(value), 0])
    }
  })
})

describe('int64', () => {
  const big = 2n ** 53n + 1n
  test('adds, subtracts and multiplies every bit', () => {
    const x = tensor([big, -big])
    expect(x.add(1n).dataSync()).toEqual(BigInt64Array.of(big + 1n, -big + 1n))
    expect(x.sub(tensor([3n])).dataSync()).toEqual(BigInt64Array.of(big - 3n, -big - 3n))
    expect(x.mul(5n).dataSync()).toEqual(BigInt64Array.of(big * 5n, -big * 5n))
    expect(x.add(2n ** 60n).dataSync()).toEqual(BigInt64Array.of(big + 2n ** 60n, 2n ** 60n - big))
  })
  test('wraps around', () => {
    expect(
      tensor([2n ** 63n - 1n])
        .add(1n)
        .itemSync(),
    ).toBe(-(2n ** 63n))
    expect(tensor([100], { dtype: 'int8' }).add(100).itemSync()).toBe(-56)
  })
})

test('booleans add as or and multiply as and', () => {
  const [a, b] = [tensor([true, true, false, false]), tensor([true, false, true, false])]
  expect(a.add(b).arraySync()).toEqual([true, true, true, false])
  expect(a.mul(b).arraySync()).toEqual([true, false, false, false])
  expect(() => a.sub(b)).toThrow(/^sub: expected/)
})

test('gradients come back in the dtype and shape of their operand', () => {
  const a = tensor([[1], [2]], { dtype: 'float16', requiresGrad: true })
  const b = tensor([1, 2, 3], { dtype: 'float64', requiresGrad: true })
  mul(a, b).sum().backward()
  expect(a.grad).toMatchObject({ dtype: 'float16', shape: [2, 1] })
  expect((a.grad as Tensor).arraySync()).toEqual([[6], [6]])
  expect(b.grad).toMatchObject({ dtype: 'float64', shape: [3] })
  expect((b.grad as Tensor).arraySync()).toEqual([3, 3, 3])
})

describe('errors', () => {
  const x = zeros([2, 3])
  test.each([
    [
      'shapes that do not broadcast',
      () => add(x, zeros([2])),
      ShapeError,
      'add: expected shapes that broadcast, got [2, 3] and [2]',
    ],
    ['no tensor at all', () => add(1, 2), ArgumentError, 'add: expected at least one tensor, got 1 and 2'],
    [
      'a string',
      () => mul(x, '2' as unknown as number),
      ArgumentError,
      'mul: expected a tensor, a number or a bigint, got "2"',
    ],
    [
      'null',
      () => mul(null as unknown as number, x),
      ArgumentError,
      'mul: expected a tensor, a number or a bigint, got null',
    ],
    [
      'an array',
      () => x.sub([1] as unknown as number),
      ArgumentError,
      'sub: expected a tensor, a number or a bigint, got [1]',
    ],
    [
      'a disposed tensor',
      () => {
        const t = zeros([2])
        t.dispose()
        add(t, 1)
      },
      NeuriteError,
      'add: expected a live tensor, got the id -1 of a disposed',
    ],
  ])('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})

describe('in place', () => {
  test.each(['float32', 'float64', 'float16', 'int32', 'int64'] as const)('add_, sub_ and mul_ of %s', (dtype) => {
    const x = tensor([1, 2, 3], { dtype })
    expect(x.add_(2)).toBe(x)
    x.sub_(tensor([1, 1, 1], { dtype })).mul_(tensor([2], { dtype }))
    expect(x.arraySync()).toEqual([4, 6, 8])
    expect(x.version).toBe(3)
  })
  test('div_ of floating tensors only', () => {
    expect(tensor([1, 2]).div_(2).arraySync()).toEqual([0.5, 1])
    expect(() => tensor([1n]).div_(2)).toThrow(
      new DTypeError('div_: expected a floating tensor, as quotients are, got int64'),
    )
  })
  test('writes through views, which share one version', () => {
    const x = zeros([2, 3])
    const column = x.slice([null, 1])
    column.add_(tensor([5, 6]))
    expect(x.arraySync()).toEqual([
      [0, 5, 0],
      [0, 6, 0],
    ])
    expect([x.version, column.version, x.detach().version]).toEqual([1, 1, 1])
  })
  test('reads an operand in the same memory as it was before', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ])
    x.add_(x.mT)
    expect(x.arraySync()).toEqual([
      [2, 5],
      [5, 8],
    ])
    const y = tensor([1, 2, 3, 4])
    y.slice([[1, null]]).add_(y.slice([[0, -1]]))
    expect(y.arraySync()).toEqual([1, 3, 5, 7])
    expect(y.add_(y).arraySync()).toEqual([2, 6, 10, 14])
  })
  test('keeps dtype and shape', () => {
    const x = zeros([2])
    expect(() => tensor([1n]).add_(0.5)).toThrow('add_: expected an operand that keeps int64, got 0.5')
    expect(() => x.add_(zeros([2], { dtype: 'float64' }))).toThrow(DTypeError)
    expect(() => x.add_(zeros([3, 2]))).toThrow(
      new ShapeError('add_: expected an operand that broadcasts to [2], got [3, 2]'),
    )
    expect(x.version).toBe(0)
  })
  test('refuses what autograd would lose', () => {
    const w = zeros([2], { requiresGrad: true })
    const x = zeros([2])
    expect(() => w.add_(1)).toThrow(AutogradError)
    expect(() => w.add_(1)).toThrow('add_: expected a tensor without gradient, got a leaf that requires grad')
    expect(() => w.mul(2).mul_(2)).toThrow("got the result of 'mul', which requires grad")
    expect(() => x.add_(w)).toThrow('add_: expected an operand without gradient, got a leaf that requires grad')
    noGrad(() => {
      w.add_(1)
      x.add_(w)
    })
    expect(x.arraySync()).toEqual([1, 1])
  })
  test('refuses memory whose elements repeat', () => {
    const x = zeros([1, 3]).expand([2, 3])
    expect(() => x.add_(1)).toThrow(ArgumentError)
    expect(() => x.add_(1)).toThrow('add')
  })
})

test('no op changes the dtype table silently', () => {
  expect([...everyDType].sort()).toEqual([
    'bfloat16',
    'bool',
    'float16',
    'float32',
    'float64',
    'int32',
    'int64',
    'int8',
    'uint8',
  ])
})
