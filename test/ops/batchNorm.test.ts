import { arraySync, batchNorm, tensor } from '../../lib'
import { indices, mean, NdArray, normalized, normTolerance, read, testOp, variance } from '../support'

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
  // A batch that repeats one sample has no variance: its gradient is the rounding of the mean, magnified.
  gradientLayouts: ['contiguous', 'transposed', 'sliced'],
  large: [[6, 5, 20, 21], [5], [5]],
  tolerance: normTolerance,
})

testOp('batchNorm while training, bare', {
  op: (x) => batchNorm(x, null, null, null, null, { training: true, eps: 0.01 }),
  ref: (x) => normalized(x, channels(x), 0.01),
  shapes: [[[3, 2, 4]]],
  tolerance: normTolerance,
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
