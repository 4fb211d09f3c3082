// Attention, LSTM and GRU on devices.
import { passes } from '../passes.mjs'
import { formatArgs, sizeOf } from './formats.mjs'

function attention(pass, kind, format, { B = 4, H = 16, KV = H, T, S = T, D }) {
  const flops = 4 * B * H * T * S * D * (pass === 'fwd' ? 1 : 3.5) // the backward recomputes the scores
  const q = [B, H, T, D]
  const kv = [2, B, KV, S, D]
  const [read, written] = pass === 'fwd' ? [[q, kv], [q]] : [[q, q, kv], [q, kv]]
  const args = { B, H, KV, T, S, D, kind, ...formatArgs(format) }
  return {
    bench: `attention ${pass}`,
    params: `${format} B${B} H${H}${KV === H ? '' : ` KV${KV}`} T${T}${S === T ? '' : ` S${S}`} D${D} ${kind}`,
    args,
    flops,
    work: kind === 'causal' ? (flops * (T + 1)) / (2 * T) : flops,
    bytes: [sizeOf(format, ...read), sizeOf(format, ...written)],
    prepare(n) {
      const { dtype } = args
      const leaves = [q, [B, KV, S, D], [B, KV, S, D]].map((shape) => n.randn(shape, { dtype }))
      const options = { isCausal: kind === 'causal', ...(KV !== H && { enableGqa: true }) }
      return passes[pass](n, { leaves, run: () => n.nn.functional.scaledDotProductAttention(...leaves, options) })
    },
  }
}

function recurrent(pass, kind, format, { L = 1, B = 64, T = 128, H }) {
  const gates = kind === 'LSTM' ? 4 : 3
  const times = pass === 'fwd' ? 1 : 3
  const args = { kind, L, B, T, I: H, H, bidirectional: false, lengths: null, ...formatArgs(format) }
  return {
    bench: `${kind.toLowerCase()} ${pass}`,
    params: `${format} L${L} B${B} T${T} H${H}`,
    args,
    flops: 2 * times * L * B * T * gates * H * 2 * H,
    bytes: [times * sizeOf(format, [B, T, H], [L, gates * H, 2 * H]), times * sizeOf(format, [B, T, H])],
    prepare(n) {
      const layer = new n.nn[kind](H, H, { numLayers: L, batchFirst: true }).to(args.dtype)
      const x = n.randn([B, T, H], { dtype: args.dtype })
      return passes[pass](n, { leaves: [x, ...layer.parameters()], run: () => layer.forward(x) })
    },
  }
}

const both = ['fwd', 'fwd+bwd']

export function attentions(isSmall) {
  if (isSmall) return both.map((pass) => attention(pass, 'causal', 'bfloat16', { B: 1, H: 2, T: 20, D: 16 }))
  return both.flatMap((pass) => [
    ...[512, 4096].flatMap((T) => ['full', 'causal'].map((kind) => attention(pass, kind, 'bfloat16', { T, D: 128 }))),
    attention(pass, 'causal', 'float16', { T: 2048, D: 64 }),
    attention(pass, 'causal', 'bfloat16', { T: 2048, KV: 4, D: 128 }),
    attention(pass, 'causal', 'float32', { T: 1024, D: 64 }),
  ]).concat(attention('fwd', 'decode', 'bfloat16', { B: 16, H: 32, KV: 8, T: 1, S: 4096, D: 128 }))
}

export function recurrents(isSmall) {
  if (isSmall) return [recurrent('fwd+bwd', 'LSTM', 'float32', { B: 2, T: 3, H: 16 })]
  return both.flatMap((pass) => [
    recurrent(pass, 'LSTM', 'float16', { H: 512 }),
    recurrent(pass, 'LSTM', 'float32', { H: 512 }),
    recurrent(pass, 'GRU', 'float16', { H: 512 }),
  ])
}
