import { arraySync, batchNorm, layerNorm, ones, tensor, zeros } from '../../lib'
import type { DType } from '../../lib'
import { indices, NdArray, read, testOp } from '../support'

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
const variance = (values: number[]) => {
  const centre = mean(values)
  return mean(values.map((v) => (v - centre) ** 2))
}

/** (x − mean) / √(var + eps) with statistics over `dims`. */
function normalized(x: NdArray, dims: readonly number[], eps: number): NdArray {
  return NdArray.zip(
    (v, m, s) => (v - m) / Math.sqrt(s + eps),
    x,
    x.reduce(dims, true, mean),
    x.reduce(dims, true, variance),
  )
}

/** Dividing by a small deviation multiplies the rounding of 16-bit inputs. */
const tolerance = (dtype: DType) => (dtype === 'float16' || dtype === 'bfloat16' ? 4 : 16)

testOp('layerNorm over the last dim', {
  op: (x, w, b) => layerNorm(x, x.shape[x.ndim - 1], w, b),
  ref: (x, w, b) => NdArray.zip((v, g, c) => v * g + c, normalized(x, [-1], 1e-5), w, b),
  shapes: [[[3, 17], [17], [17]], [[2, 3, 16], [16], [16]], [[5], [5], [5]], [[0, 4], [4], [4]]],
  large: [[200, 65], [65], [65]],
  tolerance,
})

testOp('layerNorm over two dims, bare', {
  op: (x) => layerNorm(x, x.shape.slice(-2), null, null, { eps: 0.1 }),
  ref: (x) => normalized(x, [-2, -1], 0.1),
  shapes: [[[2, 3, 5]], [[4, 4]]],
  tolerance,
})

testOp('layerNorm with weight alone', {
  op: (x, w) => layerNorm(x, [2, 4], w),
  ref: (x, w) => NdArray.zip((v, g) => v * g, normalized(x, [-2, -1], 1e-5), w),
  shapes: [[[3, 2, 4], [2, 4]]],
  tolerance,
})

const channels = (x: NdArray): number[] => x.shape.map((_, d) => d).filter((d) => d !== 1)
const perChannel = (v: NdArray, x: NdArray) => v.reshape([v.numel, ...x.shape.slice(2).map(() => 1)])

testOp('batchNorm while training', {
  op: (x, w, b) => batchNorm(x, null, null, w, b, { training: true }),
  ref: (x, w, b) =>
    NdArray.zip(
      (v, g, c) => v * g + c,
      normalized(x, channels(x), 1e-5),
      perChannel(w, x),
      perChannel(b, x),
    ),
  shapes: [[[8, 3], [3], [3]], [[4, 2, 5], [2], [2]], [[2, 3, 3, 4], [3], [3]], [[2, 17, 2, 1, 2], [17], [17]]],
  large: [[6, 5, 20, 21], [5], [5]],
  tolerance,
})

testOp('batchNorm while training, bare', {
  op: (x) => batchNorm(x, null, null, null, null, { training: true, eps: 0.01 }),
  ref: (x) => normalized(x, channels(x), 0.01),
  shapes: [[[3, 2, 4]]],
  tolerance,
})

testOp('batchNorm by running statistics', {
  op: (x, m, s, w, b) => batchNorm(x, m, s, w, b),
  ref: (x, m, s, w, b) =>
    NdArray.zip(
      (v, average, square, g, c) => ((v - average) / Math.sqrt(square + 1e-5)) * g + c,
      x,
      ...[m, s, w, b].map((t) => perChannel(t, x)),
    ),
  shapes: [[[4, 3], [3], [3], [3], [3]], [[1, 2, 3, 3], [2], [2], [2], [2]], [[0, 2, 3], [2], [2], [2], [2]]],
  inputs: [{}, {}, { range: [0.5, 2] }],
  tolerance: (dtype) => (dtype === 'float16' || dtype === 'bfloat16' ? 16 : 8),
})

test.each(['float32', 'float64', 'float16'] as const)('running statistics of %s move by momentum', (dtype) => {
  const values = NdArray.make([4, 2, 3], ([b, c, s]) => b * 2 - c + s * s)
  const x = tensor(values.data, { shape: values.shape, dtype })
  const runningMean = tensor([1, -1])
  const runningVar = tensor([2, 3])
  const versions = [runningMean.version, runningVar.version]
  batchNorm(x, runningMean, runningVar, null, null, { training: true, momentum: 0.25 })
  for (const c of [0, 1]) {
    const channel = Array.from(indices([4, 3]), ([b, s]) => values.at([b, c, s]))
    const unbiased = (variance(channel) * 12) / 11
    expect(read(runningMean).data[c]).toBeCloseTo([1, -1][c] * 0.75 + mean(channel) * 0.25, 5)
    expect(read(runningVar).data[c]).toBeCloseTo([2, 3][c] * 0.75 + unbiased * 0.25, 5)
  }
  expect([runningMean.version, runningVar.version]).toEqual(versions.map((v) => v + 1))
})

test('evaluation leaves the running statistics alone', () => {
  const runningMean = tensor([1])
  const runningVar = tensor([4])
  const y = batchNorm(tensor([[3], [5]]), runningMean, runningVar, null, null, { eps: 0 })
  expect(arraySync(y)).toEqual([[1], [2]])
  expect([arraySync(runningMean), arraySync(runningVar)]).toEqual([[1], [4]])
})

test('float32 parameters normalise 16-bit inputs', () => {
  const x = tensor([[1, 2], [3, 5], [4, 9]], { dtype: 'bfloat16' }).setRequiresGrad()
  const w = ones([2]).setRequiresGrad()
  const b = zeros([2]).setRequiresGrad()
  for (const y of [layerNorm(x, 2, w, b), batchNorm(x, zeros([2]), ones([2]), w, b, { training: true })]) {
    expect(y.dtype).toBe('bfloat16')
    y.sum().backward()
    expect([x.grad?.dtype, w.grad?.dtype, b.grad?.dtype]).toEqual(['bfloat16', 'float32', 'float32'])
  }
})

test('a mean far from zero costs no accuracy', () => {
  const x = tensor([[1e4 + 1, 1e4 + 2, 1e4 + 3]])
  const want = 1 / Math.sqrt(2 / 3)
  const y = arraySync(layerNorm(x, 3, null, null, { eps: 0 })) as number[][]
  expect(y[0][2]).toBeCloseTo(want, 4)
  const z = arraySync(batchNorm(x.T, null, null, null, null, { training: true, eps: 0 })) as number[][]
  expect(z[2][0]).toBeCloseTo(want, 4)
})

test('wrong arguments are named', () => {
  const x = ones([2, 3])
  expect(() => layerNorm(x, [2])).toThrow('layerNorm: expected x [..., 2], got [2, 3]')
  expect(() => layerNorm(x, [])).toThrow('layerNorm: expected x [..., ], got [2, 3]')
  expect(() => layerNorm(x, 3, ones([2]))).toThrow('layerNorm: expected weight [3], got [2]')
  expect(() => layerNorm(x, 3, null, null, { eps: -1 })).toThrow('layerNorm: expected eps')
  expect(() => batchNorm(ones([3]), null, null)).toThrow('batchNorm: expected x [B, C, ...], got [3]')
  expect(() => batchNorm(x, null, null)).toThrow('batchNorm: expected runningMean and runningVar when not training')
  expect(() => batchNorm(x, ones([2]), ones([3]))).toThrow('batchNorm: expected runningMean [3], got [2]')
  expect(() => batchNorm(ones([1, 3]), null, null, null, null, { training: true })).toThrow(
    'batchNorm: expected more than one value per channel when training, got [1, 3]',
  )
  const wanted = ones([3]).setRequiresGrad()
  expect(() => batchNorm(x, wanted, ones([3]), null, null, { training: true })).toThrow(
    'batchNorm: expected a tensor without gradient',
  )
})
