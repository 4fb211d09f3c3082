import fc from 'fast-check'
import {
  ArgumentError,
  chunk,
  flatten,
  permute,
  reshape,
  ShapeError,
  slice,
  type SliceRange,
  split,
  squeeze,
  sum,
  tensor,
  type Tensor,
  transpose,
  unbind,
  unsqueeze,
  zeros,
} from '../../lib'
import { currentVariant, everyDType, NdArray, read, seed, testOp } from '../support'

const moved = { dtypes: everyDType, special: true }

testOp('reshape', {
  op: (x) => reshape(x, [2, -1]),
  ref: (x) => x.reshape([2, x.numel / 2]),
  shapes: [[[6]], [[3, 4]], [[2, 3, 4]], [[4, 1, 5]]],
  ...moved,
})
testOp('permute', {
  op: (x) => permute(x, [2, 0, -2]),
  ref: (x) => x.permute([2, 0, 1]),
  shapes: [[[2, 3, 4]], [[1, 17, 2]], [[0, 2, 3]]],
  ...moved,
})
testOp('transpose', {
  op: (x) => transpose(x, 0, -1),
  ref: (x) => x.permute([2, 1, 0]),
  shapes: [[[2, 3, 4]], [[17, 1, 16]]],
  ...moved,
})
testOp('flatten', {
  op: (x) => flatten(x, 1),
  ref: (x) => x.reshape([x.shape[0], x.numel / x.shape[0]]),
  shapes: [[[2, 3, 4]], [[3, 1, 5]]],
  ...moved,
})
testOp('split', {
  op: (x) => split(x, [1, 3, 0], 1),
  ref: (x) => [0, 1, 4].map((start, i) => NdArray.make([x.shape[0], [1, 3, 0][i]], ([r, c]) => x.at([r, start + c]))),
  shapes: [[[3, 4]], [[17, 4]]],
  ...moved,
})
testOp('views of views, added up', {
  op: (x) => reshape(permute(slice(x, [null, [1, null, 2]]), [1, 0]), [-1]).mul(x.select(0, 0).slice([0])),
  ref: (x) => {
    const columns = Math.ceil((x.shape[1] - 1) / 2)
    return NdArray.make(
      [columns * x.shape[0]],
      ([i]) => x.at([i % x.shape[0], 1 + 2 * Math.floor(i / x.shape[0])]) * x.at([0, 0]),
    )
  },
  shapes: [[[3, 4]], [[2, 7]]],
})

test('views share memory, one version and one base', () => {
  const x = zeros([2, 3, 4])
  const views = [x.reshape([6, 4]), x.permute([2, 0, 1]), x.slice([[1]]), x.select(1, 0), x.unsqueeze(0), x.detach()]
  x.fill_(7)
  for (const view of views) {
    expect(view.base).toBe(x)
    expect(view.version).toBe(1)
    expect([...view.dataSync()].every((v) => v === 7)).toBe(true)
  }
  expect(x.reshape([6, 4]).slice([0]).base).toBe(x)
})

test('reshape views what it can and copies the rest', () => {
  const x = zeros([4, 6])
  expect(x.reshape([2, 2, 3, 2]).base).toBe(x)
  expect(x.slice([null, [0, 4]]).reshape([2, 2, 2, 2]).base).toBe(x)
  expect(x.mT.reshape([24]).base).not.toBe(x)
  expect(x.reshape([4, 6])).toBe(x)
})

test('shapes', () => {
  const x = zeros([2, 1, 3])
  expect(unsqueeze(x, -1).shape).toEqual([2, 1, 3, 1])
  expect(unsqueeze(x, 0).shape).toEqual([1, 2, 1, 3])
  expect(squeeze(x).shape).toEqual([2, 3])
  expect(squeeze(x, 1).shape).toEqual([2, 3])
  expect(squeeze(x, 0).shape).toEqual([2, 1, 3])
  expect(flatten(x).shape).toEqual([6])
  expect(flatten(zeros([])).shape).toEqual([1])
  expect(zeros([0, 3]).reshape([3, 0, 5]).shape).toEqual([3, 0, 5])
  expect(zeros([]).reshape([1, 1]).shape).toEqual([1, 1])
  expect(x.mT.shape).toEqual([2, 3, 1])
  expect(zeros([2, 3]).T.shape).toEqual([3, 2])
  expect(zeros([3]).T.shape).toEqual([3])
})

test('split, chunk and unbind', () => {
  const x = tensor([0, 1, 2, 3, 4, 5, 6])
  const values = (parts: Tensor[]) => parts.map((part) => part.arraySync())
  expect(values(split(x, 3))).toEqual([[0, 1, 2], [3, 4, 5], [6]])
  expect(values(split(x, [2, 0, 5]))).toEqual([[0, 1], [], [2, 3, 4, 5, 6]])
  expect(values(chunk(x, 3))).toEqual([[0, 1, 2], [3, 4, 5], [6]])
  expect(values(unbind(x.slice([[0, 2]])))).toEqual([0, 1])
})

describe('errors', () => {
  const x = zeros([2, 3])
  const cases: [string, () => unknown, new (message: string) => Error, string][] = [
    ['reshape', () => reshape(x, [4]), ShapeError, 'reshape: expected a shape of 6 elements for [2, 3], got [4]'],
    ['reshape with two -1', () => reshape(x, [-1, -1]), ShapeError, 'reshape: expected'],
    ['reshape with a fraction', () => reshape(x, [1.5, 4]), ShapeError, 'reshape: expected a shape'],
    ['reshape without a list', () => reshape(x, 6 as never), ShapeError, 'reshape: expected a shape'],
    [
      'reshape to nine dims',
      () => reshape(zeros([1]), new Array<number>(9).fill(1)),
      ShapeError,
      'at most 8 dimensions',
    ],
    ['permute', () => permute(x, [0, 0]), ShapeError, 'permute: expected each of the 2 dims once, got [0, 0]'],
    ['transpose', () => transpose(x, 0, 2), ShapeError, 'transpose: expected a dim in [-2, 1], got 2'],
    ['split sizes', () => split(x, [1, 3], 1), ShapeError, 'split: expected sizes that add up to 3, got [1, 3]'],
    ['split by nothing', () => split(x, 0), ArgumentError, 'split: expected size to be an integer of at least 1'],
    ['unsqueeze', () => unsqueeze(x, 3), ShapeError, 'unsqueeze: expected a dim in [-3, 2], got 3'],
    ['flatten', () => flatten(x, 1, 0), ArgumentError, 'flatten: expected startDim before endDim'],
    ['T', () => zeros([1, 2, 3]).T, ShapeError, 'T: expected at most 2 dims'],
    ['split of a scalar', () => split(zeros([]), 1), ShapeError, 'split: expected at least 1 dimension, got []'],
    ['chunk of a scalar', () => chunk(zeros([]), 1), ShapeError, 'chunk: expected at least 1 dimension, got []'],
    ['unbind of a scalar', () => unbind(zeros([])), ShapeError, 'unbind: expected at least 1 dimension, got []'],
  ]
  test.each(cases)('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})

describe('any chain of views agrees with a naive interpreter', () => {
  type Step = (x: Tensor, a: NdArray, pick: (n: number) => number) => [Tensor, NdArray]
  const naiveSlice = (a: NdArray, ranges: [number, number, number][]) =>
    NdArray.make(
      ranges.map(([start, end, step]) => Math.max(0, Math.ceil((end - start) / step))),
      (index) => a.at(index.map((i, d) => ranges[d][0] + i * ranges[d][2])),
    )
  const steps: Step[] = [
    (x, a, pick) => {
      const dims = a.shape.map((_, d) => d).sort(() => pick(3) - 1)
      return [permute(x, dims), a.permute(dims)]
    },
    (x, a, pick) => {
      const ranges = a.shape.map((n): [number, number, number] => {
        const start = pick(n + 1)
        return [start, start + pick(n - start + 1), 1 + pick(3)]
      })
      return [slice(x, ranges as SliceRange[]), naiveSlice(a, ranges)]
    },
    (x, a, pick) => {
      if (a.shape.length === 0) return [x, a]
      const d = pick(a.shape.length)
      const joined = [...a.shape.slice(0, d), a.shape[d] * (a.shape[d + 1] ?? 1), ...a.shape.slice(d + 2)]
      return [reshape(x, joined), a.reshape(joined)]
    },
    (x, a, pick) => {
      const at = pick(a.shape.length + 1)
      if (a.shape.length >= 6) return [x, a]
      const shape = [...a.shape.slice(0, at), 1, ...a.shape.slice(at)]
      const wide = shape.map((n, d) => (d === at ? 1 + pick(3) : n))
      return [unsqueeze(x, at).expand(wide), NdArray.make(wide, (index) => a.at(index.filter((_, d) => d !== at)))]
    },
  ]
  test(`on ${currentVariant()} (seed ${seed})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: steps.length - 1 }), fc.infiniteStream(fc.nat())), {
          maxLength: 6,
        }),
        (shape, chain) => {
          let count = 0
          let a = NdArray.make(shape, () => count++)
          let x = tensor(a.data, { shape, dtype: 'float32' })
          const leaf = x.setRequiresGrad()
          for (const [which, stream] of chain) {
            const pick = (n: number) => stream.next().value % Math.max(1, n)
            ;[x, a] = steps[which](x, a, pick)
          }
          expect(x.shape).toEqual([...a.shape])
          expect(read(x).data).toEqual(a.data)
          // The gradient of the sum counts how often each element of the leaf is seen.
          sum(x).backward()
          const seen = new Float64Array(leaf.numel)
          for (const value of a.data) seen[value]++
          expect(read(leaf.grad as Tensor).data).toEqual(seen)
        },
      ),
      { seed, numRuns: 300 },
    )
  })
})
