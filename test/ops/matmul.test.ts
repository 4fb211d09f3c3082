import { ArgumentError, DTypeError, matmul, ShapeError, tensor, type Tensor, zeros } from '../../lib'
import { floats, NdArray, testOp } from '../support'
import { broadcastShape } from '../support/ndarray'

/** The definition, for at least two dims each. */
function product(a: NdArray, b: NdArray): NdArray {
  const batch = broadcastShape([a.shape.slice(0, -2), b.shape.slice(0, -2)])
  const [rows, inner, columns] = [a.shape.at(-2) as number, a.shape.at(-1) as number, b.shape.at(-1) as number]
  const from = (x: NdArray, lead: number[], i: number, j: number) =>
    x.at([...lead.slice(lead.length - x.shape.length + 2).map((n, d) => (x.shape[d] === 1 ? 0 : n)), i, j])
  return NdArray.make([...batch, rows, columns], (index) => {
    const lead = index.slice(0, -2)
    const [i, j] = index.slice(-2)
    let total = 0
    for (let k = 0; k < inner; k++) total += from(a, lead, i, k) * from(b, lead, k, j)
    return total
  })
}

function vectorsToo(a: NdArray, b: NdArray): NdArray {
  const left = a.shape.length === 1 ? a.reshape([1, ...a.shape]) : a
  const right = b.shape.length === 1 ? b.reshape([...b.shape, 1]) : b
  const y = product(left, right)
  const shape = y.shape.filter(
    (_, d) =>
      !(a.shape.length === 1 && d === y.shape.length - 2) && !(b.shape.length === 1 && d === y.shape.length - 1),
  )
  return y.reshape(shape)
}

testOp('matmul', {
  op: matmul,
  ref: vectorsToo,
  shapes: [
    [
      [1, 1],
      [1, 1],
    ],
    [
      [3, 4],
      [4, 5],
    ],
    [
      [16, 17],
      [17, 15],
    ],
    [
      [33, 70],
      [70, 31],
    ],
    [
      [1, 130],
      [130, 40],
    ],
    [
      [65, 3],
      [3, 1],
    ],
    [
      [0, 3],
      [3, 2],
    ],
    [
      [3, 0],
      [0, 2],
    ],
    [[4], [4]],
    [[4], [4, 3]],
    [[2, 3, 4], [4]],
    [
      [2, 3, 4],
      [4, 5],
    ],
    [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
    [
      [3, 4],
      [2, 4, 5],
    ],
  ],
  large: [
    [150, 140],
    [140, 130],
  ],
  tolerance: (dtype) => (dtype === 'float32' ? 60 : 30),
  gradientShapes: [
    [
      [3, 4],
      [4, 5],
    ],
    [[4], [4]],
    [[4], [4, 3]],
    [[2, 3, 4], [4]],
    [
      [2, 3, 4],
      [4, 5],
    ],
    [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
    [
      [3, 0],
      [0, 2],
    ],
    [
      [3, 4],
      [2, 4, 5],
    ],
  ],
})

testOp('matmul of integers', {
  op: matmul,
  ref: product,
  shapes: [
    [
      [3, 4],
      [4, 5],
    ],
    [
      [17, 40],
      [40, 16],
    ],
    [
      [2, 3, 4],
      [2, 4, 1],
    ],
    [
      [2, 0],
      [0, 2],
    ],
  ],
  dtypes: ['int32', 'int64'],
  inputs: [{ range: [-3, 3] }, { range: [0, 1] }],
})

test('NaN and infinity go where the definition puts them', () => {
  for (const dtype of floats) {
    const a = tensor(
      [
        [0, 1],
        [Infinity, 0],
      ],
      { dtype },
    )
    const b = tensor(
      [
        [NaN, 2],
        [3, 4],
      ],
      { dtype },
    )
    expect(matmul(a, b).arraySync()).toEqual([
      [NaN, 4],
      [NaN, Infinity],
    ])
  }
})

test('integers wrap around, int64 keeps every bit', () => {
  expect(matmul(tensor([[2n ** 53n, 1n]]), tensor([[1n], [1n]])).itemSync()).toBe(2n ** 53n + 1n)
  const half = tensor([[2 ** 30, 2 ** 30]], { dtype: 'int32' })
  expect(matmul(half, tensor([[1], [1]], { dtype: 'int32' })).itemSync()).toBe(-(2 ** 31))
})

test('dtypes promote', () => {
  expect(matmul(zeros([2, 2]), zeros([2, 2], { dtype: 'float64' })).dtype).toBe('float64')
  expect(matmul(zeros([2, 2], { dtype: 'int32' }), zeros([2, 2], { dtype: 'float16' })).dtype).toBe('float16')
})

test('transposed operands are read where they lie', () => {
  const a = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ])
  expect(matmul(a.T, a).arraySync()).toEqual([
    [35, 44],
    [44, 56],
  ])
  expect(matmul(a, a.T.slice([null, [0, 3, 2]])).arraySync()).toEqual([
    [5, 17],
    [11, 39],
    [17, 61],
  ])
})

describe('errors', () => {
  const cases: [string, () => Tensor, new (message: string) => Error, string][] = [
    [
      'inner sizes',
      () => matmul(zeros([2, 3]), zeros([2, 3])),
      ShapeError,
      'matmul: expected inner sizes that agree, got [2, 3] and [2, 3]',
    ],
    [
      'batches',
      () => matmul(zeros([2, 2, 3]), zeros([3, 3, 2])),
      ShapeError,
      'matmul: expected shapes that broadcast, got [2] and [3]',
    ],
    [
      'a scalar',
      () => matmul(zeros([]), zeros([2, 2])),
      ShapeError,
      'matmul: expected at least 1 dimension, got [] and [2, 2]',
    ],
    ['booleans', () => matmul(tensor([[true]]), zeros([1, 1])), DTypeError, 'matmul: expected numbers, got bool'],
    [
      'small integers',
      () => matmul(zeros([1, 1], { dtype: 'int8' }), zeros([1, 1], { dtype: 'int8' })),
      ArgumentError,
      'matmul: expected a floating dtype, int32 or int64',
    ],
  ]
  test.each(cases)('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})
