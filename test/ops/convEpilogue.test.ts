// What convolutions do to their results: a residual is added, an activation applied.
import {
  type Activation,
  conv1d,
  conv2d,
  conv3d,
  type ConvOptions,
  gelu,
  grad,
  randn,
  relu,
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

test('options', () => {
  expect(() => conv2d(zeros([2, 3, 5, 5]), zeros([4, 3, 3, 3]), null, { act: 'relu' } as never)).toThrow(
    'conv2d: expected options { stride, padding, dilation, groups, activation, residual }, got { act }',
  )
})
