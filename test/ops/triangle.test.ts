import { ones, tril, triu } from '../../lib'
import { everyDType, NdArray, testOp } from '../support'

const kept = (x: NdArray, keep: (row: number, column: number) => boolean): NdArray =>
  NdArray.make(x.shape, (index) => (keep(index[index.length - 2], index[index.length - 1]) ? x.at(index) : 0))

const shapes = [[[4, 5]], [[17, 16]], [[2, 3, 3]], [[0, 3]], [[2, 0]], [[1, 1]]]

describe.each([0, 1, -2, 9, -9])('diagonal %d', (diagonal) => {
  testOp('tril', {
    op: (x) => tril(x, diagonal),
    ref: (x) => kept(x, (row, column) => column - row <= diagonal),
    dtypes: everyDType,
    shapes,
    large: [[150, 300]],
  })

  testOp('triu', {
    op: (x) => triu(x, diagonal),
    ref: (x) => kept(x, (row, column) => column - row >= diagonal),
    dtypes: everyDType,
    shapes,
    large: [[150, 300]],
  })
})

test('wrong arguments are named', () => {
  expect(() => tril(ones([3]))).toThrow('tril: expected at least 2 dimensions, got [3]')
  expect(() => triu(ones([3, 3]), 0.5)).toThrow('triu: expected diagonal to be an integer')
})
