import {
  AutogradError,
  collectGarbage,
  DTypeError,
  matmul,
  memoryStats,
  ShapeError,
  tensor,
  type Tensor,
  where,
  zeros,
} from '../lib'

const leaf = (data: number | number[] | number[][]) => tensor(data, { dtype: 'float64', requiresGrad: true })
const gradOf = (x: Tensor) => (x.grad as Tensor).arraySync()

describe('backward', () => {
  test('of a chain', () => {
    const x = leaf([1, 2, 3])
    x.mul(x).mul(2).sum().backward()
    expect(gradOf(x)).toEqual([4, 8, 12])
  })
  test('weighs with a given gradient', () => {
    const x = leaf([1, 2, 3])
    x.square().backward(tensor([1, 10, 100], { dtype: 'float64' }))
    expect(gradOf(x)).toEqual([2, 40, 600])
  })
  test('accumulates over calls, and a cleared gradient starts anew', () => {
    const x = leaf([1, 2])
    x.mul(3).sum().backward()
    x.mul(4).sum().backward()
    expect(gradOf(x)).toEqual([7, 7])
    x.grad = null
    x.mul(4).sum().backward()
    expect(gradOf(x)).toEqual([4, 4])
  })
  test('adds up where a tensor is used more than once', () => {
    const x = leaf([3])
    x.mul(x).add(x).sub(x.mul(5)).sum().backward()
    expect(gradOf(x)).toEqual([2])
  })
  test('waits for every branch of a diamond', () => {
    const x = leaf([2])
    let y = x
    for (let i = 0; i < 30; i++) y = y.add(y).mul(0.5).mul(y).sqrt()
    y.sum().backward()
    expect(gradOf(x)).toEqual([expect.closeTo(1, 10)])
  })
  test('goes through long chains without recursion', () => {
    const x = leaf([1])
    let y = x
    for (let i = 0; i < 20_000; i++) y = y.add(1)
    y.sum().backward()
    expect(gradOf(x)).toEqual([1])
  })
  test('of several outputs of one op', () => {
    const x = leaf([1, 2, 3, 4])
    const [a, , c] = x.split([1, 2, 1])
    a.mul(10).add(c).sum().backward()
    expect(gradOf(x)).toEqual([10, 0, 0, 1])
  })
  test('of a leaf is the given gradient', () => {
    const x = leaf(5)
    x.backward()
    expect(gradOf(x)).toEqual(1)
  })
  test('leaves alone what requires no gradient', () => {
    const x = leaf([1, 2])
    const c = tensor([3, 4], { dtype: 'float64' })
    x.mul(c).sum().backward()
    expect(c.grad).toBe(null)
    expect(gradOf(x)).toEqual([3, 4])
  })
})

describe('gradients that share memory', () => {
  // add hands one dy to both of its inputs; reshape and expand hand on views of it.
  test('two leaves that got one gradient do not share it', () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])]
    a.add(b).sum().backward()
    a.add(b).mul(2).sum().backward()
    expect([gradOf(a), gradOf(b)]).toEqual([
      [3, 3],
      [3, 3],
    ])
    ;(a.grad as Tensor).fill_(0)
    expect(gradOf(b)).toEqual([3, 3])
  })
  test('a gradient and a view of it both survive', () => {
    const [a, b, c] = [
      leaf([1, 2, 3, 4]),
      leaf([
        [1, 2],
        [3, 4],
      ]),
      leaf([1]),
    ]
    const y = a.add(b.reshape([4])).add(c)
    y.mul(tensor([1, 2, 3, 4]))
      .sum()
      .backward()
    expect([gradOf(a), gradOf(b), gradOf(c)]).toEqual([
      [1, 2, 3, 4],
      [
        [1, 2],
        [3, 4],
      ],
      [10],
    ])
    a.mul(10).sum().backward()
    expect([gradOf(a), gradOf(b), gradOf(c)]).toEqual([
      [11, 12, 13, 14],
      [
        [1, 2],
        [3, 4],
      ],
      [10],
    ])
  })
  test('sums into a gradient that has views elsewhere', () => {
    const x = leaf([1, 2, 3, 4])
    const w = leaf([
      [1, 1],
      [1, 1],
    ])
    const h = x.mul(1)
    // h's gradient is a sum of three; two of its parts are views of tensors that go on to w.
    h.add(w.reshape([4]))
      .add(h.reshape([2, 2]).mT.add(w).reshape([4]))
      .mul(h)
      .sum()
      .backward()
    // y = (h + w + (hᵀ + w)) · h, so dy/dw = 2h and dy/dh = (2w + h + hᵀ) + h + hᵀ.
    expect(gradOf(w)).toEqual([
      [2, 4],
      [6, 8],
    ])
    expect(gradOf(x)).toEqual([6, 12, 12, 18])
  })
  test('the gradient given by the user is not kept and not written', () => {
    const x = leaf([1, 2])
    const dy = tensor([5, 6], { dtype: 'float64' })
    x.add(0).backward(dy)
    x.add(0).backward(dy)
    expect(gradOf(x)).toEqual([10, 12])
    expect(dy.arraySync()).toEqual([5, 6])
    expect(dy.isDisposed).toBe(false)
  })
  test('an expanded gradient becomes a writable one', () => {
    const x = leaf([1, 2, 3])
    x.sum().backward()
    ;(x.grad as Tensor).add_(1)
    expect(gradOf(x)).toEqual([2, 2, 2])
  })
})

describe('createGraph', () => {
  test('gradients of gradients, to the third', () => {
    const x = leaf([2])
    x.mul(x).mul(x).mul(x).sum().backward({ createGraph: true })
    const first = x.grad as Tensor
    expect(first.arraySync()).toEqual([32])
    x.grad = null
    first.sum().backward({ createGraph: true })
    const second = x.grad as unknown as Tensor
    expect(second.arraySync()).toEqual([48])
    x.grad = null
    second.sum().backward()
    expect(gradOf(x)).toEqual([48])
    expect(second.requiresGrad).toBe(true)
    expect((x.grad as unknown as Tensor).requiresGrad).toBe(false)
  })
  test('gradient penalty through a matrix product', () => {
    const [w, x] = [
      leaf([
        [1, 2],
        [3, 4],
      ]),
      leaf([[1, 1]]),
    ]
    matmul(x, w).square().sum().backward({ createGraph: true })
    const penalty = (x.grad as Tensor).square().sum()
    w.grad = null
    penalty.backward()
    // f = |xw|², g = df/dx = 2 x w wᵀ, d|g|²/dw by central differences.
    const h = 1e-5
    const at = (i: number, j: number, d: number) => {
      const m = [
        [1, 2],
        [3, 4],
      ]
      m[i][j] += d
      const y = [m[0][0] + m[1][0], m[0][1] + m[1][1]]
      const g = m.map((row) => 2 * (row[0] * y[0] + row[1] * y[1]))
      return g[0] ** 2 + g[1] ** 2
    }
    const want = [0, 1].map((i) => [0, 1].map((j) => (at(i, j, h) - at(i, j, -h)) / (2 * h)))
    ;(gradOf(w) as number[][]).forEach((row, i) => row.forEach((v, j) => expect(v).toBeCloseTo(want[i][j], 3)))
  })
})

describe('errors of backward', () => {
  const x = leaf([1, 2])
  const cases: [string, () => void, new (message: string) => Error, string][] = [
    [
      'nothing requires grad',
      () => zeros([]).backward(),
      AutogradError,
      'backward: expected a tensor that requires grad, got Tensor([], float32, cpu)',
    ],
    [
      'no gradient for many elements',
      () => x.mul(2).backward(),
      AutogradError,
      'backward: expected a gradient for a tensor with more than one element, got none for [2]',
    ],
    [
      'a gradient of another shape',
      () => x.mul(2).backward(zeros([3])),
      ShapeError,
      'backward: expected a gradient [2], got [3]',
    ],
    [
      'a gradient of another dtype',
      () => x.mul(2).backward(zeros([2])),
      DTypeError,
      'backward: expected a gradient of float64, got float32',
    ],
    ['a number', () => x.mul(2).backward(1 as never), Error, 'backward: expected the gradient to be a tensor, got 1'],
  ]
  test.each(cases)('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})

test('the engine frees the gradients that only it can see', () => {
  const x = leaf([1, 2, 3])
  const w = leaf([4, 5, 6])
  const chain = () => where(x.gt(0), x.mul(w).exp().sigmoid().add(x), 0).reshape([3, 1]).expand([3, 4]).mean().sqrt()
  const loss = chain()
  loss.backward()
  x.grad = w.grad = null
  const again = chain()
  collectGarbage() // what earlier tests left
  const before = memoryStats().tensors
  again.backward()
  // The two gradients stay; whatever the pass made besides is gone.
  expect(memoryStats().tensors).toBe(before + 2)
  expect(loss.isDisposed || again.isDisposed || (x.grad as unknown as Tensor).isDisposed).toBe(false)
})
