// Losses between a prediction x and a target of one shape, element by element. Cross-entropy is in crossEntropy.ts.
import { apply, type Op } from '../autograd'
import { checkFloat, checkOptions, checkTensor, type OptionNames } from '../check'
import { isFloat } from '../dtype'
import { ArgumentError, ShapeError, show } from '../errors'
import { checkNumber } from '../shape'
import { sameShape, type Tensor } from '../tensor'
import { add, div, mul, neg, sub } from './arithmetic'
import { sum } from './broadcast'
import { clamp } from './clamp'
import { to } from './copy'
import { mean } from './reduce'
import { abs, log, log1p, softplus, square } from './unary'

/** What becomes of the single losses: their mean, their sum, or all of them. */
export type LossReduction = 'mean' | 'sum' | 'none'

export interface LossOptions {
  /** Default 'mean'. */
  reduction?: LossReduction
}

export interface HuberLossOptions extends LossOptions {
  /** Where the loss turns from a square into a line. Default 1. */
  delta?: number
}

export interface SmoothL1LossOptions extends LossOptions {
  /** Where the loss turns from a square into a line. Default 1. */
  beta?: number
}

export const lossOptions: OptionNames<LossOptions> = { reduction: true }
export const huberLossOptions: OptionNames<HuberLossOptions> = { ...lossOptions, delta: true }
export const smoothL1LossOptions: OptionNames<SmoothL1LossOptions> = { ...lossOptions, beta: true }

/** @internal */
export function checkReduction(op: string, options: LossOptions): LossReduction {
  const reduction = options.reduction ?? 'mean'
  if (reduction === 'mean' || reduction === 'sum' || reduction === 'none') return reduction
  throw new ArgumentError(`${op}: expected reduction 'mean', 'sum' or 'none', got ${show(reduction)}`)
}

function reduceLoss(loss: Tensor, reduction: LossReduction): Tensor {
  return reduction === 'mean' ? mean(loss) : reduction === 'sum' ? sum(loss) : loss
}

/** The target in x's dtype. Shapes must be equal: broadcasting here is nearly always a mistake. */
function checkTarget(op: string, x: Tensor, target: Tensor): Tensor {
  checkFloat(op, 'x', x)
  if (!sameShape(checkTensor(op, 'target', target).shape, x.shape)) {
    throw new ShapeError(`${op}: expected a target of x's shape ${show(x.shape)}, got ${show(target.shape)}`)
  }
  return isFloat(target.dtype) ? target : to(target, x.dtype)
}

/** (x − target)². */
export function mseLoss(x: Tensor, target: Tensor, options?: LossOptions): Tensor {
  const reduction = checkReduction('mseLoss', checkOptions('mseLoss', options, lossOptions))
  return reduceLoss(square(sub(x, checkTarget('mseLoss', x, target))), reduction)
}

/** |x − target|. */
export function l1Loss(x: Tensor, target: Tensor, options?: LossOptions): Tensor {
  const reduction = checkReduction('l1Loss', checkOptions('l1Loss', options, lossOptions))
  return reduceLoss(abs(sub(x, checkTarget('l1Loss', x, target))), reduction)
}

/** d²/2 for d = |x − target| up to delta, delta·(d − delta/2) beyond: c·(d − c/2) with c = min(d, delta). */
function huber(x: Tensor, target: Tensor, delta: number): Tensor {
  const distance = abs(sub(x, target))
  const limited = clamp(distance, { max: delta })
  return mul(limited, sub(distance, mul(limited, 0.5)))
}

/** Squared near the target, linear beyond `delta` (Huber 1964); d²/2 for |d| ≤ delta. */
export function huberLoss(x: Tensor, target: Tensor, options?: HuberLossOptions): Tensor {
  const given = checkOptions('huberLoss', options, huberLossOptions)
  const reduction = checkReduction('huberLoss', given)
  const delta = checkNumber('huberLoss', 'delta', given.delta ?? 1, Number.MIN_VALUE)
  return reduceLoss(huber(x, checkTarget('huberLoss', x, target), delta), reduction)
}

/** The Huber loss divided by `beta`: slope 1 beyond it. With beta 0 the same as l1Loss. */
export function smoothL1Loss(x: Tensor, target: Tensor, options?: SmoothL1LossOptions): Tensor {
  const given = checkOptions('smoothL1Loss', options, smoothL1LossOptions)
  const reduction = checkReduction('smoothL1Loss', given)
  const beta = checkNumber('smoothL1Loss', 'beta', given.beta ?? 1, 0)
  const wanted = checkTarget('smoothL1Loss', x, target)
  return reduceLoss(beta === 0 ? abs(sub(x, wanted)) : div(huber(x, wanted, beta), beta), reduction)
}

/**
 * −(t·log p + (1 − t)·log(1 − p)), logarithms bounded by −100 so that p = 0 and p = 1 give finite losses. The gradient
 * (p − t) / (p·(1 − p)) is written without them, its divisor bounded by 1e-12.
 */
const binaryCrossEntropyOp: Op = {
  name: 'binaryCrossEntropy',
  forward: (node, inputs) => {
    const [p, t] = inputs as readonly Tensor[]
    node.save(p, t)
    return neg(add(mul(t, boundedLog(p)), mul(sub(1, t), boundedLogRest(p))))
  },
  backward: (node, dy) => {
    const [p, t] = node.saved
    return [
      node.needs(0) ? mul(dy, div(sub(p, t), clamp(mul(p, sub(1, p)), { min: 1e-12 }))) : null,
      node.needs(1) ? mul(dy, sub(boundedLogRest(p), boundedLog(p))) : null,
    ]
  },
}

const boundedLog = (p: Tensor) => clamp(log(p), { min: -100 })
const boundedLogRest = (p: Tensor) => clamp(log1p(neg(p)), { min: -100 })

export interface BinaryLossOptions extends LossOptions {
  /** Factor of each element's loss; broadcasts to x. */
  weight?: Tensor | null
}

export interface LogitsLossOptions extends BinaryLossOptions {
  /** Factor of the loss of positive targets; broadcasts to x. */
  posWeight?: Tensor | null
}

export const binaryLossOptions: OptionNames<BinaryLossOptions> = { ...lossOptions, weight: true }
export const logitsLossOptions: OptionNames<LogitsLossOptions> = { ...binaryLossOptions, posWeight: true }

function weighted(op: string, loss: Tensor, { weight }: BinaryLossOptions): Tensor {
  return weight ? mul(loss, checkTensor(op, 'weight', weight)) : loss
}

/**
 * −(t·log p + (1 − t)·log(1 − p)) of probabilities p in [0, 1], logarithms bounded by −100. From logits,
 * binaryCrossEntropyWithLogits is exact where p rounds to 0 or 1.
 */
export function binaryCrossEntropy(p: Tensor, target: Tensor, options?: BinaryLossOptions): Tensor {
  const op = 'binaryCrossEntropy'
  const given = checkOptions(op, options, binaryLossOptions)
  const reduction = checkReduction(op, given)
  const t = to(checkTarget(op, p, target), p.dtype)
  return reduceLoss(weighted(op, apply(binaryCrossEntropyOp, [p, t], undefined), given), reduction)
}

/**
 * Binary cross-entropy of sigmoid(x), stable for all x: (1 − t)·x + log(1 + e⁻ˣ). `posWeight` multiplies the loss of
 * positive targets (a factor of log(1 + e⁻ˣ) of 1 + (posWeight − 1)·t); it broadcasts to x.
 */
export function binaryCrossEntropyWithLogits(x: Tensor, target: Tensor, options?: LogitsLossOptions): Tensor {
  const op = 'binaryCrossEntropyWithLogits'
  const given = checkOptions(op, options, logitsLossOptions)
  const reduction = checkReduction(op, given)
  const t = checkTarget(op, x, target)
  const rest = softplus(neg(x))
  const { posWeight } = given
  const scaled = posWeight ? mul(rest, add(mul(sub(checkTensor(op, 'posWeight', posWeight), 1), t), 1)) : rest
  return reduceLoss(weighted(op, add(mul(sub(1, t), x), scaled), given), reduction)
}
