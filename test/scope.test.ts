import { collectGarbage, grad, keep, memoryStats, scope, tensor, type Tensor, zeros } from '../lib'

const tensors = () => memoryStats().tensors

beforeEach(collectGarbage) // what earlier tests left would go at any time
const leaf = (data: number[]) => tensor(data, { requiresGrad: true })

test('frees what was made inside and not returned', () => {
  const before = tensors()
  const y = scope(() => zeros([3]).add(1).mul(2))
  expect(tensors()).toBe(before + 1)
  expect(y.arraySync()).toEqual([2, 2, 2])
  y.dispose()
  expect(tensors()).toBe(before)
})

test('finds results in arrays, maps, sets and objects', () => {
  const { list, map, set } = scope(() => ({
    list: [zeros([1])],
    map: new Map([['a', { deep: zeros([1]) }]]),
    set: new Set([zeros([1])]),
    lost: zeros([1]).add(1) && null,
  }))
  expect([list[0], map.get('a')?.deep, ...set].every((t) => t instanceof Object && !(t as Tensor).isDisposed)).toBe(
    true,
  )
})

test('keeps the graph of what it returns', () => {
  const x = leaf([1, 2])
  const loss = scope(() => x.exp().mul(3).sum())
  loss.backward()
  expect((x.grad as Tensor).arraySync()).toEqual([1, 2].map((v) => Math.fround(3 * Math.fround(Math.exp(v)))))
})

test('keeps gradients of leaves and what went through keep()', () => {
  const x = leaf([1, 2])
  let kept: Tensor | null = null
  scope(() => {
    x.mul(x).sum().backward()
    kept = keep(zeros([2]))
  })
  expect((x.grad as Tensor).arraySync()).toEqual([2, 4])
  expect((kept as unknown as Tensor).isDisposed).toBe(false)
})

test('frees gradients that grad() gave inside, and those that hooks saw', () => {
  const x = leaf([1, 2])
  const before = tensors()
  let seen: Tensor | null = null
  scope(() => {
    const h = x.mul(2)
    h.registerHook((g) => void (seen = g))
    grad(h.square().sum(), [x], { retainGraph: true })
    grad(h.exp().sum(), [x], { createGraph: true })
  })
  expect((seen as unknown as Tensor).isDisposed).toBe(true)
  expect(tensors()).toBe(before)
})

test('scopes nest: what an inner one returns belongs to the outer one', () => {
  const before = tensors()
  let inner: Tensor | null = null
  const y = scope(() => {
    inner = scope(() => zeros([2]).add(1))
    return inner.add(1)
  })
  expect((inner as unknown as Tensor).isDisposed).toBe(true)
  expect(y.arraySync()).toEqual([2, 2])
  expect(tensors()).toBe(before + 1)
})

test('frees everything when the work throws', () => {
  const before = tensors()
  expect(() =>
    scope(() => {
      zeros([2]).add(1)
      throw new Error('mine')
    }),
  ).toThrow('mine')
  expect(tensors()).toBe(before)
})

test('refuses promises', () => {
  expect(() => scope(() => Promise.resolve(1))).toThrow(
    'scope: expected a synchronous function, got one that returns a promise',
  )
})

test('dispose and using free at once; a view keeps the memory', () => {
  const before = tensors()
  const x = zeros([4])
  const view = x.slice([[1, 3]])
  x.dispose()
  x.dispose()
  expect(view.arraySync()).toEqual([0, 0])
  view.dispose()
  {
    using a = zeros([2])
    using b = a.add(1)
    expect(b.arraySync()).toEqual([1, 1])
  }
  expect(tensors()).toBe(before)
})
