// Ops on devices that only move elements about: far more of them than caches hold.
import { forward, passes } from '../passes.mjs'
import { formatArgs, sizeOf } from './formats.mjs'

function row(bench, params, format, args, bytes, prepare) {
  return { bench, params: `${format} ${params}`, args: { ...args, ...formatArgs(format) }, bytes, prepare }
}

function over(shape, format, pass) {
  const size = sizeOf(format, shape)
  const traffic = pass === 'fwd' ? [size, size] : [3 * size, 2 * size]
  const name = shape.join('x')
  const timed = (n, run, parameters = []) => {
    const x = n.randn(shape, { dtype: formatArgs(format).dtype })
    return passes[pass](n, { leaves: [x, ...parameters], run: () => run(x) })
  }
  return {
    gelu() {
      const args = { op: 'gelu', shape, pass, form: '' }
      const bench = pass === 'fwd' ? 'elt gelu' : 'gelu fwd+bwd'
      return row(bench, name, format, args, traffic, (n) => timed(n, (x) => n.gelu(x)))
    },
    softmax() {
      const bench = pass === 'fwd' ? 'softmax' : 'softmax fwd+bwd'
      const run = (n) => timed(n, (x) => n.softmax(x, { dim: -1 }))
      return row(bench, name, format, { pass, shape, dim: -1 }, traffic, run)
    },
    layerNorm() {
      return row(`layernorm ${pass}`, name, format, { pass, shape, isTraining: true }, traffic, (n) => {
        const layer = new n.nn.LayerNorm(768).to(formatArgs(format).dtype)
        return timed(n, (x) => layer.forward(x), layer.parameters())
      })
    },
  }
}

/** Without gradients: `run(n, x)`. */
function plain(bench, params, format, shape, args, written, run) {
  const bytes = [sizeOf(format, shape), sizeOf(format, written)]
  return row(bench, params, format, { shape, ...args }, bytes, (n) => {
    const x = n.randn(shape, { dtype: formatArgs(format).dtype })
    return forward(n, () => run(n, x))
  })
}

export function bandwidths(isSmall) {
  const [rows, columns, normed] = isSmall ? [12, 70, 9] : [16384, 4096, 65536]
  const shape = [rows, columns]
  const name = shape.join('x')
  return [
    ...['fwd', 'fwd+bwd'].flatMap((pass) => [
      over(shape, 'float32', pass).gelu(),
      over(shape, 'bfloat16', pass).gelu(),
      over(shape, 'float32', pass).softmax(),
      over(shape, 'bfloat16', pass).softmax(),
      over([normed, 768], 'bfloat16', pass).layerNorm(),
    ]),
    plain('sum', `${name} all`, 'float32', shape, { op: 'sum', dim: null }, [], (_, x) => x.sum()),
    plain('sum', `${name} dim1`, 'bfloat16', shape, { op: 'sum', dim: 1 }, [rows], (_, x) => x.sum({ dim: 1 })),
    plain('sum', `${name} dim0`, 'float32', shape, { op: 'sum', dim: 0 }, [columns], (_, x) => x.sum({ dim: 0 })),
    plain('transpose', name, 'float32', shape, { dims: [1, 0] }, shape, (_, x) => x.T.contiguous()),
    plain('topk', `${name} k10`, 'float32', shape, { k: 10, dim: 1 }, [rows, 30], (n, x) => n.topk(x, 10, { dim: 1 })),
    plain('sort', name, 'float32', shape, { dim: 1 }, [3, rows, columns], (n, x) => n.sort(x, { dim: 1 })),
  ]
}
