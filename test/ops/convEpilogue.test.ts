// What convolutions do to their results: a residual is added, an activation applied.
import {
  type Activation,
  ArgumentError,
  conv1d,
  conv2d,
  conv3d,
  type ConvOptions,
  DTypeError,
  gelu,
  grad,
  randn,
  relu,
  ShapeError,
  type Tensor,
  zeros,
} from '../../lib'
import { activationFunctions, convRef, NdArray, testOp, windowOf } from '../support'

const add = (a: NdArray, b: NdArray) => NdArray.zip((x, y) => x + y, a, b)
const options: ConvOptions = { padding: 1, stride: [2, 1] }

describe.each(Object.keys(activationFunctions) as Activation[])('with %s', (activation) => {
  const apply = (y: NdArray) => NdArray.zip((v) => activationFunctions[activation](v), y)
  testOp(`conv2d, ${activation}`, {
    op: (x, w, b) => conv2d(x, w, b ?? null, { ...options, activation }),
    ref: (x, w, b) => apply(convRef(windowOf(2, options), x, w, b)),
    shapes: [[[2, 3, 5, 4], [4, 3, 3, 3], [4]]],
    tolerance: 40,
  })
  testOp(`conv1d, residual, ${activation}`, {
    op: (x, w, residual) => conv1d(x, w, null, { activation, residual }),
    ref: (x, w, residual) => apply(add(convRef(windowOf(1, {}), x, w), residual)),
    shapes: [[[2, 3, 7], [5, 3, 2], [2, 5, 6]]],
    tolerance: 40,
  })
})

testOp('conv2d, residual', {
  op: (x, w, b, residual) => conv2d(x, w, b, { padding: 1, residual }),
  ref: (x, w, b, residual) => add(convRef(windowOf(2, { padding: 1 }), x, w, b), residual),
  shapes: [
    [[2, 3, 4, 5], [4, 3, 3, 3], [4], [2, 4, 4, 5]],
    [[1, 2, 3, 3], [17, 2, 3, 3], [17], [1, 17, 3, 3]],
  ],
  large: [[4, 8, 20, 20], [16, 8, 3, 3], [16], [4, 16, 20, 20]],
  tolerance: 8,
})
testOp('conv3d, residual, silu', {
  op: (x, w, residual) => conv3d(x, w, null, { groups: 2, residual, activation: 'silu' }),
  ref: (x, w, residual) =>
    NdArray.zip(activationFunctions.silu, add(convRef(windowOf(3, { groups: 2 }), x, w), residual)),
  shapes: [[[1, 4, 2, 3, 3], [2, 2, 2, 1, 2], [1, 2, 1, 3, 2]]],
  tolerance: 40,
})

test('no batch in, none in the residual', () => {
  const [x, w, residual] = [randn([3, 5, 6]), randn([4, 3, 3, 3]), randn([4, 3, 4])]
  const want = relu(conv2d(x, w).add(residual))
  const got = conv2d(x, w, null, { residual, activation: 'relu' })
  expect(got.shape).toEqual([4, 3, 4])
  expect(got.arraySync()).toEqual(want.arraySync())
})

test('channels-last in, channels-last out', () => {
  const [x, w, residual] = [randn([2, 3, 5, 6]), randn([4, 3, 3, 3]), randn([2, 4, 3, 4])]
  const last = (t: Tensor) => t.contiguous({ memoryFormat: 'channelsLast' })
  const want = conv2d(x, w, null, { residual, activation: 'relu' })
  const got = conv2d(last(x), w, null, { residual: last(residual), activation: 'relu' })
  expect(got.strides).toEqual([48, 1, 16, 4])
  const values = got.contiguous().dataSync()
  want.dataSync().forEach((v, i) => expect(values[i]).toBeCloseTo(v as number, 5))
})

test('only the gradients that are asked for flow', () => {
  const [x, w, residual] = [randn([1, 2, 5]), randn([3, 2, 2]), randn([1, 3, 4], { requiresGrad: true })]
  for (const activation of ['gelu', 'relu'] as const) {
    const y = conv1d(x, w, null, { activation, residual })
    const [got] = grad([y.sum()], [residual])
    const [want] = grad([(activation === 'relu' ? relu : gelu)(conv1d(x, w).add(residual)).sum()], [residual])
    expect(got!.arraySync()).toEqual(want!.arraySync())
  }
})

describe('errors', () => {
  const [x, w] = [zeros([2, 3, 5, 5]), zeros([4, 3, 3, 3])]
  const cases: [string, () => Tensor, new (message: string) => Error, string][] = [
    [
      'the shape of the residual',
      () => conv2d(x, w, null, { residual: zeros([2, 4, 5, 5]) }),
      ShapeError,
      'conv2d: expected residual [2, 4, 3, 3], got [2, 4, 5, 5]',
    ],
    [
      'the dtype of the residual',
      () => conv2d(x, w, null, { residual: zeros([2, 4, 3, 3], { dtype: 'float64' }) }),
      DTypeError,
      'conv2d: expected residual to be float32, got float64',
    ],
    [
      'an activation',
      () => conv2d(x, w, null, { activation: 'swish' as never }),
      ArgumentError,
      'conv2d: expected activation relu, gelu, geluTanh, silu, tanh, sigmoid, got "swish"',
    ],
    [
      'options',
      () => conv2d(x, w, null, { act: 'relu' } as never),
      ArgumentError,
      'conv2d: expected options { stride, padding, dilation, groups, activation, residual }, got { act }',
    ],
  ]
  test.each(cases)('%s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})
