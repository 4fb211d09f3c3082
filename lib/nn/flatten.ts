// Joining dimensions, as a layer.
import { flatten } from '../ops/view'
import { checkInteger, maxDims } from '../shape'
import type { Tensor } from '../tensor'
import { Module } from './module'

/** Joins the dims from `startDim` (default 1: the batch stays) to `endDim` (default the last). */
export class Flatten extends Module {
  constructor(
    readonly startDim = 1,
    readonly endDim = -1,
  ) {
    super()
    checkInteger('Flatten', 'startDim', startDim, -maxDims, maxDims - 1)
    checkInteger('Flatten', 'endDim', endDim, -maxDims, maxDims - 1)
  }

  override forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim)
  }

  protected override details(): string {
    return `${this.startDim}, ${this.endDim}`
  }
}
