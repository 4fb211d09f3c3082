import {
  type Activation,
  ArgumentError,
  DTypeError,
  gelu,
  grad,
  linear,
  randn,
  relu,
  ShapeError,
  type Tensor,
  zeros,
} from '../../lib'
import { activationFunctions, affine, NdArray, type OpCase, testOp } from '../support'

const large = [[70, 150], [90, 150], [90]]
const shapes = [
  [[5, 4], [3, 4], [3]],
  [[17, 33], [16, 33], [16]],
  [[4], [3, 4], [3]],
  [[2, 3, 4], [5, 4], [5]],
  [[0, 4], [5, 4], [5]],
  [[3, 0], [5, 0], [5]],
]
const tolerance: OpCase['tolerance'] = (dtype) => (dtype === 'float32' ? 40 : 20)

testOp('linear', { op: (x, w, b) => linear(x, w, b), ref: affine, shapes, large, tolerance })
testOp('linear without bias', {
  op: (x, w) => linear(x, w),
  ref: (x, w) => affine(x, w),
  shapes: [...shapes.map(([x, w]) => [x, w]), [[1, 40], [9, 40]]],
  tolerance,
})

describe.each(Object.keys(activationFunctions) as Activation[])('linear with %s', (activation) => {
  const apply = (y: NdArray) => NdArray.zip((v) => activationFunctions[activation](v), y)
  testOp(`linear, ${activation}`, {
    op: (x, w, b) => linear(x, w, b, { activation }),
    ref: (x, w, b) => apply(affine(x, w, b)),
    shapes: [shapes[0], shapes[1], shapes[3]],
    large,
    tolerance,
  })
  testOp(`linear, residual, ${activation}`, {
    op: (x, w, residual) => linear(x, w, null, { activation, residual }),
    ref: (x, w, residual) => apply(affine(x, w, undefined, residual)),
    shapes: [
      [[5, 4], [3, 4], [5, 3]],
      [[2, 3, 4], [37, 4], [2, 3, 37]],
      [[4], [3, 4], [3]],
    ],
    tolerance,
  })
})

testOp('linear, residual', {
  op: (x, w, b, residual) => linear(x, w, b, { residual }),
  ref: affine,
  shapes: [
    [[5, 4], [3, 4], [3], [5, 3]],
    [[17, 33], [40, 33], [40], [17, 40]],
    [[2, 1, 4], [5, 4], [5], [2, 1, 5]],
  ],
  tolerance,
})

test('only the gradients that are asked for flow', () => {
  const [x, w, residual] = [randn([3, 4]), randn([5, 4]), randn([3, 5], { requiresGrad: true })]
  for (const activation of ['gelu', 'relu'] as const) {
    const y = linear(x, w, null, { activation, residual })
    const [got] = grad([y.sum()], [residual])
    const [want] = grad([(activation === 'relu' ? relu : gelu)(linear(x, w).add(residual)).sum()], [residual])
    expect(got!.arraySync()).toEqual(want!.arraySync())
  }
})

describe('errors', () => {
  const x = zeros([2, 3])
  const w = zeros([4, 3])
  const integers = [zeros([2, 3], { dtype: 'int32' }), zeros([4, 3], { dtype: 'int32' })] as const
  const cases: [string, () => Tensor, new (message: string) => Error, string][] = [
    ['w', () => linear(x, zeros([3, 2])), ShapeError, 'linear: expected w [out, 3] for x [2, 3], got [3, 2]'],
    ['b', () => linear(x, w, zeros([3])), ShapeError, 'linear: expected b [4], got [3]'],
    [
      'dtypes',
      () => linear(x, zeros([4, 3], { dtype: 'float64' })),
      DTypeError,
      'linear: expected x, w and b of one dtype, got float32, float64',
    ],
    [
      'an activation of integers',
      () => linear(...integers, null, { activation: 'relu' }),
      DTypeError,
      'linear: expected x to have a floating dtype, got int32',
    ],
    [
      'options',
      () => linear(x, w, null, { act: 'relu' } as never),
      ArgumentError,
      'linear: expected options { activation, residual }, got { act }',
    ],
  ]
  test.each(cases)('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})
