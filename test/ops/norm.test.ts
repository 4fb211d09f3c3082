import { addLayerNorm, addRmsNorm, arraySync, batchNorm, layerNorm, ones, tensor, zeros } from '../../lib'

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

test.each([
  ['addLayerNorm', addLayerNorm],
  ['addRmsNorm', addRmsNorm],
] as const)('%s gives the sum and its norm, and takes gradients of either', (name, op) => {
  const [x, residual] = [tensor([[1, 2, 4]]), tensor([[3, 1, 0]])].map((t) => t.setRequiresGrad())
  const [y, sum] = op(x, residual, 3)
  expect(arraySync(sum)).toEqual([[4, 3, 4]])
  expect([y.node?.op.name, sum.node?.op.name]).toEqual([name, name])
  sum.mul(2).sum().backward({ retainGraph: true })
  expect([x.grad?.arraySync(), residual.grad?.arraySync()]).toEqual([[[2, 2, 2]], [[2, 2, 2]]])
  x.grad = residual.grad = null
  y.square().sum().backward()
  expect(arraySync(x.grad as never)).toEqual(arraySync(residual.grad as never))
  expect(() => op(x, ones([1, 2]), 3)).toThrow(`${name}: expected residual [1, 3], got [1, 2]`)
  expect(() => op(x, ones([1, 3], { dtype: 'float64' }), 3)).toThrow(`${name}: expected residual`)
})
