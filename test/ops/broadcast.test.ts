import { expand, ShapeError, sum, tensor, type Tensor, zeros } from '../../lib'
import { everyDType, integers, NdArray, testOp } from '../support'

const total = (values: number[]) => values.reduce((a, b) => a + b, 0)

testOp('expand', {
  op: (x) => expand(x, [2, 3, 17]),
  ref: (x) => NdArray.make([2, 3, 17], (index) => x.broadcastAt(index)),
  shapes: [[[]], [[17]], [[3, 1]], [[2, 1, 17]], [[1, 1, 1]], [[2, 3, 17]]],
  dtypes: everyDType,
  special: true,
})

const shapes = [
  [[0]],
  [[1]],
  [[15]],
  [[16]],
  [[17]],
  [[5003]],
  [[]],
  [[3, 17]],
  [[4, 0, 2]],
  [[2, 3, 4, 5]],
  [[33, 65]],
]
testOp('sum', {
  op: (x) => sum(x),
  ref: (x) =>
    x.reduce(
      x.shape.map((_, d) => d),
      false,
      total,
    ),
  shapes,
  large: [[200, 400]],
  tolerance: 20,
  special: true,
})

const dims = [[0], [1], [-1], [0, 2], [2, -2], [0, 1, 2]]
for (const dim of dims) {
  testOp(`sum over ${dim}`, {
    op: (x) => sum(x, { dim, keepdim: dim[0] === 0 }),
    ref: (x) => x.reduce(dim, dim[0] === 0, total),
    shapes: [[[2, 3, 4]], [[1, 17, 16]], [[33, 2, 15]], [[3, 0, 2]], [[5, 1, 70]]],
    large: [[30, 40, 50]],
    tolerance: 20,
    special: true,
  })
}

testOp('sum of integers, in int64', {
  op: (x) => sum(x, { dim: 0 }),
  ref: (x) => x.reduce([0], false, total),
  shapes: [[[3, 17]], [[0, 2]], [[40, 1]]],
  large: [[300, 200]],
  dtypes: [...integers, 'bool'],
  result: () => 'int64',
})

test('int64 sums keep every bit; small integers do not wrap', () => {
  const big = 2n ** 53n
  expect(tensor([big, 1n, big]).sum().itemSync()).toBe(2n * big + 1n)
  expect(tensor(new Int8Array(1000).fill(127)).sum().itemSync()).toBe(127_000)
})

test('float32 sums are pairwise, 16-bit ones accumulate in float32', () => {
  const n = 1 << 20
  const ones = tensor(new Float32Array(n).fill(0.1))
  expect(Math.abs(ones.sum().itemSync() / (n * Math.fround(0.1)) - 1)).toBeLessThan(1e-6)
  expect(tensor(new Float32Array(4096).fill(1)).to('bfloat16').sum().itemSync()).toBe(4096)
  expect(tensor(new Float32Array(30_000).fill(1)).to('float16').sum().itemSync()).toBe(30_000)
})

test('expanding does not copy and its gradient adds up', () => {
  const x = tensor([1, 2], { requiresGrad: true })
  const y = expand(x, [3, -1])
  expect([y.base, y.strides]).toEqual([x, [0, 1]])
  y.mul(tensor([[1], [10], [100]]))
    .sum()
    .backward()
  expect((x.grad as Tensor).arraySync()).toEqual([111, 111])
  expect(expand(x, [2])).toBe(x)
})

test('errors', () => {
  const x = zeros([2, 3])
  expect(() => expand(x, [3])).toThrow(new ShapeError('expand: expected a shape that [2, 3] broadcasts to, got [3]'))
  expect(() => expand(x, [2, 4])).toThrow('expand: expected shapes that broadcast, got [2, 3] and [2, 4]')
  expect(() => expand(x, [-1, 2, 3])).toThrow('expand: expected a shape')
  expect(() => expand(x, null as never)).toThrow(
    'expand: expected a shape (an array of non-negative integers), got null',
  )
  expect(() => sum(x, { dim: 2 })).toThrow(new ShapeError('sum: expected a dim in [-2, 1], got 2'))
  expect(() => sum(x, { dim: [0, -2] })).toThrow('sum: expected distinct dims, got [0, -2]')
  expect(() => sum(x, { dim: 'a' as never })).toThrow('sum: expected a dim in [-2, 1], got "a"')
  expect(() => sum(3 as never)).toThrow('sum: expected x to be a tensor, got 3')
})
