import { arraySync, argsort, dataSync, type DType, kthvalue, median, ones, sort, tensor, type Tensor, topk, zeros } from '../../lib'
import { compare } from '../support/compare'
import type { OpCase } from '../support/opCase'
import { everyDType, indices, NdArray, read, testOp } from '../support'
import { tolerances } from '../support/tolerances'

/** The positions of `values` in order: NaN the greatest, equal ones as they come. */
function order(values: readonly number[], descending: boolean): number[] {
  const sign = descending ? -1 : 1
  const rank = (a: number, b: number) => (a === b || (a !== a && b !== b) ? 0 : a !== a || a > b ? 1 : -1)
  return values.map((_, i) => i).sort((i, j) => sign * rank(values[i], values[j]) || i - j)
}

/** The first k of the order of each row along `dim`, as values and positions. */
function ordered(x: NdArray, dim: number, descending: boolean, k = x.shape[dim]): [NdArray, NdArray] {
  const sized = (n: number) => x.shape.map((size, d) => (d === dim ? n : size))
  const index = NdArray.make(sized(k), () => 0)
  const values = NdArray.make(sized(k), () => 0)
  for (const start of indices(sized(1))) {
    const moved = (i: number) => start.map((j, d) => (d === dim ? i : j))
    const row = Array.from({ length: x.shape[dim] }, (_, i) => x.at(moved(i)))
    for (const [place, i] of order(row, descending).slice(0, k).entries()) {
      index.set(moved(place), i)
      values.set(moved(place), row[i])
    }
  }
  return [values, index]
}

/** Where elements are equal there is no derivative: few elements, none repeated. */
const smooth: Pick<OpCase, 'gradientLayouts' | 'gradientShapes'> = {
  gradientLayouts: ['contiguous', 'transposed', 'sliced'],
  gradientShapes: [[[4, 5]], [[5, 3, 2]]],
}

/** Few distinct values, so that many are equal. */
const coarse = { draw: (random: () => number) => Math.floor(random() * 8) - 4 }

for (const [label, dim, descending] of [['ascending', 1, false], ['descending', 0, true]] as const) {
  testOp(`sort ${label}`, {
    op: (x) => sort(x, { dim, descending })[0],
    ref: (x) => ordered(x, dim, descending)[0],
    shapes: [[[3, 17]], [[2, 16, 3]], [[1, 1]], [[3, 0]], [[0, 3]], [[60, 5]], [[2, 130]]],
    large: [[50, 400]],
    dtypes: everyDType,
    special: true,
    ...smooth,
  })
  testOp(`topk ${label}`, {
    op: (x) => topk(x, 3, { dim, largest: descending })[0],
    ref: (x) => ordered(x, dim, descending, 3)[0],
    shapes: [[[3, 17]], [[3, 16, 3]], [[3, 3]], [[60, 5]], [[300, 5]], [[4, 300]]],
    large: [[50, 400]],
    dtypes: everyDType,
    special: true,
    ...smooth,
  })
}

/** Positions, checked for equality where many values are equal. */
function checkPositions(x: Tensor, dim: number, descending: boolean, k: number): void {
  const [, want] = ordered(read(x), dim, descending)
  const [, first] = ordered(read(x), dim, descending, k)
  compare('argsort', read(argsort(x, { dim, descending })), want, 'int64', tolerances.int64)
  compare('sort', read(sort(x, { dim, descending })[1]), want, 'int64', tolerances.int64)
  compare('topk', read(topk(x, k, { dim, largest: descending })[1]), first, 'int64', tolerances.int64)
}

test.each(everyDType)('equal elements of %s stay in their order', (dtype: DType) => {
  let state = 1
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647
  for (const [rows, n, k] of [[3, 40, 7], [2, 700, 1], [2, 700, 300]]) {
    const values = NdArray.make([rows, n], () => Math.abs(coarse.draw(random)))
    const x = tensor(values.data, { shape: [rows, n], dtype: 'float64' }).to(dtype)
    for (const descending of [false, true]) {
      checkPositions(x, 1, descending, k)
      checkPositions(x.T, 0, descending, k)
    }
  }
})

test('NaN is the greatest, zeros are equal', () => {
  const x = tensor([NaN, 0, -0, Infinity, -NaN, -Infinity, 0])
  expect(arraySync(argsort(x))).toEqual([5, 1, 2, 6, 3, 0, 4])
  expect(arraySync(argsort(x, { descending: true }))).toEqual([0, 4, 3, 1, 2, 6, 5])
  expect(arraySync(sort(x)[0])).toEqual([-Infinity, 0, -0, 0, Infinity, NaN, NaN])
  expect(arraySync(topk(x, 2)[1])).toEqual([0, 4])
  expect(arraySync(topk(x, 3, { largest: false })[0])).toEqual([-Infinity, 0, -0])
})

test('extremes of int64 keep all their bits', () => {
  const x = tensor(new BigInt64Array([5n, -(2n ** 63n), 2n ** 63n - 1n, -1n, 2n ** 53n + 1n, 2n ** 53n]))
  const sorted = new BigInt64Array([-(2n ** 63n), -1n, 5n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n])
  expect(dataSync(sort(x)[0])).toEqual(sorted)
  expect(dataSync(topk(x, 1)[0])).toEqual(sorted.slice(-1))
})

testOp('kthvalue', {
  op: (x) => kthvalue(x, 2, { dim: 0 })[0],
  ref: (x) => {
    const [values] = ordered(x, 0, false, 2)
    return NdArray.make(x.shape.slice(1), (at) => values.at([1, ...at]))
  },
  shapes: [[[5, 3]], [[2, 17]], [[9]]],
  dtypes: everyDType,
  ...smooth,
})

testOp('median', {
  op: (x) => median(x, { dim: 1, keepdim: true })[0],
  ref: (x) =>
    x.reduce([1], true, (row) => {
      const sorted = row.map((_, i) => row[order(row, false)[i]])
      return row.some((v) => v !== v) ? NaN : sorted[Math.ceil(row.length / 2) - 1]
    }),
  shapes: [[[5, 3]], [[2, 18]], [[3, 1, 2]]],
  dtypes: everyDType,
  special: true,
  ...smooth,
})

test('results keep or drop the dim', () => {
  const x = tensor([[3, 1, 2], [6, 5, 4]])
  expect(kthvalue(x, 3).map((t) => arraySync(t))).toEqual([[3, 6], [0, 0]])
  expect(kthvalue(x, 3, { keepdim: true })[0].shape).toEqual([2, 1])
  expect(x.median({ dim: 0 }).map((t) => arraySync(t))).toEqual([[3, 1, 2], [0, 0, 0]])
  expect(x.median().itemSync()).toBe(3)
  expect(tensor([[1, NaN, 0]]).median({ dim: 1 }).map((t) => arraySync(t))).toEqual([[NaN], [1]])
})

test('a scalar is a row of one', () => {
  const x = tensor(7).setRequiresGrad()
  for (const [values, index] of [sort(x), topk(x, 1), kthvalue(x, 1), median(x, { dim: 0 })]) {
    expect([values.itemSync(), index.itemSync(), values.shape]).toEqual([7, 0, []])
  }
  sort(x)[0].backward()
  expect(x.grad?.itemSync()).toBe(1)
})

test('wrong arguments are named', () => {
  const x = ones([2, 3])
  expect(() => sort(x, { dim: 2 })).toThrow('sort: expected a dim in [-2, 1], got 2')
  expect(() => topk(x, 4)).toThrow('topk: expected k to be an integer in [0, 3], got 4')
  expect(() => kthvalue(x, 0)).toThrow('kthvalue: expected k to be an integer in [1, 3], got 0')
  expect(() => median(zeros([2, 0]), { dim: 1 })).toThrow('median: expected at least one element along dim 1')
  expect(() => argsort([1] as never)).toThrow('argsort: expected x to be a tensor')
})
