// Losses as modules. Their class weights are buffers, as PyTorch's are.
import { checkOptions } from '../check'
import {
  type ClassLossOptions,
  classLossOptions,
  crossEntropy,
  type CrossEntropyOptions,
  crossEntropyOptions,
  nllLoss,
} from '../ops/crossEntropy'
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type BinaryLossOptions,
  binaryLossOptions,
  huberLoss,
  type HuberLossOptions,
  huberLossOptions,
  l1Loss,
  type LogitsLossOptions,
  logitsLossOptions,
  type LossOptions,
  lossOptions,
  mseLoss,
  smoothL1Loss,
  type SmoothL1LossOptions,
  smoothL1LossOptions,
} from '../ops/loss'
import type { Tensor } from '../tensor'
import { Module } from './module'
import { buffer } from './parameter'

const asBuffer = (t: Tensor | null | undefined) => (t ? buffer(t) : null)

/** Cross-entropy of logits [N, C, ...] against classes [N, ...] (int64) or probabilities [N, C, ...]. */
export class CrossEntropyLoss extends Module {
  weight: Tensor | null
  private readonly options: CrossEntropyOptions

  constructor(options?: CrossEntropyOptions) {
    super()
    const { weight, ...rest } = checkOptions('CrossEntropyLoss', options, crossEntropyOptions)
    this.weight = asBuffer(weight)
    this.options = rest
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return crossEntropy(x, target, { ...this.options, weight: this.weight })
  }
}

/** Negative log-likelihood: logarithms of probabilities [N, C, ...] against classes [N, ...] (int64). */
export class NLLLoss extends Module {
  weight: Tensor | null
  private readonly options: ClassLossOptions

  constructor(options?: ClassLossOptions) {
    super()
    const { weight, ...rest } = checkOptions('NLLLoss', options, classLossOptions)
    this.weight = asBuffer(weight)
    this.options = rest
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return nllLoss(x, target, { ...this.options, weight: this.weight })
  }
}

/** (x − target)². */
export class MSELoss extends Module {
  constructor(private readonly options: LossOptions = {}) {
    super()
    checkOptions('MSELoss', options, lossOptions)
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return mseLoss(x, target, this.options)
  }
}

/** |x − target|. */
export class L1Loss extends Module {
  constructor(private readonly options: LossOptions = {}) {
    super()
    checkOptions('L1Loss', options, lossOptions)
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return l1Loss(x, target, this.options)
  }
}

/** Squared up to a distance of `beta` (default 1), then linear with slope 1. */
export class SmoothL1Loss extends Module {
  constructor(private readonly options: SmoothL1LossOptions = {}) {
    super()
    checkOptions('SmoothL1Loss', options, smoothL1LossOptions)
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(x, target, this.options)
  }
}

/** d²/2 up to a distance of `delta` (default 1), then linear with slope delta. */
export class HuberLoss extends Module {
  constructor(private readonly options: HuberLossOptions = {}) {
    super()
    checkOptions('HuberLoss', options, huberLossOptions)
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return huberLoss(x, target, this.options)
  }
}

/** Binary cross-entropy of probabilities. */
export class BCELoss extends Module {
  weight: Tensor | null
  private readonly options: LossOptions

  constructor(options?: BinaryLossOptions) {
    super()
    const { weight, ...rest } = checkOptions('BCELoss', options, binaryLossOptions)
    this.weight = asBuffer(weight)
    this.options = rest
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

  constructor(options?: LogitsLossOptions) {
    super()
    const { weight, posWeight, ...rest } = checkOptions('BCEWithLogitsLoss', options, logitsLossOptions)
    this.weight = asBuffer(weight)
    this.posWeight = asBuffer(posWeight)
    this.options = rest
  }

  override forward(x: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(x, target, { ...this.options, weight: this.weight, posWeight: this.posWeight })
  }
}
