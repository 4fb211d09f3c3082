// Rows of a table by index, and the gradient that adds rows up again.
import { apply, type Op } from '../autograd'
import { checkFloat, checkIndex, checkOptions, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { Tensor } from '../tensor'
import { eq } from './compare'
import { unsqueeze } from './view'
import { where } from './where'

interface Embedding {
  /** Number of rows of the table. */
  rows: number
  /** The row that gets no gradient, or -1. */
  paddingIndex: number
}

const embeddingOp: Op<Embedding> = {
  name: 'embedding',
  forward: (node, [table, at]) => {
    const w = table as Tensor
    const index = at as Tensor
    const y = new Tensor([...index.shape, w.shape[1]], w.dtype, w.device)
    kernels.embedding(w, index, y)
    node.save(index)
    return y
  },
  backward: (node, dy) => [apply(embeddingBackwardOp, [dy, node.saved[0]], node.attrs), null],
}

const embeddingBackwardOp: Op<Embedding> = {
  name: 'embeddingBackward',
  forward: (node, [input, at], { rows, paddingIndex }) => {
    const dy = input as Tensor
    const dw = new Tensor([rows, dy.shape[dy.ndim - 1]], dy.dtype, dy.device)
    kernels.embeddingBackward(dy, at as Tensor, dw, paddingIndex)
    node.save(at as Tensor)
    return dw
  },
  backward: (node, ddw) => {
    const [index] = node.saved
    const { paddingIndex } = node.attrs
    const ddy = apply(embeddingOp, [ddw, index], node.attrs)
    return [paddingIndex < 0 ? ddy : where(unsqueeze(eq(index, paddingIndex), -1), 0, ddy), null]
  },
}

export interface EmbeddingOptions {
  /** A row that gets no gradient; negative ones count from the end. */
  paddingIdx?: number | null
}

const embeddingOptions: OptionNames<EmbeddingOptions> = { paddingIdx: true }

/**
 * Rows of `weight` [V, D] named by `index` [...] (int64 or int32): [..., D]. An index outside [0, V) surfaces at the
 * next await, as INDEX_OUT_OF_RANGE.
 */
export function embedding(index: Tensor, weight: Tensor, options?: EmbeddingOptions): Tensor {
  checkIndex('embedding', 'index', index)
  if (checkFloat('embedding', 'weight', weight).ndim !== 2) {
    throw new ShapeError(`embedding: expected weight [V, D], got [${weight.shape.join(', ')}]`)
  }
  if (index.ndim === 8) throw new ShapeError(`embedding: expected an index of at most 7 dims, got ${show(index.shape)}`)
  const rows = weight.shape[0]
  const padding = checkOptions('embedding', options, embeddingOptions).paddingIdx ?? null
  if (padding !== null && !(Number.isInteger(padding) && padding >= -rows && padding < rows)) {
    throw new ArgumentError(`embedding: expected paddingIdx in [${-rows}, ${rows - 1}], got ${show(padding)}`)
  }
  const paddingIndex = padding === null ? -1 : padding < 0 ? padding + rows : padding
  return apply(embeddingOp, [weight, index], { rows, paddingIndex })
}
