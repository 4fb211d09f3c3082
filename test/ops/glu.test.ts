import { geglu, glu, ones, reglu, swiglu, tensor, type Tensor } from '../../lib'
import { NdArray, testOp } from '../support'
import { erf } from '../support/special'

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const silu = (x: number) => x * sigmoid(x)
const gelu = (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2))
const geluTanh = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
const relu = (x: number) => Math.max(x, 0)

const pair = [[[3, 17], [3, 17]], [[2, 3, 4], [2, 3, 4]], [[0, 5], [0, 5]], [[], []]]

const cases: [string, (gate: Tensor, up?: Tensor) => Tensor, (x: number) => number][] = [
  ['swiglu', swiglu, silu],
  ['reglu', reglu, relu],
  ['geglu', geglu, gelu],
  ['geglu by tanh', (gate, up) => geglu(gate, up, { approximate: 'tanh' }), geluTanh],
]

for (const [name, op, f] of cases) {
  testOp(name, {
    op,
    ref: (gate, up) => NdArray.zip((g, u) => f(g) * u, gate, up),
    shapes: pair,
    large: [[200, 300], [200, 300]],
  })
  testOp(`${name} of halves`, {
    op: (x) => op(x),
    ref: (x) => {
      const n = x.shape[x.shape.length - 1] / 2
      return NdArray.make([...x.shape.slice(0, -1), n], (at) => {
        const last = at[at.length - 1]
        return f(x.at([...at.slice(0, -1), last])) * x.at([...at.slice(0, -1), last + n])
      })
    },
    shapes: [[[3, 34]], [[2, 3, 4]], [[5, 0]]],
    large: [[200, 300]],
  })
}

testOp('glu', {
  op: (x) => glu(x, { dim: 0 }),
  ref: (x) => {
    const [n, m] = [x.shape[0] / 2, x.shape[1]]
    return NdArray.make([n, m], ([i, j]) => x.at([i, j]) * sigmoid(x.at([n + i, j])))
  },
  shapes: [[[4, 17]], [[2, 5]], [[6, 1]]],
})

test('glu takes the last dim', () => {
  const y = glu(tensor([[1, 2, 0, 0]]))
  expect(y.arraySync()).toEqual([[0.5, 1]])
})

test('wrong arguments are named', () => {
  const x = ones([2, 3])
  expect(() => glu(x)).toThrow('glu: expected an even size of dim 1, got [2, 3]')
  expect(() => glu(x, { dim: 2 })).toThrow('glu: expected a dim in [-2, 1], got 2')
  expect(() => glu(x, { axis: 1 } as never)).toThrow('glu: expected options { dim }, got { axis }')
  expect(() => swiglu(x)).toThrow('swiglu: expected an even size of dim 1, got [2, 3]')
  expect(() => swiglu(x, ones([3, 2]))).toThrow('swiglu: expected up [2, 3], as gate, got [3, 2]')
  expect(() => reglu(x, ones([2, 3], { dtype: 'float64' }))).toThrow('reglu: expected up')
  expect(() => geglu(x, x, { approximate: 'erf' as never })).toThrow("geglu: expected approximate 'none' or 'tanh'")
  expect(() => geglu(ones([2, 4], { dtype: 'int32' }))).toThrow('geglu: expected x to have a floating dtype')
})
