import { AutogradError, enableGrad, isGradEnabled, noGrad, tensor, type Tensor, zeros } from '../lib'

const leaf = (data: number[]) => tensor(data, { dtype: 'float64', requiresGrad: true })
const gradOf = (x: Tensor) => (x.grad as Tensor).arraySync()

describe('the graph', () => {
  test('is freed by the first pass unless it is retained', () => {
    const x = leaf([1, 2])
    const y = x.square().sum()
    y.backward({ retainGraph: true })
    y.backward(null, { retainGraph: true })
    y.backward()
    expect(gradOf(x)).toEqual([6, 12])
    expect(() => y.backward()).toThrow(AutogradError)
    expect(() => y.backward()).toThrow(
      "got 'square', whose saved tensors a first backward freed; pass { retainGraph: true }",
    )
  })
  test('refuses a saved tensor that was overwritten', () => {
    const x = leaf([1, 2])
    const c = tensor([3, 4], { dtype: 'float64' })
    const y = x.mul(c).sum()
    c.slice([0]).fill_(9)
    expect(() => y.backward()).toThrow(
      "expected the tensor [2] saved by 'mul' unchanged, got one written in place since (version 1, saved at 0)",
    )
  })
  test('allows writes to what no gradient needs', () => {
    const x = leaf([1, 2])
    const c = tensor([3, 4], { dtype: 'float64' })
    const y = x.add(c).sum()
    c.fill_(9)
    y.backward()
    expect(gradOf(x)).toEqual([1, 1])
  })
  test('saves only what a gradient reads', () => {
    const x = leaf([1, 2])
    const c = tensor([3, 4], { dtype: 'float64' })
    const h = x.mul(1)
    const y = h.mul(c).mul(2).div(c).sum()
    noGrad(() => h.fill_(9))
    y.backward()
    expect(gradOf(x)).toEqual([2, 2])
  })
  test('refuses a saved tensor that was disposed', () => {
    const x = leaf([1, 2])
    const y = x.exp()
    const z = y.sum()
    y.dispose()
    expect(() => z.backward()).toThrow("expected the tensors saved by 'exp' alive, got a disposed one")
  })
  test('survives an error in the middle of a pass', () => {
    const x = leaf([1])
    const h = x.mul(2)
    const bad = h.registerHook(() => {
      throw new Error('mine')
    })
    expect(() => h.sum().backward()).toThrow('mine')
    bad()
    expect(isGradEnabled()).toBe(true)
    x.mul(3).sum().backward()
    expect(gradOf(x)).toEqual([3])
  })
  test('names its ops', () => {
    const y = leaf([1]).exp()
    expect([y.isLeaf, y.requiresGrad, y.node?.op.name]).toEqual([false, true, 'exp'])
  })
})

describe('switching off', () => {
  test('noGrad records nothing, enableGrad does inside it', () => {
    const x = leaf([1])
    noGrad(() => {
      expect(isGradEnabled()).toBe(false)
      expect(x.mul(2).requiresGrad).toBe(false)
      expect(enableGrad(() => x.mul(2)).requiresGrad).toBe(true)
    })
    expect(isGradEnabled()).toBe(true)
    expect(() =>
      noGrad(() => {
        throw new Error('mine')
      }),
    ).toThrow('mine')
    expect(isGradEnabled()).toBe(true)
  })
  test('noGrad refuses async functions', () => {
    expect(() => noGrad(async () => 1)).toThrow('noGrad: expected a synchronous function, got an async one')
  })
  test('detach cuts the graph and shares memory', () => {
    const x = leaf([2])
    x.mul(x.detach()).sum().backward()
    expect(gradOf(x)).toEqual([2])
    expect(x.detach().base).toBe(x)
  })
  test('integers and comparisons carry no gradient', () => {
    const x = leaf([1.5])
    expect([x.gt(1).requiresGrad, x.to('int32').requiresGrad, x.argmax().requiresGrad]).toEqual([false, false, false])
    expect(() => zeros([1], { dtype: 'int32' }).setRequiresGrad()).toThrow(
      'requiresGrad: expected a floating dtype, got int32',
    )
    expect(() => x.mul(2).setRequiresGrad(false)).toThrow('requiresGrad: expected a leaf')
  })
})
