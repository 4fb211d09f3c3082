// Normalisation layers.
import { noGrad } from '../autograd'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { ShapeError } from '../errors'
import { add, addInPlace, mul, neg, sub } from '../ops/arithmetic'
import { batchNorm } from '../ops/batchNorm'
import { to } from '../ops/copy'
import { ones, zeros } from '../ops/create'
import { addLayerNorm, layerNorm } from '../ops/layerNorm'
import { addRmsNorm, rmsNorm } from '../ops/rmsNorm'
import { reciprocal, rsqrt } from '../ops/unary'
import { checkInteger, checkNumber, checkShape } from '../shape'
import type { Shape, Tensor } from '../tensor'
import { type Factory, factoryOptions, learned } from './factory'
import { ones_, zeros_ } from './init'
import { Module } from './module'
import { buffer } from './parameter'

export interface BatchNormLayerOptions extends Factory {
  /** Added to the variance. Default 1e-5. */
  eps?: number
  /** Weight of a batch in the running statistics; null for the plain average of all batches. Default 0.1. */
  momentum?: number | null
  /** Learn a weight and a bias per channel. Default true. */
  affine?: boolean
  /** Keep running statistics for evaluation; without them evaluation uses the batch's too. Default true. */
  trackRunningStats?: boolean
}

const batchNormOptions: OptionNames<BatchNormLayerOptions> = {
  ...factoryOptions,
  eps: true,
  momentum: true,
  affine: true,
  trackRunningStats: true,
}

export abstract class BatchNorm extends Module {
  weight: Tensor | null = null
  bias: Tensor | null = null
  runningMean: Tensor | null = null
  runningVar: Tensor | null = null
  numBatchesTracked: Tensor | null = null
  readonly eps: number
  readonly momentum: number | null

  constructor(
    readonly numFeatures: number,
    options?: BatchNormLayerOptions,
  ) {
    super()
    const name = this.constructor.name
    const {
      eps = 1e-5,
      momentum = 0.1,
      affine = true,
      trackRunningStats = true,
      ...factory
    } = checkOptions(name, options, batchNormOptions)
    checkInteger(name, 'numFeatures', numFeatures, 1)
    this.eps = checkNumber(name, 'eps', eps, 0)
    this.momentum = momentum === null ? null : checkNumber(name, 'momentum', momentum, 0, 1)
    if (affine) {
      this.weight = learned([numFeatures], ones_, factory)
      this.bias = learned([numFeatures], zeros_, factory)
    }
    if (trackRunningStats) {
      this.runningMean = buffer(zeros([numFeatures], factory))
      this.runningVar = buffer(ones([numFeatures], factory))
      this.numBatchesTracked = buffer(zeros([], { dtype: 'int64', device: factory.device }))
    }
  }

  /** How many dims x may have. */
  protected abstract readonly ndims: readonly number[]

  override forward(x: Tensor): Tensor {
    const name = this.constructor.name
    if (!this.ndims.includes(checkTensor(name, 'x', x).ndim)) {
      throw new ShapeError(`${name}: expected x of ${this.ndims.join(' or ')} dims, got [${x.shape.join(', ')}]`)
    }
    const { runningMean, runningVar, numBatchesTracked } = this
    if (!this.training && runningMean !== null) return this.normalize(x, runningMean, runningVar, false, 0)
    if (!this.training || runningMean === null || runningVar === null || numBatchesTracked === null) {
      return this.normalize(x, null, null, true, 0)
    }
    noGrad(() => addInPlace(numBatchesTracked, 1))
    if (this.momentum !== null) return this.normalize(x, runningMean, runningVar, true, this.momentum)
    return this.average(x, runningMean, runningVar, numBatchesTracked)
  }

  /** What evaluation multiplies each channel by and then adds, both [C]; null without running statistics. */
  perChannel(): { scale: Tensor; shift: Tensor } | null {
    const { runningMean, runningVar, weight, bias } = this
    if (runningMean === null || runningVar === null) return null
    const rstd = rsqrt(add(runningVar, this.eps))
    const scale = weight === null ? rstd : mul(weight, rstd)
    const moved = mul(runningMean, scale)
    return { scale, shift: bias === null ? neg(moved) : sub(bias, moved) }
  }

  private normalize(
    x: Tensor,
    mean: Tensor | null,
    variance: Tensor | null,
    training: boolean,
    momentum: number,
  ): Tensor {
    return batchNorm(x, mean, variance, this.weight, this.bias, { training, momentum, eps: this.eps })
  }

  /** Moves the running statistics by 1 / batches, a number that only the stream knows. */
  private average(x: Tensor, mean: Tensor, variance: Tensor, batches: Tensor): Tensor {
    const batch = [mean, variance].map((t) => zeros(t.shape, { dtype: t.dtype, device: t.device }))
    const y = this.normalize(x, batch[0], batch[1], true, 1)
    noGrad(() => {
      const share = to(reciprocal(to(batches, 'float32')), mean.dtype)
      for (const [i, running] of [mean, variance].entries()) addInPlace(running, mul(sub(batch[i], running), share))
    })
    return y
  }

  protected override details(): string {
    return `${this.numFeatures}, eps: ${this.eps}, momentum: ${this.momentum}`
  }
}

/** Batch norm of x [B, C] or [B, C, W]; each channel is normalised over the batch. */
export class BatchNorm1d extends BatchNorm {
  protected override readonly ndims = [2, 3]
}

/** Batch norm of x [B, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  protected override readonly ndims = [4]
}

/** Batch norm of x [B, C, D, H, W]. */
export class BatchNorm3d extends BatchNorm {
  protected override readonly ndims = [5]
}

export interface LayerNormLayerOptions extends Factory {
  /** Added to the variance. Default 1e-5. */
  eps?: number
  /** Learn a weight and a bias per element. Default true. */
  elementwiseAffine?: boolean
  /** With a weight, learn a bias too. Default true. */
  bias?: boolean
}

const layerNormOptions: OptionNames<LayerNormLayerOptions> = {
  ...factoryOptions,
  eps: true,
  elementwiseAffine: true,
  bias: true,
}

/** Normalises the last dims of x, whose sizes are `normalizedShape`. */
export class LayerNorm extends Module {
  weight: Tensor | null
  bias: Tensor | null
  readonly normalizedShape: Shape
  readonly eps: number

  constructor(normalizedShape: number | Shape, options?: LayerNormLayerOptions) {
    super()
    const {
      eps = 1e-5,
      elementwiseAffine = true,
      bias = true,
      ...factory
    } = checkOptions('LayerNorm', options, layerNormOptions)
    const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape
    this.normalizedShape = checkShape('LayerNorm', shape)
    this.eps = checkNumber('LayerNorm', 'eps', eps, 0)
    this.weight = elementwiseAffine ? learned(this.normalizedShape, ones_, factory) : null
    this.bias = elementwiseAffine && bias ? learned(this.normalizedShape, zeros_, factory) : null
  }

  override forward(x: Tensor): Tensor
  /** The norm of x + residual, and that sum. */
  override forward(x: Tensor, residual: Tensor): [normalized: Tensor, sum: Tensor]
  override forward(x: Tensor, residual?: Tensor): Tensor | [Tensor, Tensor] {
    const { normalizedShape, weight, bias, eps } = this
    if (residual === undefined) return layerNorm(x, normalizedShape, weight, bias, { eps })
    return addLayerNorm(x, residual, normalizedShape, weight, bias, { eps })
  }

  protected override details(): string {
    return `[${this.normalizedShape.join(', ')}], eps: ${this.eps}`
  }
}

export interface RMSNormLayerOptions extends Factory {
  /** Added to the mean of squares. Default: the epsilon of float64 for float64, else that of float32. */
  eps?: number | null
  /** Learn a weight per element. Default true. */
  elementwiseAffine?: boolean
}

const rmsNormOptions: OptionNames<RMSNormLayerOptions> = { ...factoryOptions, eps: true, elementwiseAffine: true }

/** Divides the last dims of x, whose sizes are `normalizedShape`, by their root mean square. */
export class RMSNorm extends Module {
  weight: Tensor | null
  readonly normalizedShape: Shape
  readonly eps: number | null

  constructor(normalizedShape: number | Shape, options?: RMSNormLayerOptions) {
    super()
    const { eps = null, elementwiseAffine = true, ...factory } = checkOptions('RMSNorm', options, rmsNormOptions)
    const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape
    this.normalizedShape = checkShape('RMSNorm', shape)
    this.eps = eps === null ? null : checkNumber('RMSNorm', 'eps', eps, 0)
    this.weight = elementwiseAffine ? learned(this.normalizedShape, ones_, factory) : null
  }

  override forward(x: Tensor): Tensor
  /** The norm of x + residual, and that sum. */
  override forward(x: Tensor, residual: Tensor): [normalized: Tensor, sum: Tensor]
  override forward(x: Tensor, residual?: Tensor): Tensor | [Tensor, Tensor] {
    const { normalizedShape, weight, eps } = this
    if (residual === undefined) return rmsNorm(x, normalizedShape, weight, { eps })
    return addRmsNorm(x, residual, normalizedShape, weight, { eps })
  }

  protected override details(): string {
    return `[${this.normalizedShape.join(', ')}], eps: ${this.eps}`
  }
}
