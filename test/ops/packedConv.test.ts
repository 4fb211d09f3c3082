import {
  ArgumentError,
  conv1d,
  conv2d,
  conv3d,
  DTypeError,
  packConv,
  randn,
  relu,
  ShapeError,
  type Tensor,
  zeros,
} from '../../lib'
import { convRef, NdArray, testOp, windowOf } from '../support'

const small = { tolerance: 8, gradient: false } as const
const grouped = { groups: 2, padding: 1, stride: [2, 1] }

testOp('conv2d, packed', {
  op: (x, w, b) => conv2d(x, packConv(w), b, { padding: 1 }),
  ref: (x, w, b) => convRef(windowOf(2, { padding: 1 }), x, w, b),
  shapes: [
    [[2, 3, 5, 6], [40, 3, 3, 3], [40]],
    [[1, 2, 4, 4], [7, 2, 1, 2], [7]],
    [[0, 3, 5, 5], [2, 3, 3, 3], [2]],
    [[1, 3, 5, 5], [0, 3, 3, 3], [0]],
  ],
  large: [[2, 16, 20, 20], [70, 16, 3, 3], [70]],
  ...small,
  tolerance: (dtype) => (dtype === 'float32' ? 40 : 8),
})
testOp('conv2d, packed, in groups', {
  op: (x, w) => conv2d(x, packConv(w, { groups: 2 }), null, grouped),
  ref: (x, w) => convRef(windowOf(2, grouped), x, w),
  shapes: [
    [[2, 6, 5, 4], [8, 3, 3, 2]],
    [[1, 2, 5, 4], [70, 1, 3, 3]],
  ],
  ...small,
})
testOp('conv1d, packed, residual, relu', {
  op: (x, w, residual) => conv1d(x, packConv(w), null, { residual, activation: 'relu' }),
  ref: (x, w, residual) =>
    NdArray.zip((v, r) => Math.max(v + r, 0), convRef(windowOf(1, {}), x, w), residual),
  shapes: [[[2, 3, 9], [5, 3, 3], [2, 5, 7]]],
  ...small,
})
testOp('conv3d, packed, depthwise', {
  op: (x, w, b) => conv3d(x, packConv(w, { groups: 3 }), b, { groups: 3 }),
  ref: (x, w, b) => convRef(windowOf(3, { groups: 3 }), x, w, b),
  shapes: [[[1, 3, 4, 3, 5], [3, 1, 2, 2, 3], [3]]],
  ...small,
})

test.each([1, 3])('channels-last in, channels-last out, windows of %d', (k) => {
  const [x, w, residual] = [randn([2, 16, 5, 6]), randn([33, 16, k, k]), randn([2, 33, 6 - k, 7 - k])]
  const last = (t: Tensor) => t.contiguous({ memoryFormat: 'channelsLast' })
  const want = relu(conv2d(x, w).add(residual))
  const got = conv2d(last(x), packConv(w), null, { residual: last(residual), activation: 'relu' })
  expect(got.strides).toEqual(last(want).strides)
  const values = got.contiguous().dataSync()
  want.dataSync().forEach((v, i) => expect(values[i]).toBeCloseTo(v as number, 3))
})

test('errors', () => {
  const packed = packConv(zeros([4, 3, 2, 2]))
  expect(packed.groups).toBe(1)
  expect(() => packConv(zeros([3, 4]))).toThrow(ShapeError)
  expect(() => packConv(zeros([3, 4]))).toThrow('packConv: expected w [out, in/groups, kernel ...] of 3 to 5 dims')
  expect(() => packConv(zeros([3, 4, 1]), { groups: 2 })).toThrow('packConv: expected w with a multiple of 2 (groups)')
  expect(() => packConv(zeros([3, 4, 1]), { groups: 0 })).toThrow('packConv: expected groups to be an integer')
  expect(() => packConv(zeros([3, 4, 1], { dtype: 'int32' }))).toThrow(DTypeError)
  expect(() => packConv([1] as never)).toThrow(ArgumentError)
  expect(() => conv2d(zeros([1, 5, 4, 4]), packed)).toThrow(
    'conv2d: expected weight [out, in/groups, kh, kw] with in=5, got [4, 3, 2, 2]',
  )
  expect(() => conv2d(zeros([1, 6, 4, 4]), packed, null, { groups: 2 })).toThrow(
    'conv2d: expected groups 1, as the weight was packed with, got 2',
  )
  expect(() => conv1d(zeros([1, 3, 4]), packed)).toThrow('conv1d: expected weight [out, in/groups, kw]')
  expect(() => conv2d(zeros([1, 3, 4, 4], { dtype: 'float64' }), packed)).toThrow('expected weight to be float64')
})
