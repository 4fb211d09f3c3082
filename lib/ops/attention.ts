// Scaled dot-product attention (Vaswani et al. 2017): softmax(q·kᵀ·scale + mask)·v. One kernel that never stores the
// weights (Dao et al. 2022), and one for its gradient, which computes them again.
import { apply, type Input, isGradEnabled, type Node, type Op } from '../autograd'
import type { Philox } from '../block'
import { checkFloat, checkIndex, checkOptions, checkSameDType, checkTensor, type OptionNames } from '../check'
import type { DType } from '../dtype'
import { DTypeError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { broadcastShapes, checkInteger, checkNumber } from '../shape'
import { numelOf, sameShape, type Shape, Tensor } from '../tensor'
import { mul, sub } from './arithmetic'
import { attentionWeights, foldHeads } from './attentionWeights'
import { expand, sum } from './broadcast'
import { to } from './copy'
import { dropoutAt } from './dropout'
import { matmul } from './matmul'
import { draw, type GeneratorOption, generatorOption } from './random'
import { reshape, transpose } from './view'

export interface AttentionOptions extends GeneratorOption {
  /** Broadcasts to [..., T, S]. bool: true where a query may look; floating: added to the scores. */
  attnMask?: Tensor | null
  /** Query i looks at keys 0 … i + `causalDiagonal` only, and there where `attnMask` lets it. */
  isCausal?: boolean
  /**
   * Default 0: the first query is aligned with the first key. S − T aligns the last ones, as when the queries continue
   * what a cache of keys holds.
   */
  causalDiagonal?: number
  /**
   * How many of the S keys there are for each batch entry; what lies behind them is not read. Integers of the leading
   * dimensions without the heads: [B] for q [B, H, T, D] and for q [B, T, D]. An entry outside [0, S] surfaces at the
   * next await, as INDEX_OUT_OF_RANGE.
   */
  keyLengths?: Tensor | null
  /** Probability that an attention weight is dropped. Default 0. */
  dropoutP?: number
  /** Factor of the scores. Default 1 / √D. */
  scale?: number
  /** k and v may have fewer heads (dimension −3) than q: each serves as many consecutive heads of q. Default false. */
  enableGqa?: boolean
}

const attentionOptions: OptionNames<AttentionOptions> = {
  ...generatorOption,
  attnMask: true,
  isCausal: true,
  causalDiagonal: true,
  keyLengths: true,
  dropoutP: true,
  scale: true,
  enableGqa: true,
}

interface Attention {
  scale: number
  diagonal: number | null
  p: number
  philox: Philox
}

const tensorOrNull = (input: Input) => (input instanceof Tensor ? input : null)

/** Inputs: q [B, Hq, T, D], k [B, Hkv, S, D], v [B, Hkv, S, Dv]; a mask [B, Hq, T, S] and lengths [B], or 0. */
const attentionOp: Op<Attention> = {
  name: 'attention',
  forward: (node, inputs, { scale, diagonal, p, philox }) => {
    const [q, k, v] = inputs as readonly Tensor[]
    const [mask, lengths] = [tensorOrNull(inputs[3]), tensorOrNull(inputs[4])]
    const [batch, heads, rows] = q.shape
    const y = new Tensor([batch, rows, heads, v.shape[3]], q.dtype, q.device)
    const lse = new Tensor([batch, heads, rows], q.dtype === 'float64' ? 'float64' : 'float32', q.device)
    kernels.attention(q, k, v, mask, lengths, y, lse, scale, diagonal ?? k.shape[2], p, philox)
    const result = transpose(y, 1, 2)
    node.save(q, k, v, mask, lengths, result, lse)
    return result
  },
  backward: (node, dy) => {
    const [q, k, v, mask, lengths, y, lse] = node.saved
    if (isGradEnabled()) return gradientFormula(node, dy)
    const { scale, diagonal, p, philox } = node.attrs
    const like = (t: Tensor) => new Tensor([t.shape[0], t.shape[2], t.shape[1], t.shape[3]], t.dtype, t.device)
    const results = [q, k, v].map(like)
    const [dq, dk, dv] = results
    const reach = diagonal ?? k.shape[2]
    kernels.attentionBackward(dy, q, k, v, mask, lengths, y, lse, dq, dk, dv, scale, reach, p, philox)
    return results.map((t) => transpose(t, 1, 2))
  },
}

function gradientFormula(node: Node<Attention>, dy: Tensor): Tensor[] {
  const [q, k, v, mask, lengths] = node.saved
  const { scale, diagonal, p, philox } = node.attrs
  const fold = (t: Tensor) => foldHeads(t, k.shape[1])
  const drop = (t: Tensor) => dropoutAt(t, p, philox)
  const weights = attentionWeights(q, k, { scale, diagonal, mask, lengths })
  const spread = reshape(matmul(fold(dy), transpose(v, -2, -1)), weights.shape)
  const dw = drop(spread)
  const inner = sum(mul(dw, weights), { dim: -1, keepdim: true })
  const ds = fold(mul(mul(weights, sub(dw, inner)), scale))
  return [
    reshape(matmul(ds, k), q.shape),
    matmul(transpose(ds, -2, -1), fold(q)),
    matmul(transpose(fold(drop(weights)), -2, -1), fold(dy)),
  ]
}

function checkOperands(op: string, q: Tensor, k: Tensor, v: Tensor): void {
  checkFloat(op, 'q', q)
  checkSameDType(op, 'k', k, q.dtype)
  checkSameDType(op, 'v', v, q.dtype)
  const [queries, keys, values] = [q, k, v].map((t) => t.shape.slice(-2))
  const agree = queries.length === 2 && keys.length === 2 && values.length === 2
  if (!agree || queries[1] !== keys[1] || keys[0] !== values[0]) {
    throw new ShapeError(
      `${op}: expected q [..., T, D], k [..., S, D] and v [..., S, Dv], ` +
        `got ${show(q.shape)}, ${show(k.shape)} and ${show(v.shape)}`,
    )
  }
}

/** The leading dimensions of the operands once broadcast. */
interface Leading {
  batch: Shape
  /** The heads of q, and of k and v. */
  heads: number
  keyHeads: number
  /** Those of the result: the batch, and the heads if there are any. */
  outer: Shape
}

/** The last of two or more leading dimensions is the heads; with grouped queries, of one or more. */
function leadingDims(op: string, q: Tensor, k: Tensor, v: Tensor, isGrouped: boolean): Leading {
  const all = [q, k, v].map((t) => t.shape.slice(0, -2))
  const broadcast = (shapes: Shape[]) => shapes.reduce((a, b) => broadcastShapes(op, a, b))
  if (!isGrouped && all.every((dims) => dims.length < 2)) {
    const batch = broadcast(all)
    return { batch, heads: 1, keyHeads: 1, outer: batch }
  }
  const batch = broadcast(all.map((dims) => dims.slice(0, -1)))
  const [own, keyHeads, valueHeads] = all.map((dims) => dims[dims.length - 1] ?? 1)
  if (isGrouped) {
    if (keyHeads === valueHeads && (own === keyHeads || own % keyHeads === 0)) {
      return { batch, heads: own, keyHeads, outer: [...batch, own] }
    }
    throw new ShapeError(
      `${op}: expected q [..., Hq, T, D] and k and v of Hkv heads, Hq a multiple of Hkv, with enableGqa, ` +
        `got ${show(q.shape)}, ${show(k.shape)} and ${show(v.shape)}`,
    )
  }
  const [heads] = broadcast([[own], [keyHeads], [valueHeads]])
  // One head of keys and values for all heads of queries is the extreme of grouped queries: it need not be repeated.
  const isShared = keyHeads === 1 && valueHeads === 1
  return { batch, heads, keyHeads: isShared ? 1 : heads, outer: [...batch, heads] }
}

/** x [..., M, N], leading dims broadcast, as [B, heads, M, N]. */
function collapse(x: Tensor, { batch, outer }: Leading, heads: number): Tensor {
  const matrix = x.shape.slice(-2)
  const spread = outer.length === batch.length ? batch : [...batch, heads]
  return reshape(expand(x, [...spread, ...matrix]), [numelOf(batch), heads, ...matrix])
}

function collapseMask(op: string, mask: Tensor, dtype: DType, leading: Leading, scores: Shape): Tensor {
  if (checkTensor(op, 'attnMask', mask).dtype !== 'bool' && mask.dtype !== dtype) {
    throw new DTypeError(`${op}: expected attnMask of dtype bool or ${dtype}, got ${mask.dtype}`)
  }
  if (!sameShape(broadcastShapes(op, mask.shape, scores), scores)) {
    throw new ShapeError(`${op}: expected attnMask that broadcasts to ${show(scores)}, got ${show(mask.shape)}`)
  }
  return collapse(expand(mask, scores), leading, leading.heads)
}

function collapseLengths(op: string, lengths: Tensor, { batch }: Leading): Tensor {
  checkIndex(op, 'keyLengths', lengths)
  if (!sameShape(broadcastShapes(op, lengths.shape, batch), batch)) {
    throw new ShapeError(`${op}: expected keyLengths ${show(batch)}, got ${show(lengths.shape)}`)
  }
  return reshape(expand(to(lengths, 'int64'), batch), [numelOf(batch)])
}

/**
 * Attention of queries q [..., T, D] over keys k [..., S, D] with values v [..., S, Dv]: [..., T, Dv]; leading
 * dimensions broadcast, the last of two or more being the heads. A query that may look nowhere gets zeros. Memory
 * grows with T + S, not T · S; except that a mask that takes a gradient makes all weights be stored.
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions): Tensor {
  const op = 'scaledDotProductAttention'
  checkOperands(op, q, k, v)
  const given = checkOptions(op, options, attentionOptions)
  const [rows, depth] = q.shape.slice(-2)
  const keys = k.shape[k.ndim - 2]
  const p = checkNumber(op, 'dropoutP', given.dropoutP ?? 0, 0, 1)
  const scale = checkNumber(op, 'scale', given.scale ?? 1 / Math.sqrt(depth))
  const diagonal = checkInteger(op, 'causalDiagonal', given.causalDiagonal ?? 0, Number.MIN_SAFE_INTEGER)
  const leading = leadingDims(op, q, k, v, given.enableGqa ?? false)
  const { outer } = leading
  const [queries, ks, vs] = [
    collapse(q, leading, leading.heads),
    collapse(k, leading, leading.keyHeads),
    collapse(v, leading, leading.keyHeads),
  ]
  const mask = given.attnMask ? collapseMask(op, given.attnMask, q.dtype, leading, [...outer, rows, keys]) : null
  const lengths = given.keyLengths ? collapseLengths(op, given.keyLengths, leading) : null
  const attrs: Attention = {
    scale,
    diagonal: given.isCausal ? diagonal : null,
    p,
    philox: p > 0 ? draw(op, given, numelOf(queries.shape.slice(0, 3)) * keys) : { seed: 0n, offset: 0 },
  }
  const y =
    mask?.requiresGrad && isGradEnabled()
      ? composed(queries, ks, vs, mask, lengths, attrs)
      : apply(attentionOp, [queries, ks, vs, mask ?? 0, lengths ?? 0], attrs)
  return reshape(y, [...outer, rows, v.shape[v.ndim - 1]])
}

/** The result in ops, which has a gradient for the mask. */
function composed(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor,
  lengths: Tensor | null,
  { scale, diagonal, p, philox }: Attention,
): Tensor {
  const weights = dropoutAt(attentionWeights(q, k, { scale, diagonal, mask, lengths }), p, philox)
  return reshape(matmul(foldHeads(weights, k.shape[1]), v), [...q.shape.slice(0, 3), v.shape[3]])
}
