// Weights laid out ahead, for maps that are applied many times without a gradient.
import { type Input, isGradEnabled } from '../autograd'
import { AutogradError } from '../errors'
import { type Shape, Tensor } from '../tensor'

/** A copy of weights in the kernels' own layout. It holds what they were when it was made. */
export abstract class PackedWeights {
  readonly #source: Tensor
  readonly #version: number

  /** @internal */
  constructor(
    w: Tensor,
    /** @internal */
    readonly panels: Tensor,
  ) {
    this.#source = w
    this.#version = w.version
  }

  /** That of the weights. */
  get shape(): Shape {
    return this.#source.shape
  }

  /** Whether this is a copy of `w` as it is now. */
  isCopyOf(w: Tensor): boolean {
    return w === this.#source && w.version === this.#version
  }

  /** Frees the copy's memory; it cannot be used any more. */
  dispose(): void {
    this.panels.dispose()
  }
}

/** @throws AutogradError where the map of packed weights would record a gradient. */
export function checkNothingRecorded(op: string, inputs: readonly Input[]): void {
  if (isGradEnabled() && inputs.some((t) => t instanceof Tensor && t.requiresGrad)) {
    throw new AutogradError(
      `${op}: expected no gradient to be recorded where weights are packed; use noGrad, or the weights as they are`,
    )
  }
}
