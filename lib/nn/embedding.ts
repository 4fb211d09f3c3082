// A table of learned vectors.
import { noGrad } from '../autograd'
import { checkOptions, type OptionNames } from '../check'
import { embedding } from '../ops/embedding'
import { fillInPlace } from '../ops/copy'
import { select } from '../ops/slice'
import { checkInteger } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions, learned } from './factory'
import { normal_ } from './init'
import { Module } from './module'

export interface EmbeddingLayerOptions extends Factory {
  /** A row that starts as zeros and gets no gradient; negative ones count from the end. */
  paddingIdx?: number | null
}

const layerOptions: OptionNames<EmbeddingLayerOptions> = { ...factoryOptions, paddingIdx: true }

/** Rows of weight [V, D] named by indices [...]: [..., D]. */
export class Embedding extends Module {
  weight: Tensor
  readonly paddingIdx: number | null

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options?: EmbeddingLayerOptions,
  ) {
    super()
    checkInteger('Embedding', 'numEmbeddings', numEmbeddings, 1)
    checkInteger('Embedding', 'embeddingDim', embeddingDim, 0)
    const { paddingIdx: padding = null, ...factory } = checkOptions('Embedding', options, layerOptions)
    if (padding !== null) checkInteger('Embedding', 'paddingIdx', padding, -numEmbeddings, numEmbeddings - 1)
    this.paddingIdx = padding
    this.weight = learned([numEmbeddings, embeddingDim], normal_, factory)
    if (padding !== null) noGrad(() => fillInPlace(select(this.weight, 0, padding), 0))
  }

  override forward(index: Tensor): Tensor {
    return embedding(index, this.weight, { paddingIdx: this.paddingIdx })
  }

  protected override details(): string {
    const padding = this.paddingIdx === null ? '' : `, paddingIdx: ${this.paddingIdx}`
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}`
  }
}
