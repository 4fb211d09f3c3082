import { DTypeError, ShapeError, tensor, type Tensor, where } from '../../lib'
import { everyDType, NdArray, testOp } from '../support'

const choose = (c: NdArray, a: NdArray, b: NdArray) => NdArray.zip((test, x, y) => (test !== 0 ? x : y), c, a, b)
const condition = { dtype: 'bool' as const }

testOp('where', {
  op: where,
  ref: choose,
  shapes: [
    ...[0, 1, 15, 16, 17, 5003].map((n) => [[n], [n], [n]]),
    [[], [], []],
    [[3, 1], [4], [2, 1, 4]],
    [[3, 17], [3, 17], []],
    [[1], [0], [1]],
  ],
  large: [[40_001], [40_001], [40_001]],
  inputs: [condition],
  special: true,
  dtypes: everyDType,
})

testOp('maskedFill', {
  op: (mask, x) => x.maskedFill(mask, -7),
  ref: (mask, x) => NdArray.zip((m, v) => (m !== 0 ? -7 : v), mask, x),
  shapes: [[[3, 17], [3, 17]], [[17], [3, 17]], [[0], [0]], [[3, 1], [1, 5]]],
  inputs: [condition],
  dtypes: ['float32', 'float64', 'float16', 'bfloat16', 'int8', 'int32', 'int64'],
})

test('an infinity that is not chosen leaves the gradient alone', () => {
  const x = tensor([0, 4], { requiresGrad: true })
  where(x.gt(0), x.sqrt(), 0).sum().backward()
  expect((x.grad as Tensor).arraySync()[1 as never]).toBe(0.25)
  const y = tensor([-Infinity, 4], { requiresGrad: true })
  where(y.gt(0), y, 0).sum().backward()
  expect((y.grad as Tensor).arraySync()).toEqual([0, 1])
})

test('promotes like other ops on two operands; two numbers give float32', () => {
  const c = tensor([true, false])
  expect(where(c, 1, 2)).toMatchObject({ dtype: 'float32', shape: [2] })
  expect(where(c, 1, 2).arraySync()).toEqual([1, 2])
  expect(where(c, tensor([1n, 2n]), 0.5).dtype).toBe('float32')
  expect(where(c, tensor([1n, 2n]), 5).arraySync()).toEqual([1, 5])
  expect(where(c, tensor([2n ** 60n]), 0n).arraySync()).toEqual([2n ** 60n, 0])
  expect(where(c, tensor([1], { dtype: 'float16' }), tensor([2], { dtype: 'float64' })).dtype).toBe('float64')
})

test('errors', () => {
  expect(() => where(tensor([1, 0]), 1, 2)).toThrow(new DTypeError('where: expected condition to be bool, got float32'))
  expect(() => where(tensor([true, false]), tensor([1, 2, 3]), 2)).toThrow(ShapeError)
  expect(() => where(true as unknown as Tensor, 1, 2)).toThrow('where: expected condition to be a tensor, got true')
})
