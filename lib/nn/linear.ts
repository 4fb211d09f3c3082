// The linear layer.
import { checkOptions, type OptionNames } from '../check'
import { linear } from '../ops/linear'
import { packLinear } from '../ops/packedLinear'
import { checkInteger } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions, learned, uniformWithin } from './factory'
import { Module } from './module'
import { PackedCopy } from './packedCopy'

export interface LinearOptions extends Factory {
  /** Add a learned bias. Default true. */
  bias?: boolean
}

const linearOptions: OptionNames<LinearOptions> = { ...factoryOptions, bias: true }

/** y = x·weightᵀ + bias: x [..., in], weight [out, in], bias [out], y [..., out]. */
export class Linear extends Module {
  weight: Tensor
  bias: Tensor | null
  readonly #packed = new PackedCopy(packLinear)

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options?: LinearOptions,
  ) {
    super()
    const { bias = true, ...factory } = checkOptions('Linear', options, linearOptions)
    checkInteger('Linear', 'inFeatures', inFeatures, 0)
    checkInteger('Linear', 'outFeatures', outFeatures, 0)
    const init = uniformWithin(inFeatures)
    this.weight = learned([outFeatures, inFeatures], init, factory)
    this.bias = bias ? learned([outFeatures], init, factory) : null
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.#packed.of(this.weight, x, this.bias), this.bias)
  }

  protected override pack(): void {
    this.#packed.pack(this.weight)
  }

  protected override unpack(): void {
    this.#packed.unpack()
  }

  protected override details(): string {
    return `${this.inFeatures}, ${this.outFeatures}${this.bias === null ? ', bias: false' : ''}`
  }
}

/** Gives back what it gets: a place to put another layer later. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x
  }
}
