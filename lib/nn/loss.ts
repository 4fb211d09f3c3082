// Losses as modules. Their class weights are buffers, as PyTorch's are.
import {
  type BinaryLossOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huberLoss,
  l1Loss,
  type LossOptions,
  mseLoss,
  smoothL1Loss,
} from '../ops/loss'
import { type ClassLossOptions, crossEntropy, type CrossEntropyOptions, nllLoss } from '../ops/crossEntropy'
import type { Tensor } from '../tensor'
import { Module } from './module'
import { buffer } from './parameter'

const asBuffer = (t: Tensor | null | undefined) => (t ? buffer(t) : null)

/** Cross-entropy of logits [N, C, ...] against classes [N, ...] (int64) or probabilities [N, C, ...]. */
export class CrossEntropyLoss extends Module {
  weight: Tensor | null
  private readonly options: CrossEntropyOptions

  constructor({ weight, ...options }: CrossEntropyOptions = {}) {
    super()
    this.weight = asBuffer(weight)
    this.options = options
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return crossEntropy(x, target, { ...this.options, weight: this.weight })
  }
}

/** Negative log-likelihood: logarithms of probabilities [N, C, ...] against classes [N, ...] (int64). */
export class NLLLoss extends Module {
  weight: Tensor | null
  private readonly options: ClassLossOptions

  constructor({ weight, ...options }: ClassLossOptions = {}) {
    super()
    this.weight = asBuffer(weight)
    this.options = options
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return nllLoss(x, target, { ...this.options, weight: this.weight })
  }
}

/** (x − target)². */
export class MSELoss extends Module {
  constructor(private readonly options: LossOptions = {}) {
    super()
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return mseLoss(x, target, this.options)
  }
}

/** |x − target|. */
export class L1Loss extends Module {
  constructor(private readonly options: LossOptions = {}) {
    super()
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return l1Loss(x, target, this.options)
  }
}

/** Squared up to a distance of `beta` (default 1), then linear with slope 1. */
export class SmoothL1Loss extends Module {
  constructor(private readonly options: LossOptions & { beta?: number } = {}) {
    super()
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(x, target, this.options)
  }
}

/** d²/2 up to a distance of `delta` (default 1), then linear with slope delta. */
export class HuberLoss extends Module {
  constructor(private readonly options: LossOptions & { delta?: number } = {}) {
    super()
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return huberLoss(x, target, this.options)
  }
}

/** Binary cross-entropy of probabilities. */
export class BCELoss extends Module {
  weight: Tensor | null
  private readonly options: LossOptions

  constructor({ weight, ...options }: BinaryLossOptions = {}) {
    super()
    this.weight = asBuffer(weight)
    this.options = options
  }

  override forward(p: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(p, target, { ...this.options, weight: this.weight })
  }
}

/** Binary cross-entropy of sigmoid(x), stable for all x. */
export class BCEWithLogitsLoss extends Module {
  weight: Tensor | null
  posWeight: Tensor | null
  private readonly options: LossOptions

  constructor({ weight, posWeight, ...options }: BinaryLossOptions & { posWeight?: Tensor | null } = {}) {
    super()
    this.weight = asBuffer(weight)
    this.posWeight = asBuffer(posWeight)
    this.options = options
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(x, target, { ...this.options, weight: this.weight, posWeight: this.posWeight })
  }
}
