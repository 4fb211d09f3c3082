import { ArgumentError, DTypeError, linear, packLinear, ShapeError, zeros } from '../../lib'
import { affine, NdArray, testOp } from '../support'

testOp('linear, packed', {
  op: (x, w, b) => linear(x, packLinear(w), b),
  ref: affine,
  shapes: [
    [[5, 4], [3, 4], [3]],
    [[1, 40], [33, 40], [33]],
    [[17, 33], [70, 33], [70]],
    [[4], [32, 4], [32]],
    [[2, 3, 4], [5, 4], [5]],
    [[0, 4], [5, 4], [5]],
    [[3, 0], [5, 0], [5]],
    [[3, 4], [0, 4], [0]],
  ],
  large: [[70, 150], [290, 150], [290]],
  tolerance: (dtype) => (dtype === 'float32' ? 40 : 20),
  gradient: false,
})
testOp('linear, packed, residual, relu', {
  op: (x, w, residual) => linear(x, packLinear(w), null, { residual, activation: 'relu' }),
  ref: (x, w, residual) =>
    NdArray.zip((v, r) => Math.max(v + r, 0), affine(x, w, NdArray.make([w.shape[0]], () => 0)), residual),
  shapes: [
    [[5, 4], [3, 4], [5, 3]],
    [[19, 33], [37, 33], [19, 37]],
  ],
  tolerance: (dtype) => (dtype === 'float32' ? 40 : 20),
  gradient: false,
})

test('errors', () => {
  const packed = packLinear(zeros([3, 4]))
  expect(() => packLinear(zeros([3]))).toThrow(ShapeError)
  expect(() => packLinear(zeros([3]))).toThrow('packLinear: expected w [out, in], got [3]')
  expect(() => packLinear(zeros([3, 4], { dtype: 'int32' }))).toThrow(DTypeError)
  expect(() => packLinear([1] as never)).toThrow(ArgumentError)
  expect(() => linear(zeros([2, 5]), packed)).toThrow('linear: expected w [out, 5] for x [2, 5], got [3, 4]')
  expect(() => linear(zeros([2, 4], { dtype: 'float64' }), packed)).toThrow('one dtype, got float64, float32')
})
