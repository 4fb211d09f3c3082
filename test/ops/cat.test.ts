import { arraySync, cat, ones, repeat, stack, tensor } from '../../lib'
import { everyDType, NdArray, testOp } from '../support'

function catRef(dim: number, ...xs: NdArray[]): NdArray {
  const length = xs.reduce((sum, x) => sum + x.shape[dim], 0)
  return NdArray.make(
    xs[0].shape.map((n, d) => (d === dim ? length : n)),
    (index) => {
      let at = index[dim]
      const part = xs.find((x) => at < x.shape[dim] || ((at -= x.shape[dim]), false)) as NdArray
      return part.at(index.map((i, d) => (d === dim ? at : i)))
    },
  )
}

testOp('cat', {
  op: (...xs) => cat(xs, 1),
  ref: (...xs) => catRef(1, ...xs),
  dtypes: everyDType,
  shapes: [
    [[2, 3], [2, 0], [2, 4]],
    [[3, 17, 2], [3, 16, 2], [3, 1, 2]],
    [[0, 2], [0, 1]],
    [[4, 5]],
  ],
  large: [
    [40, 300, 3],
    [40, 211, 3],
  ],
})

testOp('cat along the last dim', {
  op: (...xs) => cat(xs, -1),
  ref: (...xs) => catRef(xs[0].shape.length - 1, ...xs),
  shapes: [[[5], [17]], [[2, 3, 4], [2, 3, 1]]],
})

testOp('stack', {
  op: (a, b) => stack([a, b], -1),
  ref: (a, b) => NdArray.make([...a.shape, 2], (index) => [a, b][index[index.length - 1]].at(index.slice(0, -1))),
  shapes: [[[], []], [[3, 5], [3, 5]], [[0, 2], [0, 2]]],
})

testOp('repeat', {
  op: (x) => repeat(x, [2, 1, 3]),
  ref: (x) => {
    const sizes = [...new Array<number>(3 - x.shape.length).fill(1), ...x.shape]
    const from = x.reshape(sizes)
    return NdArray.make([2 * sizes[0], sizes[1], 3 * sizes[2]], (index) => from.at(index.map((i, d) => i % sizes[d])))
  },
  dtypes: everyDType,
  shapes: [[[2, 3, 4]], [[3, 1]], [[17]], [[]], [[0, 3]]],
})

test('different dtypes meet in the promoted one', () => {
  const y = cat([tensor([1, 2]), tensor([3n])])
  expect(y.dtype).toBe('float32')
  expect(arraySync(y)).toEqual([1, 2, 3])
})

test('wrong arguments are named', () => {
  expect(() => cat([])).toThrow('cat: expected an array of at least one tensor')
  expect(() => cat([tensor(1)])).toThrow('cat: expected at least 1 dimension')
  expect(() => cat([ones([2, 3]), ones([3, 3])], 1)).toThrow(
    'cat: expected sizes that agree in every dim but 1, got [2, 3] and [3, 3]',
  )
  expect(() => cat([ones([2]), 3 as never])).toThrow('cat: expected tensors[1] to be a tensor, got 3')
  expect(() => stack([ones([2]), ones([3])])).toThrow('stack: expected tensors of one shape, got [2] and [3]')
  expect(() => repeat(ones([2, 3]), [2])).toThrow('repeat: expected a count for each of the 2 dims')
})
