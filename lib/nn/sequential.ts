// Modules one after the other.
import { ArgumentError, show } from '../errors'
import type { Tensor } from '../tensor'
import { Module, type Slot } from './module'

/** A module from one tensor to one tensor. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor
}

/**
 * Feeds its input through its layers in order. The layers are named '0', '1' … in state dicts; `model.layers[0]` has
 * the type of the first one.
 */
export class Sequential<Layers extends readonly Layer[] = readonly Layer[]> extends Module {
  readonly layers: Layers

  constructor(...layers: Layers) {
    super()
    for (const layer of layers as readonly unknown[]) {
      if (!(layer instanceof Module)) throw new ArgumentError(`Sequential: expected modules, got ${show(layer)}`)
    }
    this.layers = layers
  }

  protected override slots(): Slot[] {
    return this.layers.map((value, i) => ({ key: String(i), value, holder: this.layers, property: String(i) }))
  }

  get length(): number {
    return this.layers.length
  }

  [Symbol.iterator](): Iterator<Layers[number]> {
    return this.layers[Symbol.iterator]()
  }

  override forward(x: Tensor): Tensor {
    for (const layer of this.layers) x = layer.forward(x)
    return x
  }
}
