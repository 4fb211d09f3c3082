import { addRmsNorm, arraySync, ones, rmsNorm, tensor } from '../../lib'
import { NdArray, normTolerance, sumNormTolerance, testOp } from '../support'

/** x / √(mean(x²) + eps) over `dims`. */
function normalized(x: NdArray, dims: readonly number[], eps: number): NdArray {
  const meanSquare = x.reduce(dims, true, (values) => values.reduce((a, v) => a + v * v, 0) / values.length)
  return NdArray.zip((v, s) => v / Math.sqrt(s + eps), x, meanSquare)
}

testOp('rmsNorm over the last dim', {
  op: (x, w) => rmsNorm(x, x.shape[x.ndim - 1], w, { eps: 1e-5 }),
  ref: (x, w) => NdArray.zip((v, g) => v * g, normalized(x, [-1], 1e-5), w),
  shapes: [[[3, 17], [17]], [[2, 3, 16], [16]], [[5], [5]], [[0, 4], [4]]],
  large: [[200, 65], [65]],
  tolerance: normTolerance,
})

testOp('rmsNorm over two dims, bare', {
  op: (x) => rmsNorm(x, x.shape.slice(-2), null, { eps: 0.1 }),
  ref: (x) => normalized(x, [-2, -1], 0.1),
  shapes: [[[2, 3, 5]], [[4, 4]]],
  tolerance: normTolerance,
})

testOp('addRmsNorm', {
  op: (x, residual, w) => addRmsNorm(x, residual, w.shape, w, { eps: 1e-5 }),
  ref: (x, residual, w) => {
    const sum = NdArray.zip((v, r) => v + r, x, residual)
    return [NdArray.zip((v, g) => v * g, normalized(sum, [-1], 1e-5), w), sum]
  },
  shapes: [[[3, 17], [3, 17], [17]], [[2, 2, 5], [2, 2, 5], [5]], [[0, 4], [0, 4], [4]]],
  large: [[200, 65], [200, 65], [65]],
  tolerance: sumNormTolerance,
})

test.each([['float32', 2 ** -23], ['float64', 2 ** -52], ['float16', 2 ** -23], ['bfloat16', 2 ** -23]] as const)(
  'eps of %s is %d when none is given',
  (dtype, eps) => {
    const x = tensor([[Math.sqrt(3 * eps)]], { dtype: 'float64' }).to(dtype)
    expect((arraySync(rmsNorm(x, 1)) as number[][])[0][0]).toBeCloseTo(Math.sqrt(3 / 4), 2)
  },
)

test('a float32 weight scales 16-bit inputs', () => {
  const x = tensor([[1, 2], [3, 5]], { dtype: 'bfloat16' }).setRequiresGrad()
  const w = ones([2]).setRequiresGrad()
  const y = rmsNorm(x, 2, w)
  expect(y.dtype).toBe('bfloat16')
  y.sum().backward()
  expect([x.grad?.dtype, w.grad?.dtype]).toEqual(['bfloat16', 'float32'])
})

test('wrong arguments are named', () => {
  const x = ones([2, 3])
  expect(() => rmsNorm(x, [2])).toThrow('rmsNorm: expected x [..., 2], got [2, 3]')
  expect(() => rmsNorm(x, 3, ones([2]))).toThrow('rmsNorm: expected weight [3], got [2]')
  expect(() => rmsNorm(x, 3, null, { eps: -1 })).toThrow('rmsNorm: expected eps')
  expect(() => rmsNorm(ones([2, 3], { dtype: 'int64' }), 3)).toThrow('rmsNorm: expected x to have a floating dtype')
})
