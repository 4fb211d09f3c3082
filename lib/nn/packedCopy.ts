// The copy of a layer's weight that `optimizeForInference` lays out: it serves while the weight is what it was and no
// gradient is recorded.
import { isGradEnabled } from '../autograd'
import type { PackedWeights } from '../ops/packedWeights'
import type { Tensor } from '../tensor'

export class PackedCopy<Packed extends PackedWeights> {
  #copy: Packed | null = null

  constructor(private readonly make: (weight: Tensor) => Packed) {}

  /** What stands for `weight` in a map of `inputs`. */
  of(weight: Tensor, ...inputs: readonly (Tensor | null | undefined)[]): Tensor | Packed {
    if (this.#copy === null || !this.#copy.isCopyOf(weight)) return weight
    const isRecorded = isGradEnabled() && (weight.requiresGrad || inputs.some((t) => t?.requiresGrad))
    return isRecorded ? weight : this.#copy
  }

  pack(weight: Tensor): void {
    this.unpack()
    this.#copy = this.make(weight)
  }

  unpack(): void {
    this.#copy?.dispose()
    this.#copy = null
  }
}
