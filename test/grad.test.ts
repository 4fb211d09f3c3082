import { AutogradError, collectGarbage, grad, memoryStats, sum, tensor, type Tensor, zeros } from '../lib'

const leaf = (data: number | number[]) => tensor(data, { dtype: 'float64', requiresGrad: true })
const values = (gradients: (Tensor | null)[]) => gradients.map((g) => g?.arraySync() ?? null)

test('gives gradients and leaves .grad alone', () => {
  const [x, y] = [leaf([1, 2]), leaf([3, 4])]
  expect(values(grad(x.mul(y).sum(), [x, y]))).toEqual([
    [3, 4],
    [1, 2],
  ])
  expect([x.grad, y.grad]).toEqual([null, null])
})

test('of several outputs, weighted', () => {
  const x = leaf([1, 2])
  const outputs = [x.mul(2), x.square().sum()]
  const gradOutputs = [tensor([1, 10], { dtype: 'float64' }), null]
  expect(values(grad(outputs, [x], { gradOutputs }))).toEqual([[2 + 2, 20 + 4]])
})

test('with respect to intermediates, to the output itself and to one input twice', () => {
  const x = leaf([3])
  const h = x.square()
  const y = h.mul(2).sum()
  expect(values(grad(y, [h, y, h, x]))).toEqual([[2], 1, [2], [12]])
})

test('an output that is an ancestor of another', () => {
  const x = leaf([3])
  const h = x.square()
  expect(values(grad([h.mul(5), h], [x, h]))).toEqual([[36], [6]])
})

test('unused inputs', () => {
  const [x, y] = [leaf([1]), leaf([2])]
  expect(values(grad(x.mul(2).sum(), [x, y], { allowUnused: true }))).toEqual([[2], null])
  expect(() => grad(x.mul(2).sum(), [x, y])).toThrow(AutogradError)
  expect(() => grad(x.mul(2).sum(), [y])).toThrow(
    'grad: expected outputs that depend on every input, got none that depends on',
  )
})

test('computes only what leads to the inputs', () => {
  const [x, w] = [leaf([2]), leaf([5])]
  const calls: string[] = []
  const deep = w.exp()
  deep.registerHook(() => void calls.push('deep'))
  const y = x.mul(deep).sum()
  expect((grad(y, [x], { retainGraph: true })[0] as Tensor).itemSync()).toBeCloseTo(Math.exp(5))
  expect(calls).toEqual([])
  expect((grad(y, [w])[0] as Tensor).itemSync()).toBeCloseTo(2 * Math.exp(5))
  expect(calls).toEqual(['deep'])
})

test('gradients of gradients', () => {
  const x = leaf([2])
  const [first] = grad(x.mul(x).mul(x).sum(), [x], { createGraph: true }) as Tensor[]
  const [second] = grad(first.sum(), [x], { createGraph: true }) as Tensor[]
  const [third] = grad(second.sum(), [x]) as Tensor[]
  expect(values([first, second, third])).toEqual([[12], [12], [6]])
})

test('the gradient of a Hessian-vector product', () => {
  const x = leaf([1, 2, 3])
  const v = tensor([1, 0, -1], { dtype: 'float64' })
  const [g] = grad(x.mul(x).mul(x).sum(), [x], { createGraph: true }) as Tensor[]
  const [hv] = grad(sum(g.mul(v)), [x]) as Tensor[]
  expect(hv.arraySync()).toEqual([6, 0, -18])
})

test('results belong to the caller alone', () => {
  const [x, y] = [leaf([1, 2]), leaf([3, 4])]
  const dy = tensor([7, 8], { dtype: 'float64' })
  const [dx, dz] = grad(x.add(y), [x, y], { gradOutputs: [dy] }) as Tensor[]
  dx.fill_(0)
  dx.dispose()
  expect([dz.arraySync(), dy.arraySync()]).toEqual([
    [7, 8],
    [7, 8],
  ])
})

test('leaves no tensors behind but its results', () => {
  const x = leaf([1, 2])
  const y = x.exp().mul(x).sigmoid().sum()
  collectGarbage() // what earlier tests left
  const before = memoryStats().tensors
  const gradients = grad(y, [x])
  expect(gradients).toHaveLength(1)
  expect(memoryStats().tensors).toBe(before + 1)
})

test('errors', () => {
  const x = leaf([1])
  const y = x.mul(2)
  expect(() => grad(y.sum(), [zeros([1])])).toThrow(
    'grad: expected inputs that require grad, got Tensor([1], float32, cpu)',
  )
  expect(() => grad(zeros([]), [x])).toThrow('grad: expected a tensor that requires grad')
  expect(() => grad(y.sum(), x as never)).toThrow('grad: expected inputs to be a list of tensors, got Tensor')
  expect(() => grad(y.sum(), [3 as never])).toThrow('grad: expected every input to be a tensor, got 3')
  expect(() => grad([], [x])).toThrow('grad: expected outputs to be a list of tensors, got []')
  expect(() => grad(y, [x], { gradOutputs: [zeros([2])] })).toThrow('grad: expected a gradient [1], got [2]')
})
