// What one call computes in one pass: the norm of a sum, gated units, a linear layer with its activation and residual.
import { float32, passes } from '../passes.mjs'

const tokens = [4096, 768]
const gate = [4096, 2048]

/** `work(n)` gives {leaves, run}; bytes are those of the forward pass, or of it and the backward one. */
function fused(bench, pass, shape, bytes, work) {
  return {
    bench: `${bench} ${pass}`,
    params: shape.join('x'),
    args: { pass, shape },
    bytes: bytes[pass],
    prepare: (n) => passes[pass](n, work(n)),
  }
}

/** y and the sum are written, x and the residual read; back come dy, x + residual and dx. */
const normBytes = { fwd: [float32(tokens, tokens), float32(tokens, tokens)] }
normBytes['fwd+bwd'] = [float32([4, ...tokens]), float32([3, ...tokens])]

const half = [gate[0], gate[1] / 2]
const gatedBytes = { fwd: [float32(gate), float32(half)] }
gatedBytes['fwd+bwd'] = [float32(gate, gate, half), float32(half, gate)]

const addNorm = (layerOf) => (n) => {
  const layer = layerOf(n)
  const [x, residual] = [n.randn(tokens), n.randn(tokens)]
  return { leaves: [x, residual, ...layer.parameters()], run: () => layer.forward(x, residual) }
}

const gated = (op) => (n) => {
  const x = n.randn(gate)
  return { leaves: [x], run: () => n[op](x) }
}

function linear(M, N, K, { activation, residual }) {
  const ending = [activation, residual && 'residual'].filter(Boolean).join('+')
  return {
    bench: `linear+${ending}`,
    params: `M${M} N${N} K${K}`,
    args: { M, N, K },
    constant: true,
    flops: 2 * M * N * K,
    bytes: [float32([M, K], [K, N], residual ? [M, N] : []), float32([M, N])],
    prepare(n) {
      const layer = new n.nn.Linear(K, N)
      const weight = n.packLinear(layer.weight)
      const [x, addend] = [n.randn([M, K]), n.randn([M, N])]
      const options = { activation, residual: residual ? addend : undefined }
      return passes.fwd(n, { run: () => n.linear(x, weight, layer.bias, options) })
    },
  }
}

export const fusedCalls = [
  ...['fwd', 'fwd+bwd'].flatMap((pass) => [
    fused('add+layernorm', pass, tokens, normBytes, addNorm((n) => new n.nn.LayerNorm(768))),
    fused('add+rmsnorm', pass, tokens, normBytes, addNorm((n) => new n.nn.RMSNorm(768))),
    fused('swiglu', pass, gate, gatedBytes, gated('swiglu')),
    fused('geglu', pass, gate, gatedBytes, gated('geglu')),
  ]),
  linear(512, 3072, 768, { activation: 'gelu' }),
  linear(512, 768, 3072, { residual: true }),
]
