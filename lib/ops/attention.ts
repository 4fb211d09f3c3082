// Scaled dot-product attention (Vaswani et al. 2017): softmax(q·kᵀ·scale + mask)·v, composed of ops.
import { checkFloat, checkOptions, checkSameDType, checkTensor, type OptionNames } from '../check'
import type { DType } from '../dtype'
import { ArgumentError, DTypeError, ShapeError, show } from '../errors'
import { broadcastShapes, checkNumber } from '../shape'
import { sameShape, type Tensor } from '../tensor'
import { add, mul } from './arithmetic'
import { ones } from './create'
import { dropout } from './dropout'
import { matmul } from './matmul'
import { type GeneratorOption, generatorOption } from './random'
import { softmax } from './softmax'
import { tril } from './triangle'
import { transpose } from './view'
import { where } from './where'

export interface AttentionOptions extends GeneratorOption {
  /** Broadcasts to [..., Tq, Tk]. bool: true where a query may look; floating: added to the scores. */
  attnMask?: Tensor | null
  /** Query i looks at keys 0 … i only. Excludes `attnMask`. */
  isCausal?: boolean
  /** Probability that an attention weight is dropped. Default 0. */
  dropoutP?: number
  /** Factor of the scores. Default 1 / √D. */
  scale?: number
}

const attentionOptions: OptionNames<AttentionOptions> = {
  ...generatorOption,
  attnMask: true,
  isCausal: true,
  dropoutP: true,
  scale: true,
}

/** Stands for −∞ in scores, so that a row in which all is masked has no NaN in it. */
function lowest(dtype: DType): number {
  return dtype === 'float16' ? -65504 : -3.3895313892515355e38
}

function checkOperands(op: string, q: Tensor, k: Tensor, v: Tensor): void {
  checkFloat(op, 'q', q)
  checkSameDType(op, 'k', k, q.dtype)
  checkSameDType(op, 'v', v, q.dtype)
  const [queries, keys, values] = [q, k, v].map((t) => t.shape.slice(-2))
  const agree = queries.length === 2 && keys.length === 2 && values.length === 2
  if (!agree || queries[1] !== keys[1] || keys[0] !== values[0]) {
    throw new ShapeError(
      `${op}: expected q [..., Tq, D], k [..., Tk, D] and v [..., Tk, Dv], ` +
        `got ${show(q.shape)}, ${show(k.shape)} and ${show(v.shape)}`,
    )
  }
}

function checkMask(op: string, mask: Tensor, q: Tensor, k: Tensor): void {
  if (checkTensor(op, 'attnMask', mask).dtype !== 'bool' && mask.dtype !== q.dtype) {
    throw new DTypeError(`${op}: expected attnMask of dtype bool or ${q.dtype}, got ${mask.dtype}`)
  }
  const batch = broadcastShapes(op, q.shape.slice(0, -2), k.shape.slice(0, -2))
  const scores = [...batch, q.shape[q.ndim - 2], k.shape[k.ndim - 2]]
  if (!sameShape(broadcastShapes(op, mask.shape, scores), scores)) {
    throw new ShapeError(`${op}: expected attnMask that broadcasts to ${show(scores)}, got ${show(mask.shape)}`)
  }
}

/**
 * How much each query attends to each key: softmax(q·kᵀ·scale + mask) [..., Tq, Tk]; rows add up to 1, or are zeros
 * where a bool mask lets a query look nowhere.
 *
 * @internal
 */
export function attentionWeights(op: string, q: Tensor, k: Tensor, options: AttentionOptions): Tensor {
  const mask = options.attnMask ?? null
  if (mask !== null) checkMask(op, mask, q, k)
  if (mask !== null && options.isCausal) {
    throw new ArgumentError(`${op}: expected attnMask or isCausal, got both`)
  }
  const scale = checkNumber(op, 'scale', options.scale ?? 1 / Math.sqrt(q.shape[q.ndim - 1]))
  const raw = matmul(mul(q, scale), transpose(k, -2, -1))
  const allowed = options.isCausal
    ? tril(ones([q.shape[q.ndim - 2], k.shape[k.ndim - 2]], { dtype: 'bool', device: q.device }))
    : mask?.dtype === 'bool'
      ? mask
      : null
  const scores = allowed !== null ? where(allowed, raw, lowest(q.dtype)) : mask !== null ? add(raw, mask) : raw
  const weights = softmax(scores)
  // Only a mask of the caller's can leave a row nothing to look at.
  return allowed !== null && allowed === mask ? where(allowed, weights, 0) : weights
}

/**
 * Attention of queries q [..., Tq, D] over keys k [..., Tk, D] with values v [..., Tk, Dv]: [..., Tq, Dv]; leading
 * dimensions broadcast. A query that a bool mask lets look nowhere gets zeros.
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions): Tensor {
  const op = 'scaledDotProductAttention'
  checkOperands(op, q, k, v)
  const given = checkOptions(op, options, attentionOptions)
  const p = checkNumber(op, 'dropoutP', given.dropoutP ?? 0, 0, 1)
  const weights = attentionWeights(op, q, k, given)
  return matmul(p > 0 ? dropout(weights, { p, generator: given.generator }) : weights, v)
}
