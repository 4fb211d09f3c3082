import { ArgumentError, narrow, select, ShapeError, slice, tensor, zeros } from '../../lib'
import { everyDType, NdArray, testOp } from '../support'

testOp('slice', {
  op: (x) => slice(x, [[1, -1], 2, [null, null, 3]]),
  ref: (x) => NdArray.make([x.shape[0] - 2, Math.ceil(x.shape[2] / 3)], ([i, k]) => x.at([i + 1, 2, 3 * k])),
  shapes: [[[4, 3, 7]], [[5, 4, 1]], [[3, 3, 18]], [[2, 3, 4]]],
  dtypes: everyDType,
  special: true,
})

test('ranges are clipped, and a number drops its dim', () => {
  expect(zeros([5, 2]).slice([[9, 12]]).shape).toEqual([0, 2])
  expect(zeros([5, 2]).slice([[-3, null, 2], -1]).shape).toEqual([2])
})

test('narrow and select', () => {
  const x = tensor([0, 1, 2, 3, 4, 5, 6])
  expect(narrow(x, 0, 2, 3).arraySync()).toEqual([2, 3, 4])
  expect(select(x, -1, -1).itemSync()).toBe(6)
})

describe('errors', () => {
  const x = zeros([2, 3])
  const cases: [string, () => unknown, new (message: string) => Error, string][] = [
    ['slice index', () => slice(x, [2]), ShapeError, 'slice: expected an index in [-2, 1] for dim 0, got 2'],
    ['slice step', () => slice(x, [[0, 2, 0]]), ShapeError, 'slice: expected [start, end, step > 0] for dim 0'],
    ['slice range', () => slice(x, ['1' as never]), ShapeError, 'slice: expected [start, end, step > 0] for dim 0'],
    ['too many ranges', () => slice(x, [0, 0, 0]), ShapeError, 'slice: expected at most 2 ranges'],
    ['narrow', () => narrow(x, 1, 2, 2), ArgumentError, 'narrow: expected length to be an integer in [0, 1], got 2'],
    ['select', () => select(x, 1, 3), ArgumentError, 'select: expected index to be an integer in [-3, 2], got 3'],
    [
      'narrow of a scalar',
      () => narrow(zeros([]), 0, 0, 0),
      ShapeError,
      'narrow: expected at least 1 dimension, got []',
    ],
    ['select of a scalar', () => select(zeros([]), 0, 0), ShapeError, 'select: expected at least 1 dimension, got []'],
  ]
  test.each(cases)('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})
