// Multi-head attention (Vaswani et al. 2017), with PyTorch's parameters: in_proj_weight [3E, E] holds the projections
// of query, key and value, one below the other.
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { isFloat } from '../dtype'
import { ArgumentError, DTypeError, ShapeError, show } from '../errors'
import { add } from '../ops/arithmetic'
import { scaledDotProductAttention } from '../ops/attention'
import { attentionWeights } from '../ops/attentionWeights'
import { logicalAnd, logicalNot } from '../ops/compare'
import { dropout } from '../ops/dropout'
import { linear } from '../ops/linear'
import { matmul } from '../ops/matmul'
import { mean } from '../ops/reduce'
import { narrow } from '../ops/slice'
import { chunk } from '../ops/split'
import { permute, reshape, squeeze, transpose, unsqueeze } from '../ops/view'
import { where } from '../ops/where'
import { checkInteger, checkNumber } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions, learned } from './factory'
import { xavierUniform_, zeros_ } from './init'
import { Linear } from './linear'
import { Module } from './module'

export interface MultiheadAttentionOptions extends Factory {
  /** Probability that an attention weight is dropped in training. Default 0. */
  dropout?: number
  /** Biases of all four projections. Default true. */
  bias?: boolean
  /** Inputs and output are [B, T, E] instead of [T, B, E]. */
  batchFirst?: boolean
}

const layerOptions: OptionNames<MultiheadAttentionOptions> = {
  ...factoryOptions,
  dropout: true,
  bias: true,
  batchFirst: true,
}

export interface AttendOptions {
  /**
   * [Tq, Tk], or [B · heads, Tq, Tk] for a mask per head. bool: true where a query may NOT look (as
   * PyTorch has it here); floating: added to the scores.
   */
  attnMask?: Tensor | null
  /** [B, Tk], or [Tk] unbatched. bool: true for keys to ignore; floating: added to the scores. */
  keyPaddingMask?: Tensor | null
  /** Query i looks at keys 0 … i only, besides what the masks say. */
  isCausal?: boolean
  /** Return the attention weights too. Default true; without them less is computed. */
  needWeights?: boolean
  /** Average the returned weights over the heads: [B, Tq, Tk]. Default true; else [B, heads, Tq, Tk]. */
  averageAttnWeights?: boolean
}

const attendOptions: OptionNames<AttendOptions> = {
  attnMask: true,
  keyPaddingMask: true,
  isCausal: true,
  needWeights: true,
  averageAttnWeights: true,
}

/** Attention with learned projections of queries, keys, values and results, in `numHeads` heads. */
export class MultiheadAttention extends Module {
  inProjWeight: Tensor
  inProjBias: Tensor | null
  readonly outProj: Linear
  readonly dropout: number
  readonly batchFirst: boolean

  constructor(
    readonly embedDim: number,
    readonly numHeads: number,
    options?: MultiheadAttentionOptions,
  ) {
    super()
    const {
      dropout: p = 0,
      bias = true,
      batchFirst = false,
      ...factory
    } = checkOptions('MultiheadAttention', options, layerOptions)
    checkInteger('MultiheadAttention', 'embedDim', embedDim, 1)
    checkInteger('MultiheadAttention', 'numHeads', numHeads, 1)
    if (embedDim % numHeads !== 0) {
      throw new ArgumentError(
        `MultiheadAttention: expected embedDim to be a multiple of ${numHeads} heads, got ${embedDim}`,
      )
    }
    this.dropout = checkNumber('MultiheadAttention', 'dropout', p, 0, 1)
    this.batchFirst = batchFirst
    this.inProjWeight = learned([3 * embedDim, embedDim], xavierUniform_, factory)
    this.inProjBias = bias ? learned([3 * embedDim], zeros_, factory) : null
    this.outProj = new Linear(embedDim, embedDim, { bias, ...factory })
    if (this.outProj.bias !== null) zeros_(this.outProj.bias)
  }

  /**
   * query [Tq, B, E], key and value [Tk, B, E] (the batch first with `batchFirst`; or without a batch): the result in
   * query's shape, and the attention weights or null.
   */
  override forward(query: Tensor, key: Tensor, value: Tensor, options?: AttendOptions): [Tensor, Tensor | null] {
    this.checkInputs(query, key, value)
    const given = checkOptions('MultiheadAttention', options, attendOptions)
    const isBatched = query.ndim === 3
    // To [B, T, E] and back.
    const enter = (t: Tensor) => (isBatched ? (this.batchFirst ? t : transpose(t, 0, 1)) : unsqueeze(t, 0))
    const leave = (t: Tensor) => (isBatched ? (this.batchFirst ? t : transpose(t, 0, 1)) : squeeze(t, 0))
    const [q, k, v] = this.project(query, key, value, enter).map((t) => this.splitHeads(t))
    const join = (t: Tensor) => reshape(permute(t, [0, 2, 1, 3]), [q.shape[0], q.shape[2], this.embedDim])
    const project = (t: Tensor) => leave(this.outProj.forward(join(t)))
    const p = this.training ? this.dropout : 0
    const mask = this.mask(q, k, given)
    if (given.needWeights === false) {
      const { isCausal } = given
      return [project(scaledDotProductAttention(q, k, v, { attnMask: mask, isCausal, dropoutP: p })), null]
    }
    const scale = 1 / Math.sqrt(q.shape[3])
    const rules = { scale, diagonal: given.isCausal ? 0 : null, mask, lengths: null }
    const weights = dropout(attentionWeights(q, k, rules), { p })
    const shown = given.averageAttnWeights === false ? weights : mean(weights, { dim: 1 })
    return [project(matmul(weights, v)), isBatched ? shown : squeeze(shown, 0)]
  }

  private checkInputs(query: Tensor, key: Tensor, value: Tensor): void {
    checkTensor('MultiheadAttention', 'query', query)
    checkTensor('MultiheadAttention', 'key', key)
    checkTensor('MultiheadAttention', 'value', value)
    const wanted = (t: Tensor) => t.ndim === query.ndim && t.shape[t.ndim - 1] === this.embedDim
    const batch = query.ndim === 3 && !this.batchFirst ? 1 : 0
    const agree = query.ndim === 2 || [key, value].every((t) => t.shape[batch] === query.shape[batch])
    if ((query.ndim === 2 || query.ndim === 3) && [query, key, value].every(wanted) && agree) return
    const form = this.batchFirst ? '[B, T, E] or [T, E]' : '[T, B, E] or [T, E]'
    throw new ShapeError(
      `MultiheadAttention: expected query, key and value ${form} with E=${this.embedDim} and one B, ` +
        `got ${show(query.shape)}, ${show(key.shape)} and ${show(value.shape)}`,
    )
  }

  /** The three projections; one product where all inputs are the same. */
  private project(query: Tensor, key: Tensor, value: Tensor, enter: (t: Tensor) => Tensor): Tensor[] {
    const { inProjWeight: w, inProjBias: b, embedDim } = this
    if (query === key && key === value) return chunk(linear(enter(query), w, b), 3, -1)
    return [query, key, value].map((t, i) => {
      const part = (p: Tensor) => narrow(p, 0, i * embedDim, embedDim)
      return linear(enter(t), part(w), b && part(b))
    })
  }

  /** [B, T, E] to [B, heads, T, E / heads]. */
  private splitHeads(t: Tensor): Tensor {
    const [batch, length] = t.shape
    return permute(reshape(t, [batch, length, this.numHeads, this.embedDim / this.numHeads]), [0, 2, 1, 3])
  }

  /** Both masks as one, in the meaning of scaledDotProductAttention: bool true where a query may look, or added. */
  private mask(q: Tensor, k: Tensor, { attnMask, keyPaddingMask }: AttendOptions): Tensor | null {
    const [batch, heads, queries] = q.shape
    const keys = k.shape[2]
    const masks: Tensor[] = []
    if (attnMask) {
      const perHead = attnMask.ndim === 3
      masks.push(checkMask('attnMask', attnMask, perHead ? [batch * heads, queries, keys] : [queries, keys]))
      if (perHead) masks[0] = reshape(attnMask, [batch, heads, queries, keys])
    }
    if (keyPaddingMask) {
      const rows = keyPaddingMask.ndim === 1 ? unsqueeze(keyPaddingMask, 0) : keyPaddingMask
      masks.push(reshape(checkMask('keyPaddingMask', rows, [batch, keys]), [batch, 1, 1, keys]))
    }
    const allowed = masks.filter((m) => m.dtype === 'bool').map((m) => logicalNot(m))
    const added = masks.filter((m) => m.dtype !== 'bool')
    const both = allowed.length > 0 ? allowed.reduce((a, b) => logicalAnd(a, b)) : null
    if (added.length === 0) return both
    const sum = added.reduce((a, b) => add(a, b))
    return both === null ? sum : where(both, sum, -Infinity)
  }

  protected override details(): string {
    return `${this.embedDim}, ${this.numHeads}`
  }
}

function checkMask(name: string, mask: Tensor, shape: readonly number[]): Tensor {
  checkTensor('MultiheadAttention', name, mask)
  if (mask.dtype !== 'bool' && !isFloat(mask.dtype)) {
    throw new DTypeError(`MultiheadAttention: expected ${name} to be bool or floating, got ${mask.dtype}`)
  }
  if (mask.ndim === shape.length && mask.shape.every((n, d) => n === shape[d])) return mask
  throw new ShapeError(`MultiheadAttention: expected ${name} ${show(shape)}, got ${show(mask.shape)}`)
}
