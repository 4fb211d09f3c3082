// The linear layer.
import { isGradEnabled } from '../autograd'
import { checkOptions, type OptionNames } from '../check'
import { linear } from '../ops/linear'
import { type PackedLinear, packLinear } from '../ops/packedLinear'
import { checkInteger } from '../shape'
import type { Tensor } from '../tensor'
import { type Factory, factoryOptions, learned, uniformWithin } from './factory'
import { Module } from './module'

export interface LinearOptions extends Factory {
  /** Add a learned bias. Default true. */
  bias?: boolean
}

const linearOptions: OptionNames<LinearOptions> = { ...factoryOptions, bias: true }

/** y = x·weightᵀ + bias: x [..., in], weight [out, in], bias [out], y [..., out]. */
export class Linear extends Module {
  weight: Tensor
  bias: Tensor | null
  #packed: PackedLinear | null = null

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
    return linear(x, this.isPacked(x) ? this.#packed! : this.weight, this.bias)
  }

  private isPacked(x: Tensor): boolean {
    if (this.#packed === null || !this.#packed.isCopyOf(this.weight)) return false
    return !isGradEnabled() || !(x.requiresGrad || this.weight.requiresGrad || this.bias?.requiresGrad)
  }

  protected override pack(): void {
    this.unpack()
    this.#packed = packLinear(this.weight)
  }

  protected override unpack(): void {
    this.#packed?.dispose()
    this.#packed = null
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
