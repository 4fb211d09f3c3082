import { grad, noGrad, ShapeError, tensor, type Tensor, zeros } from '../lib'

const leaf = (data: number | number[]) => tensor(data, { dtype: 'float64', requiresGrad: true })
const gradOf = (x: Tensor) => (x.grad as Tensor).arraySync()

test('a hook on a leaf sees the whole gradient, once', () => {
  const x = leaf([1, 2])
  const seen: unknown[] = []
  x.registerHook((g) => void seen.push(g.arraySync()))
  x.mul(2).add(x.mul(3)).sum().backward()
  expect(seen).toEqual([[5, 5]])
})

test('a hook on an intermediate sees its gradient before the ops behind it', () => {
  const x = leaf([1, 2])
  const h = x.mul(3)
  const order: string[] = []
  h.registerHook((g) => void order.push(`h ${String(g.arraySync())}`))
  x.registerHook((g) => void order.push(`x ${String(g.arraySync())}`))
  h.square().sum().backward()
  expect(order).toEqual(['h 6,12', 'x 18,36'])
})

test('what a hook returns replaces the gradient; hooks run in order', () => {
  const x = leaf([1, 2])
  const h = x.mul(3)
  h.registerHook((g) => g.mul(10))
  h.registerHook((g) => g.add(1))
  h.sum().backward()
  expect(gradOf(x)).toEqual([33, 33])
})

test('a removed hook is not called, also when it removes itself', () => {
  const x = leaf([1])
  const calls: string[] = []
  const removeA = x.registerHook(() => {
    calls.push('a')
    removeA()
  })
  const removeB = x.registerHook(() => void calls.push('b'))
  x.mul(1).sum().backward()
  removeB()
  removeB()
  x.mul(1).sum().backward()
  expect(calls).toEqual(['a', 'b'])
})

test('a gradient that a hook keeps stays alive and unchanged', () => {
  const x = leaf([1, 2])
  const h = x.mul(3)
  let kept: Tensor | null = null
  h.registerHook((g) => void (kept = g))
  h.mul(2).add(h).sum().backward()
  x.mul(100).sum().backward()
  expect((kept as unknown as Tensor).arraySync()).toEqual([3, 3])
})

test('hooks of several outputs each get their own gradient', () => {
  const [a, b] = leaf([1, 2, 3]).split([1, 2])
  const seen: unknown[] = []
  a.registerHook((g) => void seen.push(['a', g.shape]))
  b.registerHook((g) => void seen.push(['b', g.shape]))
  a.sum().add(b.sum()).backward()
  expect(seen).toHaveLength(2)
  expect(seen).toEqual(
    expect.arrayContaining([
      ['a', [1]],
      ['b', [2]],
    ]),
  )
})

test('hooks run for grad() too', () => {
  const x = leaf([1])
  const h = x.mul(2)
  h.registerHook((g) => g.mul(5))
  expect((grad(h.sum(), [x])[0] as Tensor).arraySync()).toEqual([10])
})

test('a hook must return a gradient that fits', () => {
  const x = leaf([1, 2])
  x.registerHook(() => zeros([3], { dtype: 'float64' }))
  expect(() => x.mul(1).sum().backward()).toThrow(ShapeError)
  expect(() => x.mul(1).sum().backward()).toThrow(
    'hook: expected a gradient [2] float64, got Tensor([3], float64, cpu)',
  )
  const y = leaf([1])
  y.registerHook((() => 5) as never)
  expect(() => y.mul(1).sum().backward()).toThrow('hook: expected a gradient [1] float64, got 5')
})

test('hooks and retainGrad want a tensor that requires grad', () => {
  expect(() => zeros([1]).registerHook(() => undefined)).toThrow('registerHook: expected a tensor that requires grad')
  expect(() => zeros([1]).retainGrad()).toThrow('retainGrad: expected a tensor that requires grad')
  expect(noGrad(() => leaf([1]).mul(2)).requiresGrad).toBe(false)
})

test('retainGrad keeps the gradient of an intermediate, with what hooks made of it', () => {
  const x = leaf([1, 2])
  const h = x.mul(3).retainGrad()
  h.registerHook((g) => g.mul(2))
  h.square().sum().backward()
  expect(gradOf(h)).toEqual([12, 24])
  expect(gradOf(x)).toEqual([36, 72])
  const plain = x.mul(3)
  plain.sum().backward()
  expect(plain.grad).toBe(null)
})

test('a retained gradient is its own tensor', () => {
  const x = leaf([1, 2])
  const h = x.reshape([2, 1]).retainGrad()
  h.add(1).sum().backward()
  ;(h.grad as Tensor).fill_(9)
  expect(gradOf(x)).toEqual([1, 1])
})
