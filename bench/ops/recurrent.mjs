// LSTM and GRU layers over whole sequences, [B, T, I] to [B, T, H].
import { float32, passes } from '../passes.mjs'

/** Lengths of a batch in which sequences differ: evenly spread from T down to about a quarter of it. */
const spread = (B, T) => Array.from({ length: B }, (_, i) => T - Math.floor((i * 3 * T) / (4 * B)))

function make(n, { kind, L, B, T, I, H, bidirectional, lengths }) {
  const layer = new n.nn[kind](I, H, { numLayers: L, batchFirst: true, bidirectional })
  const x = n.randn([B, T, I])
  const options = lengths === null ? {} : { lengths }
  return { leaves: [x, ...layer.parameters()], run: () => layer.forward(x, null, options) }
}

function recurrent(pass, kind, { L = 1, B = 32, T = 128, H, form = '' }) {
  const gates = kind === 'LSTM' ? 4 : 3
  const directions = form === 'bidirectional' ? 2 : 1
  const lengths = form === 'lengths' ? spread(B, T) : null
  const steps = lengths === null ? B * T : lengths.reduce((a, b) => a + b, 0)
  const times = pass === 'fwd' ? 1 : 3
  const inner = (L - 1) * (directions * H + H) + 2 * H // widths that the layers multiply by, added up
  const weights = directions * gates * H * inner
  const args = { kind, L, B, T, I: H, H, bidirectional: directions === 2, lengths }
  return {
    bench: `${kind.toLowerCase()} ${pass}`,
    params: `L${L} B${B} T${T} I${H} H${H}${form && ` ${form}`}`,
    args,
    flops: 2 * steps * weights * times,
    bytes: [times * (float32([B, T, H]) + 4 * weights), times * float32([B, T, directions * H])],
    prepare: (n) => passes[pass](n, make(n, args)),
  }
}

const shapes = [
  ...[256, 512].flatMap((H) => [
    { H },
    { L: 2, H },
    { B: 1, H },
  ]),
  { H: 256, form: 'bidirectional' },
  { H: 256, form: 'lengths' },
]

export const recurrentRows = ['LSTM', 'GRU'].flatMap((kind) =>
  ['fwd', 'fwd+bwd'].flatMap((pass) => shapes.map((shape) => recurrent(pass, kind, shape))),
)
