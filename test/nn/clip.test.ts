// Clipping of gradients.
import { nn, tensor, type Tensor } from '../../lib'

function withGradients(...gradients: number[][]): Tensor[] {
  return gradients.map((values) => {
    const p = nn.parameter(tensor(values))
    p.grad = tensor(values)
    return p
  })
}

const gradientsOf = (params: Tensor[]) => params.map((p) => p.grad?.arraySync())

test('the norm is taken over all gradients together', () => {
  const params = [...withGradients([3, 0], [4]), nn.parameter(tensor([1]))]
  const norm = nn.clipGradNorm(params, 1)
  expect(norm.itemSync()).toBeCloseTo(5, 6)
  const [a, b] = gradientsOf(params) as number[][]
  expect(a[0]).toBeCloseTo(0.6, 5)
  expect(b[0]).toBeCloseTo(0.8, 5)
})

test('small gradients stay as they are', () => {
  const params = withGradients([0.3], [0.4])
  expect(nn.clipGradNorm(params, 1).itemSync()).toBeCloseTo(0.5, 6)
  expect(gradientsOf(params)).toEqual([[Math.fround(0.3)], [Math.fround(0.4)]])
})

test('other norms', () => {
  expect(nn.clipGradNorm(withGradients([1, -2], [-3]), 1, { normType: 1 }).itemSync()).toBeCloseTo(6, 5)
  expect(nn.clipGradNorm(withGradients([1, -2], [-3]), 1, { normType: Infinity }).itemSync()).toBe(3)
  expect(nn.clipGradNorm([], 1).itemSync()).toBe(0)
})

test('values are limited one by one', () => {
  const params = withGradients([-3, 0.25, 2])
  nn.clipGradValue(params, 0.5)
  expect(gradientsOf(params)).toEqual([[-0.5, 0.25, 0.5]])
})

test('wrong arguments are refused', () => {
  expect(() => nn.clipGradNorm(withGradients([1]), -1)).toThrow('clipGradNorm: expected maxNorm')
  expect(() => nn.clipGradNorm([3] as never, 1)).toThrow('clipGradNorm: expected parameters, got 3')
  expect(() => nn.clipGradValue(withGradients([1]), NaN)).toThrow('clipGradValue: expected clipValue')
})
