// Dropout as a layer.
import { dropout } from '../ops/dropout'
import { checkNumber } from '../shape'
import type { Tensor } from '../tensor'
import { Module } from './module'

/** In training: each element zero with probability `p`, the others scaled by 1 / (1 − p). In evaluation: x itself. */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super()
    checkNumber('Dropout', 'p', p, 0, 1)
  }

  override forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training })
  }

  protected override details(): string {
    return `${this.p}`
  }
}
