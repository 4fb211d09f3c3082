import { clone, contiguous, type DType, DTypeError, noGrad, ShapeError, tensor, type Tensor, to, zeros } from '../../lib'
import { elementwise, everyDType, floats, testDevice, testOp } from '../support'

testOp('clone', { op: clone, ref: (x) => x.copy(), ...elementwise(1), dtypes: everyDType, special: true })
testOp('contiguous', {
  op: (x) => contiguous(x),
  ref: (x) => x.copy(),
  ...elementwise(1),
  dtypes: everyDType,
  special: true,
})
for (const dtype of floats) {
  testOp(`to ${dtype}`, {
    op: (x) => to(x, dtype),
    ref: (x) => x.copy(),
    ...elementwise(1),
    special: true,
    result: () => dtype,
    gradient: false,
    dtypes: [...floats, 'int8', 'uint8', 'int32', 'int64', 'bool'],
  })
}
testOp('there and back', { op: (x) => to(to(x, 'float64'), x.dtype), ref: (x) => x.copy(), ...elementwise(1) })

/** What C and PyTorch agree on, and for the rest: floats saturate, NaN becomes 0, integers wrap. */
const conversions: [DType, (number | bigint)[], DType, (number | bigint | boolean)[]][] = [
  ['float32', [2.9, -2.9, 0.4, -0.4], 'int32', [2, -2, 0, 0]],
  ['float32', [1e10, -1e10, NaN, Infinity], 'int32', [2147483647, -2147483648, 0, 2147483647]],
  ['float64', [1e30, -1e30], 'int64', [2n ** 63n - 1n, -(2n ** 63n)]],
  ['float32', [300, -5, 255], 'uint8', [255, 0, 255]],
  ['int64', [300n, -1n, 2n ** 40n + 7n], 'uint8', [44, 255, 7]],
  ['int32', [200, -200, 5], 'int8', [-56, 56, 5]],
  ['float32', [0, -0, 0.5, NaN], 'bool', [false, false, true, true]],
  ['int64', [0n, 256n, -1n], 'bool', [false, true, true]],
  ['float32', [65519, 65520, -1e6, 2 ** -25, 2 ** -24], 'float16', [65504, Infinity, -Infinity, 0, 2 ** -24]],
  ['float32', [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38], 'bfloat16', [1, 1 + 2 ** -6, Infinity]],
  ['int64', [2n ** 53n + 1n], 'float64', [2 ** 53]],
]
test.each(conversions)('%s %p to %s', (from, values, dtype, expected) => {
  const x = tensor(values as number[], { dtype: from })
  expect(x.to(dtype).add(0).arraySync()).toEqual(tensor(expected as number[], { dtype }).add(0).arraySync())
})

test('what is there already is returned itself', () => {
  const x = zeros([2, 3])
  expect([x.to('float32'), x.to(testDevice), x.contiguous()]).toEqual([x, x, x])
  expect(x.to('float32')).toBe(x)
  expect(x.clone()).not.toBe(x)
  expect(x.clone().base).toBe(null)
})

describe('in place', () => {
  test('copy_ broadcasts, converts and writes through views', () => {
    const x = zeros([2, 3], { dtype: 'int32' })
    expect(x.copy_(tensor([1.9, 2, 3]))).toBe(x)
    x.slice([1, [1, null]]).copy_(tensor([9]))
    expect(x.arraySync()).toEqual([[1, 2, 3], [1, 9, 9]])
    expect(x.version).toBe(2)
  })
  test('copy_ within one memory reads what was there before', () => {
    const x = tensor([1, 2, 3, 4])
    x.slice([[1, null]]).copy_(x.slice([[0, -1]]))
    expect(x.arraySync()).toEqual([1, 1, 2, 3])
  })
  test('fill_ and zero_', () => {
    const x = zeros([2], { dtype: 'int64' })
    expect(x.fill_(2n ** 60n).arraySync()).toEqual([2n ** 60n, 2n ** 60n])
    expect(x.zero_().arraySync()).toEqual([0, 0])
    expect(zeros([2, 2]).mT.slice([0]).fill_(0.5).arraySync()).toEqual([0.5, 0.5])
    expect(x.version).toBe(2)
  })
  test('errors', () => {
    const x = zeros([2])
    expect(() => x.copy_(zeros([3]))).toThrow(ShapeError)
    expect(() => x.copy_(zeros([2, 2]))).toThrow('copy_: expected a source that broadcasts to [2], got [2, 2]')
    expect(() => x.copy_(1 as never)).toThrow('copy_: expected source to be a tensor, got 1')
    expect(() => x.fill_('1' as never)).toThrow('fill_: expected a number or a bigint, got "1"')
    const w = zeros([2], { requiresGrad: true })
    expect(() => w.zero_()).toThrow('fill_: expected a tensor without gradient, got a leaf that requires grad')
    expect(() => x.copy_(w)).toThrow('copy_: expected an operand without gradient')
    noGrad(() => w.fill_(3))
    expect(w.arraySync()).toEqual([3, 3])
  })
})

test('errors of to', () => {
  const x = zeros([1])
  expect(() => x.to('float31' as never)).toThrow("to: expected a device such as 'cpu'")
  expect(() => zeros([1], { dtype: 'f32' as never })).toThrow(DTypeError)
  expect(() => to(1 as unknown as Tensor, 'int8')).toThrow('to: expected x to be a tensor, got 1')
})
