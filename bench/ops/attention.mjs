// Scaled dot-product attention: full, causal, with an additive mask, grouped queries, and one query against a cache of
// keys and values. H heads of queries, KV of keys and values, T queries, S keys, D features.
import { float32, passes } from '../passes.mjs'

function make(n, { B, H, KV, T, S, D, kind }) {
  const q = n.randn([B, H, T, D])
  const k = n.randn([B, KV, S, D])
  const v = n.randn([B, KV, S, D])
  const attnMask = kind === 'masked' ? n.randn([T, S]) : null
  const options = { attnMask, isCausal: kind === 'causal', ...(H !== KV && { enableGqa: true }) }
  return { leaves: [q, k, v], run: () => n.nn.functional.scaledDotProductAttention(q, k, v, options) }
}

function attention(pass, kind, { B = 4, H = 12, KV = H, T, S = T, D = 64 }) {
  const times = pass === 'fwd' ? 1 : 3
  const flops = 4 * B * H * T * S * D * times
  const q = [B, H, T, D]
  const kv = [2, B, KV, S, D]
  const mask = kind === 'masked' ? [T, S] : [0]
  const grouped = KV === H ? '' : ` KV${KV}`
  const keys = S === T ? '' : ` S${S}`
  return {
    bench: `attention ${pass}`,
    params: `B${B} H${H}${grouped} T${T}${keys} D${D} ${kind}`,
    args: { B, H, KV, T, S, D, kind },
    flops,
    // The full square is counted, as others do; a causal kernel need not compute the upper half.
    work: kind === 'causal' ? (flops * (T + 1)) / (2 * T) : flops,
    bytes: pass === 'fwd' ? [float32(q, kv, mask), float32(q)] : [float32(q, q, kv, mask), float32(q, q, kv)],
    prepare: (n) => passes[pass](n, make(n, { B, H, KV, T, S, D, kind })),
  }
}

function rows(pass) {
  return [
    ...[128, 512, 1024, 2048].flatMap((T) => ['full', 'causal'].map((kind) => attention(pass, kind, { T }))),
    ...[512, 2048].flatMap((T) => ['full', 'causal'].map((kind) => attention(pass, kind, { T, D: 128 }))),
    ...[512, 2048].map((T) => attention(pass, 'masked', { T })),
    ...[512, 2048].map((T) => attention(pass, 'causal', { T, KV: 4 })),
  ]
}

export const attentionForward = [
  ...rows('fwd'),
  attention('fwd', 'decode', { B: 1, T: 1, S: 1024 }),
  attention('fwd', 'decode', { B: 4, T: 1, S: 1024 }),
  attention('fwd', 'decode', { B: 1, H: 32, KV: 8, T: 1, S: 2048, D: 128 }),
]

export const attentionBackward = rows('fwd+bwd')
