// Elementwise ops: activations and what they are made of, sums of two tensors, dropout.
import { float32, forward, passes } from '../passes.mjs'

const large = [4096, 1024]
const small = [64, 1024] // within the L2

/** `op` names the function for the peers; `run(n, x)` is neurite's. */
function unary(op, run, { params = large.join('x'), shape = large, pass = 'fwd', form = '' } = {}) {
  return {
    bench: pass === 'fwd' ? `elt ${op}` : `${op} ${pass}`,
    params,
    args: { op, shape, pass, form },
    bytes: pass === 'fwd' ? [float32(shape), float32(shape)] : [3 * float32(shape), 2 * float32(shape)],
    prepare(n) {
      const x = n.randn(shape)
      return passes[pass](n, { leaves: [x], run: () => run(n, x) })
    },
  }
}

function add(params, a, b) {
  return {
    bench: 'elt add',
    params,
    args: { op: 'add', shape: a, other: b },
    bytes: [float32(a, b), float32(a)],
    prepare(n) {
      const x = n.randn(a)
      const y = n.randn(b)
      return forward(n, () => x.add(y))
    },
  }
}

const dropout = ['fwd', 'fwd+bwd'].map((pass) =>
  unary('dropout', (n, x) => n.dropout(x, { p: 0.1, training: true }), { params: '4096x1024 p0.1', pass }),
)
const geluTanh = (n, x) => n.gelu(x, { approximate: 'tanh' })
const named = (name) => (n, x) => n[name](x)

export const elementwise = [
  add('4096x1024 new', large, large),
  add('bias 4096x1024+1024', large, [1024]),
  add('64x1024 new (L2)', small, small),
  unary('relu', named('relu')),
  unary('gelu', named('gelu'), { params: '4096x1024 erf' }),
  unary('gelu', named('gelu'), { params: '64x1024 erf (L2)', shape: small }),
  unary('gelu', geluTanh, { params: '4096x1024 tanh', form: 'tanh' }),
  unary('silu', named('silu')),
  unary('silu', named('silu'), { params: '64x1024 (L2)', shape: small }),
  unary('exp', named('exp')),
  unary('exp', named('exp'), { params: '64x1024 (L2)', shape: small }),
  unary('tanh', named('tanh')),
  unary('tanh', named('tanh'), { params: '64x1024 (L2)', shape: small }),
  unary('sigmoid', named('sigmoid')),
  unary('erf', named('erf')),
  unary('erf', named('erf'), { params: '64x1024 (L2)', shape: small }),
  ...['relu', 'gelu', 'silu', 'tanh'].map((op) => unary(op, named(op), { pass: 'fwd+bwd' })),
  ...dropout,
]
