import { arraySync, gather, indexAdd, indexSelect, oneHot, ones, scatter, scatterAdd, tensor, zeros } from '../../lib'
import { everyDType, indices, NdArray, numbers, testOp } from '../support'

/** Indices into a dim of 7. */
const index = { dtype: 'int64', range: [0, 6] } as const
const index32 = { dtype: 'int32', range: [0, 6] } as const

/** The index tuple with `at` in the place of dim. */
const moved = (tuple: readonly number[], dim: number, at: number): number[] => tuple.map((i, d) => (d === dim ? at : i))

const added = (x: NdArray, source: NdArray, place: (tuple: number[]) => number[]): NdArray => {
  const y = x.copy()
  for (const tuple of indices(source.shape)) {
    const to = place(tuple)
    y.set(to, y.at(to) + source.at(tuple))
  }
  return y
}

testOp('indexSelect', {
  op: (x, i) => indexSelect(x, 1, i),
  ref: (x, i) => NdArray.make(moved(x.shape, 1, i.numel), (tuple) => x.at(moved(tuple, 1, i.data[tuple[1]]))),
  dtypes: everyDType,
  inputs: [{}, index],
  shapes: [[[3, 7], [5]], [[2, 7, 17], [16]], [[0, 7], [2]], [[2, 7], [0]], [[1, 7, 1], [1]]],
  large: [[60, 7, 90], [12]],
})

testOp('indexSelect of rows, int32', {
  op: (x, i) => indexSelect(x, 0, i),
  ref: (x, i) => NdArray.make(moved(x.shape, 0, i.numel), (tuple) => x.at(moved(tuple, 0, i.data[tuple[0]]))),
  inputs: [{}, index32],
  shapes: [[[7], [9]], [[7, 33], [4]]],
})

testOp('indexAdd', {
  op: (x, i, source) => indexAdd(x, 1, i, source),
  ref: (x, i, source) => added(x, source, (tuple) => moved(tuple, 1, i.data[tuple[1]])),
  dtypes: numbers,
  inputs: [{}, index, {}],
  shapes: [[[3, 7], [5], [3, 5]], [[2, 7, 17], [16], [2, 16, 17]], [[0, 7], [2], [0, 2]], [[2, 7], [0], [2, 0]]],
  large: [[60, 7, 90], [12], [60, 12, 90]],
  tolerance: 4,
})

testOp('gather', {
  op: (x, i) => gather(x, 1, i),
  ref: (x, i) => NdArray.make(i.shape, (tuple) => x.at(moved(tuple, 1, i.at(tuple)))),
  dtypes: everyDType,
  inputs: [{}, index],
  shapes: [[[3, 7], [3, 5]], [[2, 7, 17], [2, 16, 17]], [[4, 7, 3], [2, 9, 1]], [[2, 7], [0, 3]], [[1, 7], [1, 0]]],
  large: [[60, 7, 90], [60, 8, 90]],
})

testOp('scatterAdd', {
  op: (x, i, source) => scatterAdd(x, 1, i, source),
  ref: (x, i, source) => {
    const covered = NdArray.make(i.shape, (tuple) => source.at(tuple))
    return added(x, covered, (tuple) => moved(tuple, 1, i.at(tuple)))
  },
  dtypes: numbers,
  inputs: [{}, index, {}],
  shapes: [[[3, 7], [3, 5], [3, 5]], [[2, 7, 17], [2, 16, 17], [2, 16, 17]], [[4, 7, 3], [2, 9, 1], [3, 9, 4]]],
  large: [[60, 7, 90], [60, 8, 90], [60, 8, 90]],
  tolerance: 4,
})

const scatterRef = (x: NdArray, i: NdArray, value: (tuple: number[]) => number): NdArray => {
  const y = x.copy()
  for (const tuple of indices(i.shape)) y.set(moved(tuple, 1, i.at(tuple)), value(tuple))
  return y
}

testOp('scatter', {
  op: (x, i, source) => scatter(x, 1, i, source),
  ref: (x, i, source) => scatterRef(x, i, (tuple) => source.at(tuple)),
  dtypes: everyDType,
  inputs: [{}, index, {}],
  shapes: [[[3, 7], [3, 5], [3, 5]], [[2, 7, 17], [2, 16, 17], [2, 16, 17]], [[4, 7, 3], [2, 9, 1], [3, 9, 4]]],
  large: [[60, 7, 90], [60, 8, 90], [60, 8, 90]],
  gradient: false, // of repeated indices it is not defined
})

testOp('scatter of a number', {
  op: (x, i) => scatter(x, 1, i, 1),
  ref: (x, i) => scatterRef(x, i, () => 1),
  dtypes: everyDType,
  inputs: [{}, index],
  shapes: [[[3, 7], [3, 5]], [[4, 7, 3], [2, 9, 1]]],
})

const distinct = tensor([[2n, 0n, 6n], [5n, 4n, 1n]])

testOp('scatter to distinct places', {
  op: (x, source) => scatter(x, 1, distinct, source),
  ref: (x, source) => scatterRef(x, NdArray.of([[2, 0, 6], [5, 4, 1]]), (tuple) => source.at(tuple)),
  shapes: [[[2, 7], [2, 3]], [[3, 7], [4, 5]]],
})

test('oneHot', () => {
  const y = oneHot(tensor([[0n, 2n], [1n, 1n]]), 3)
  expect(y.dtype).toBe('int64')
  expect(arraySync(y)).toEqual([[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]])
  expect(arraySync(oneHot(tensor(1n), 2, { dtype: 'float32' }))).toEqual([0, 1])
  expect(oneHot(zeros([0], { dtype: 'int64' }), 4).shape).toEqual([0, 4])
})

describe('an index out of range', () => {
  const x = ones([3, 4])
  const far = tensor([[0n], [4n], [0n]])
  const negative = tensor([-1n, 0n])
  test.each([
    ['index_select', () => indexSelect(x, 1, negative)],
    ['index_add', () => indexAdd(x, 1, negative, ones([3, 2]))],
    ['gather', () => gather(x, 1, far)],
    ['scatter', () => scatter(x, 1, far, 1)],
    ['scatter_add', () => scatterAdd(x, 1, far, ones([3, 1]))],
    ['scatter', () => oneHot(negative, 2)],
  ])('rejects at the await and names %s', async (kernel, run) => {
    const y = run() // enqueued without complaint
    await expect(y.data()).rejects.toMatchObject({
      code: 'INDEX_OUT_OF_RANGE',
      message: expect.stringContaining(kernel) as string,
    })
    expect(arraySync(x)).toEqual(arraySync(ones([3, 4])))
  })
})

test('wrong arguments are named', () => {
  const x = ones([3, 4])
  const i = tensor([0n])
  expect(() => indexSelect(x, 0, tensor([0]))).toThrow('indexSelect: expected index to be int64 or int32, got float32')
  expect(() => indexSelect(x, 0, tensor([[0n]]))).toThrow('indexSelect: expected an index [n], got [1, 1]')
  expect(() => indexSelect(x, 2, i)).toThrow('indexSelect: expected a dim in [-2, 1], got 2')
  expect(() => indexSelect(tensor(1), 0, i)).toThrow('indexSelect: expected x of at least 1 dimension')
  expect(() => indexAdd(x, 0, i, ones([2, 4]))).toThrow('indexAdd: expected source [1, 4], got [2, 4]')
  expect(() => indexAdd(x, 0, i, ones([1, 4], { dtype: 'float64' }))).toThrow('indexAdd: expected source to be float32')
  expect(() => gather(x, 0, i)).toThrow('gather: expected an index [any, ≤ 4] for x [3, 4], got [1]')
  expect(() => scatter(x, 1, tensor([[0n, 1n]]), ones([1, 1]))).toThrow('scatter: expected a source that covers index')
  expect(() => scatterAdd(tensor([true]), 0, i, tensor([true]))).toThrow('scatterAdd: expected numbers, got bool')
  expect(() => oneHot(i, 0)).toThrow('oneHot: expected numClasses to be an integer of at least 1, got 0')
})
