import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  arraySync,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type AvgPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type MaxPoolOptions,
  memoryStats,
  ones,
  tensor,
  zeros,
} from '../../lib'
import { indices, NdArray, testOp } from '../support'

const full = (n: number, value: number | readonly number[]): readonly number[] =>
  typeof value === 'number' ? new Array<number>(n).fill(value) : value

/** `reduce` of the elements in each window; `overhang` are those of its elements that lie in the border. */
function pooled(
  n: number,
  x: NdArray,
  options: MaxPoolOptions & AvgPoolOptions,
  reduce: (values: number[], border: number) => number,
): NdArray {
  const size = full(n, options.kernelSize)
  const stride = full(n, options.stride ?? size)
  const padding = full(n, options.padding ?? 0)
  const dilation = full(n, options.dilation ?? 1)
  const spatial = size.map((k, d) => {
    const inside = x.shape[d + 2] + padding[d]
    const room = inside + padding[d] - dilation[d] * (k - 1) - 1
    if (!options.ceilMode) return Math.floor(room / stride[d]) + 1
    const count = Math.ceil(room / stride[d]) + 1
    return (count - 1) * stride[d] >= inside ? count - 1 : count
  })
  return NdArray.make([x.shape[0], x.shape[1], ...spatial], ([b, c, ...p]) => {
    const values: number[] = []
    let border = 0
    for (const k of indices(size)) {
      const at = p.map((i, d) => i * stride[d] + k[d] * dilation[d] - padding[d])
      if (at.every((i, d) => i >= 0 && i < x.shape[d + 2])) values.push(x.at([b, c, ...at]))
      else if (at.every((i, d) => i < x.shape[d + 2] + padding[d])) border++
    }
    return reduce(values, border)
  })
}

const maxPools = [maxPool1d, maxPool2d, maxPool3d]
const avgPools = [avgPool1d, avgPool2d, avgPool3d]

const shapes: number[][][][] = [
  [[[2, 3, 9]], [[1, 1, 17]], [[0, 2, 7]]],
  [[[2, 3, 7, 8]], [[1, 2, 17, 5]], [[1, 0, 7, 7]], [[0, 2, 7, 7]]],
  [[[1, 2, 5, 6, 5]]],
]
const large = [[[3, 4, 900]], [[4, 5, 40, 41]], [[2, 3, 10, 11, 12]]]
const windows: (MaxPoolOptions & AvgPoolOptions)[] = [
  { kernelSize: 2 },
  { kernelSize: 3, stride: 2, padding: 1 },
  { kernelSize: 3, stride: 2, ceilMode: true },
  { kernelSize: 3, stride: 2, padding: 1, ceilMode: true },
]

describe.each([1, 2, 3])('%dd', (n) => {
  describe.each(windows)('%j', (options) => {
    testOp('maxPool', {
      op: (x) => maxPools[n - 1](x, options as MaxPoolOptions & { returnIndices?: false }),
      ref: (x) => pooled(n, x, options, (values) => Math.max(...values)),
      shapes: shapes[n - 1],
      large: large[n - 1],
      layouts: ['contiguous', 'transposed', 'sliced'], // a broadcast tensor repeats its numbers
      inputs: [{ draw: distinct() }],
    })

    testOp('avgPool', {
      op: (x) => avgPools[n - 1](x, options),
      ref: (x) => pooled(n, x, options, (values, border) => sum(values) / (values.length + border)),
      shapes: shapes[n - 1],
      large: large[n - 1],
      tolerance: 4,
    })
  })
})

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)

/** 251 numbers 1/64 apart in a mixed order, again and again: no window has two maxima, in any dtype's precision. */
function distinct(): () => number {
  let drawn = 0
  return () => (((drawn++ * 89) % 251) - 125) / 64
}

testOp('maxPool2d dilated', {
  op: (x) => maxPool2d(x, { kernelSize: [2, 3], stride: 1, dilation: [2, 1] }),
  ref: (x) => pooled(2, x, { kernelSize: [2, 3], stride: 1, dilation: [2, 1] }, (values) => Math.max(...values)),
  shapes: [[[2, 2, 5, 6]]],
  special: true,
  gradient: false,
})

testOp('avgPool2d without the border', {
  op: (x) => avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
  ref: (x) =>
    pooled(2, x, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true }, (values) => sum(values) / values.length),
  shapes: [[[2, 2, 5, 6]]],
  tolerance: 4,
})

test('indices count within a plane and name the first maximum', () => {
  const x = tensor([[[[1, 5, 5], [0, 5, 2]], [[3, 3, 3], [3, 3, 4]]]])
  const [y, index] = maxPool2d(x, { kernelSize: 2, stride: 1, returnIndices: true })
  expect(index.dtype).toBe('int64')
  expect(arraySync(y)).toEqual([[[[5, 5]], [[3, 4]]]])
  expect(arraySync(index)).toEqual([[[[1, 1]], [[0, 5]]]])
})

test('NaN is a maximum', () => {
  expect(arraySync(maxPool1d(tensor([[[1, NaN, 2, 3]]]), { kernelSize: 2 }))).toEqual([[[NaN, 3]]])
})

test('no batch in, no batch out', () => {
  const x = tensor([[[1, 2], [3, 4]]])
  const [y, index] = maxPool2d(x, { kernelSize: 2, returnIndices: true })
  expect([arraySync(y), arraySync(index)]).toEqual([[[[4]]], [[[3]]]])
  expect(arraySync(avgPool2d(x, { kernelSize: 2 }))).toEqual([[[2.5]]])
  expect(adaptiveAvgPool2d(x, 1).shape).toEqual([1, 1, 1])
})

test('indices that nobody asked for are not kept', () => {
  const x = ones([1, 1, 64, 64])
  const before = memoryStats().tensors
  const y = maxPool2d(x, { kernelSize: 2 })
  expect(memoryStats().tensors).toBe(before + 1)
  y.dispose()
})

/** Means over [⌊i·m/n⌋, ⌈(i+1)·m/n⌉) in each dim. */
function adaptiveRef(x: NdArray, sizes: readonly number[]): NdArray {
  return NdArray.make([x.shape[0], x.shape[1], ...sizes], ([b, c, ...p]) => {
    const from = p.map((i, d) => Math.floor((i * x.shape[d + 2]) / sizes[d]))
    const to = p.map((i, d) => Math.ceil(((i + 1) * x.shape[d + 2]) / sizes[d]))
    const extent = to.map((end, d) => end - from[d])
    const inside = Array.from(indices(extent), (k) => x.at([b, c, ...k.map((i, d) => i + from[d])]))
    return sum(inside) / inside.length
  })
}

describe.each([[1], [2], [3], [5], [7]])('adaptive to %d', (n) => {
  testOp('adaptiveAvgPool2d', {
    op: (x) => adaptiveAvgPool2d(x, [n, 2]),
    ref: (x) => adaptiveRef(x, [n, 2]),
    shapes: [[[2, 3, 6, 7]], [[1, 1, 3, 4]], [[0, 2, 5, 5]]],
    tolerance: 4,
  })
})

testOp('adaptiveAvgPool1d', {
  op: (x) => adaptiveAvgPool1d(x, 4),
  ref: (x) => adaptiveRef(x, [4]),
  shapes: [[[2, 3, 6]], [[2, 1, 8]]],
  tolerance: 4,
})

testOp('adaptiveAvgPool3d', {
  op: (x) => adaptiveAvgPool3d(x, [2, null, 3]),
  ref: (x) => adaptiveRef(x, [2, x.shape[3], 3]),
  shapes: [[[1, 2, 3, 2, 6]], [[1, 1, 4, 3, 5]]],
  tolerance: 4,
})

test('wrong arguments are named', () => {
  const x = ones([1, 1, 4, 4])
  expect(() => maxPool2d(x, { kernelSize: 5 })).toThrow('maxPool2d: expected x at least as large as the window [5, 5]')
  expect(() => maxPool2d(x, { kernelSize: 2, padding: 2 })).toThrow('padding of at most half the window [2, 2]')
  expect(() => maxPool2d(x, {} as never)).toThrow('maxPool2d: expected kernelSize to be an integer of at least 1')
  expect(() => maxPool2d(x, undefined as never)).toThrow('maxPool2d: expected kernelSize to be an integer')
  expect(() => avgPool1d(x, { kernelSize: 2 })).toThrow('avgPool1d: expected x of 3 dims, or 2 unbatched')
  expect(() => avgPool2d(zeros([1, 1, 0, 4]), { kernelSize: 1 })).toThrow('expected spatial sizes of at least 1')
  expect(() => avgPool2d(tensor([[[[1n]]]]), { kernelSize: 1 })).toThrow('expected x to have a floating dtype')
  expect(() => adaptiveAvgPool2d(x, [2] as never)).toThrow('adaptiveAvgPool2d: expected an output size or 2 of them')
  expect(() => adaptiveAvgPool2d(x, 0)).toThrow('expected outputSize to be an integer of at least 1, got 0')
})
