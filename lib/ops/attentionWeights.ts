// The formula of attention in ops: all weights at once, [B, Hq, T, S]. It is what the fused kernels compute without
// storing the weights, the gradient of their gradient, and where weights themselves are wanted.
import type { DType } from '../dtype'
import type { Tensor } from '../tensor'
import { add, mul } from './arithmetic'
import { eq, logicalAnd, lt } from './compare'
import { arange, ones } from './create'
import { matmul } from './matmul'
import { softmax } from './softmax'
import { tril } from './triangle'
import { reshape, transpose } from './view'
import { where } from './where'

/** What decides the weights besides queries and keys. */
export interface AttentionRules {
  scale: number
  /** Query i sees keys j ≤ i + diagonal; null: all. */
  diagonal: number | null
  /** Broadcasts to [B, Hq, T, S]; bool: true where a query may look; floating: added to the scores. */
  mask: Tensor | null
  /** [B] int64: keys from here on are not seen. */
  lengths: Tensor | null
}

/** Stands for −∞ in scores, so that a row in which all is masked has no NaN in it. */
function lowest(dtype: DType): number {
  return dtype === 'float16' ? -65504 : -3.3895313892515355e38
}

/** x [B, Hq, T, N] with the queries of all heads that share a key head below each other: [B, Hkv, Hq / Hkv · T, N]. */
export function foldHeads(x: Tensor, keyHeads: number): Tensor {
  const [batch, heads, rows, columns] = x.shape
  return heads === keyHeads ? x : reshape(x, [batch, keyHeads, (heads / keyHeads) * rows, columns])
}

/** Where a query may look, as far as that is not in the numbers of a mask: bool, or null for everywhere. */
function allowedKeys(q: Tensor, k: Tensor, { diagonal, mask, lengths }: AttentionRules): Tensor | null {
  const allowed: Tensor[] = []
  if (mask?.dtype === 'bool') allowed.push(mask)
  if (diagonal !== null) {
    allowed.push(tril(ones([q.shape[2], k.shape[2]], { dtype: 'bool', device: q.device }), diagonal))
  }
  if (lengths !== null) {
    allowed.push(lt(arange(BigInt(k.shape[2]), { device: q.device }), reshape(lengths, [-1, 1, 1, 1])))
  }
  return allowed.length === 0 ? null : allowed.reduce((a, b) => logicalAnd(a, b))
}

/**
 * How much each query of q [B, Hq, T, D] attends to each key of k [B, Hkv, S, D]: softmax(q·kᵀ·scale + mask)
 * [B, Hq, T, S]. Rows add up to 1, or are zeros where a query may look nowhere.
 */
export function attentionWeights(q: Tensor, k: Tensor, rules: AttentionRules): Tensor {
  const folded = foldHeads(mul(q, rules.scale), k.shape[1])
  const raw = reshape(matmul(folded, transpose(k, -2, -1)), [...q.shape.slice(0, 3), k.shape[2]])
  const added = rules.mask !== null && rules.mask.dtype !== 'bool' ? add(raw, rules.mask) : raw
  const allowed = allowedKeys(q, k, rules)
  if (allowed === null && added === raw) return softmax(raw)
  const scores = allowed === null ? added : where(allowed, added, -Infinity)
  const hidden = eq(scores, -Infinity)
  return where(hidden, 0, softmax(where(hidden, lowest(q.dtype), scores)))
}
