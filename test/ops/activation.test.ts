import { type Activation, gelu, linear, randn, relu, sigmoid, silu, tanh, type Tensor, tensor } from '../../lib'
import { currentVariant, floats, useVariant, variants } from '../support'

const alone: Record<Activation, (x: Tensor) => Tensor> = {
  relu,
  gelu: (x) => gelu(x),
  geluTanh: (x) => gelu(x, { approximate: 'tanh' }),
  silu,
  tanh,
  sigmoid,
}

const bits = (t: Tensor) => Buffer.from(t.dataSync({ raw: true }).buffer).toString('hex')

describe.each(variants)('%s', (isa) => {
  const first = currentVariant()
  beforeAll(() => useVariant(isa))
  afterAll(() => useVariant(first))

  test.each(Object.keys(alone) as Activation[])('%s after a product has the bits of the op alone', (activation) => {
    for (const dtype of floats) {
      const x = randn([9, 21], { dtype })
      const nothing = tensor(new Array(21).fill([0]), { dtype })
      const y = linear(x.slice([null, [0, 1]]).mul(0), nothing, null, { activation, residual: x })
      expect(bits(y)).toBe(bits(alone[activation](x)))
    }
  })

  test('NaN and infinities come through', () => {
    const x = tensor([[NaN, Infinity, -Infinity]])
    const through = (activation: Activation) =>
      linear(tensor([[0]]), tensor([[0], [0], [0]]), null, { activation, residual: x }).arraySync()
    for (const name of Object.keys(alone) as Activation[]) expect(through(name)).toEqual(alone[name](x).arraySync())
    expect(through('relu')).toEqual([[NaN, Infinity, 0]])
  })
})
