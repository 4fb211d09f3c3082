import {
  apply,
  AutogradError,
  collectGarbage,
  customOp,
  grad,
  memoryStats,
  noGrad,
  type Op,
  ShapeError,
  tensor,
  Tensor,
  zeros,
} from '../lib'
import * as kernels from '../lib/kernels'
import { NdArray, testOp } from './support'

const cube = customOp({
  name: 'cube',
  forward: (context, x: Tensor) => {
    context.save(x)
    return x.mul(x).mul(x)
  },
  backward: (context, dy) => dy.mul(context.saved[0].square()).mul(3),
})

testOp('a custom op', {
  op: (x) => cube(x),
  ref: (x) => x.map((v) => v ** 3),
  shapes: [[[]], [[17]], [[3, 5]]],
  tolerance: 2,
})

const scaledSum = customOp({
  name: 'scaledSum',
  forward: (context, a: Tensor, b: Tensor, { scale }: { scale: number }) => {
    context.save(a, b)
    return [a.add(b).mul(scale), a.mul(b)]
  },
  backward: (context, dy, dz) => {
    const [a, b] = context.saved
    return [context.needs(0) ? dy.mul(2).add(dz.mul(b)) : null, dy.mul(2).add(dz.mul(a)), null]
  },
})

testOp('a custom op with two inputs, two results and an option', {
  op: (a, b) => scaledSum(a, b, { scale: 2 }),
  ref: (a, b) => [NdArray.zip((v, w) => 2 * (v + w), a, b), NdArray.zip((v, w) => v * w, a, b)],
  shapes: [
    [[3], [3]],
    [
      [2, 4],
      [2, 4],
    ],
  ],
})

test('through apply, as the built-in ops', () => {
  const doubled: Op<{ factor: number }> = {
    name: 'doubled',
    forward: (_node, [x], { factor }) => {
      const y = new Tensor((x as Tensor).shape, (x as Tensor).dtype)
      kernels.mul(x as Tensor, { dtype: y.dtype, value: factor }, y)
      return y
    },
    backward: (node, dy) => [dy.mul(node.attrs.factor)],
  }
  const x = tensor([1, 2], { requiresGrad: true })
  const y = apply(doubled, [x], { factor: 2 })
  expect([y.arraySync(), y.node?.op.name]).toEqual([[2, 4], 'doubled'])
  y.sum().backward()
  expect((x.grad as Tensor).arraySync()).toEqual([2, 2])
})

test('records nothing where nothing wants a gradient', () => {
  expect(cube(tensor([2])).requiresGrad).toBe(false)
  expect(noGrad(() => cube(tensor([2], { requiresGrad: true }))).requiresGrad).toBe(false)
})

test('may return its input, or a tensor of another op', () => {
  const straightThrough = customOp({
    name: 'straightThrough',
    forward: (_, x: Tensor) => x,
    backward: (_, dy) => dy.mul(2),
  })
  const x = tensor([1, 2], { requiresGrad: true })
  const y = straightThrough(x)
  expect([x.isLeaf, y.node?.op.name]).toEqual([true, 'straightThrough'])
  y.sum().backward()
  expect((x.grad as Tensor).arraySync()).toEqual([2, 2])
  const outside = x.mul(3)
  const other = customOp({ name: 'other', forward: () => outside, backward: (_, dy) => dy })
  expect(other().arraySync()).toEqual([3, 6])
  expect(outside.node?.op.name).toBe('mul')
})

test('tensors that a backward keeps survive it, others are freed', () => {
  const dropped: Tensor[] = []
  const noisy = customOp({
    name: 'noisy',
    forward: (_, x: Tensor) => x.mul(1),
    backward: (_, dy) => {
      dropped.push(zeros([5]))
      return dy.mul(1)
    },
  })
  const x = tensor([1], { requiresGrad: true })
  const y = noisy(x).sum()
  collectGarbage() // what earlier tests left
  const before = memoryStats().tensors
  grad(y, [x])
  expect(dropped[0].isDisposed).toBe(true)
  expect(memoryStats().tensors).toBe(before + 1)
})

describe('errors', () => {
  const wrong = (backward: () => unknown) => {
    const op = customOp({
      name: 'mine',
      forward: (_, a: Tensor, b: Tensor) => a.add(b),
      backward: backward as () => null[],
    })
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })]
    return () => op(a, b).sum().backward()
  }
  const cases: [string, () => void, new (message: string) => Error, string][] = [
    [
      'too few gradients',
      wrong(() => [zeros([1])]),
      AutogradError,
      'mine: expected backward to return 2 gradients, got 1',
    ],
    [
      'one tensor for two',
      wrong(() => zeros([1])),
      AutogradError,
      'mine: expected backward to return 2 gradients, got 1',
    ],
    ['no list', wrong(() => 5), AutogradError, 'mine: expected backward to return 2 gradients, got 5'],
    [
      'another shape',
      wrong(() => [zeros([2]), null]),
      ShapeError,
      'mine: expected a gradient [1] float32 for argument 0, got Tensor([2], float32, cpu)',
    ],
    [
      'another dtype',
      wrong(() => [null, zeros([1], { dtype: 'float64' })]),
      ShapeError,
      'mine: expected a gradient [1] float32 for argument 1',
    ],
    ['a number', wrong(() => [1, 2]), ShapeError, 'for argument 0, got 1'],
  ]
  test.each(cases)('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
  test('of the definition', () => {
    expect(() => customOp({ name: 'x' } as never)).toThrow('customOp: expected { name, forward, backward }')
    const nothing = customOp({ name: 'nothing', forward: (() => 5) as never, backward: (_, dy) => dy })
    expect(() => nothing()).toThrow('nothing: expected forward to return tensors, got 5')
  })
})
