// Wrong residuals and activations, which products and convolutions refuse alike. What the right ones do is tested with
// each of them.
import { ArgumentError, conv2d, DTypeError, linear, ShapeError, zeros } from '../../lib'

const maps = {
  linear: { shape: [2, 4], run: (options: object) => linear(zeros([2, 3]), zeros([4, 3]), null, options) },
  conv2d: {
    shape: [2, 4, 3, 3],
    run: (options: object) => conv2d(zeros([2, 3, 5, 5]), zeros([4, 3, 3, 3]), null, options),
  },
}

describe.each(Object.entries(maps))('%s', (op, { shape, run }) => {
  test('the shape of the residual', () => {
    const call = () => run({ residual: zeros([4, 2]) })
    expect(call).toThrow(ShapeError)
    expect(call).toThrow(`${op}: expected residual [${shape.join(', ')}], got [4, 2]`)
  })

  test('the dtype of the residual', () => {
    const call = () => run({ residual: zeros(shape, { dtype: 'float64' }) })
    expect(call).toThrow(DTypeError)
    expect(call).toThrow(`${op}: expected residual to be float32, got float64`)
  })

  test('an activation', () => {
    const call = () => run({ activation: 'swish' })
    expect(call).toThrow(ArgumentError)
    expect(call).toThrow(`${op}: expected activation relu, gelu, geluTanh, silu, tanh, sigmoid, got "swish"`)
  })
})
