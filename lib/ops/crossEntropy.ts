// Softmax cross-entropy of logits against class numbers or class probabilities, and negative log-likelihood. The class
// dimension is the second one, as in PyTorch. With class numbers the loss and its gradient are one kernel each, which
// never stores the softmax.
import { apply, isGradEnabled, type Op } from '../autograd'
import { checkFloat, checkIndex, checkOptions, checkTensor, type OptionNames } from '../check'
import { type DType, isFloat } from '../dtype'
import { AutogradError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { checkInteger, checkNumber } from '../shape'
import { numelOf, sameShape, type Shape, Tensor } from '../tensor'
import { add, div, mul, neg, sub } from './arithmetic'
import { expand, sum } from './broadcast'
import { eq, logicalNot } from './compare'
import { to } from './copy'
import { gather, indexSelect, oneHot } from './indexing'
import { checkReduction, type LossOptions, lossOptions, type LossReduction } from './loss'
import { logSoftmax, softmax } from './softmax'
import { permute, reshape, squeeze, unsqueeze } from './view'
import { where } from './where'

export interface ClassLossOptions extends LossOptions {
  /** Factor [C] of each class's loss; 'mean' divides by the sum of the targets' weights. */
  weight?: Tensor | null
  /** Targets of this class count nothing. Default -100. */
  ignoreIndex?: number
}

export const classLossOptions: OptionNames<ClassLossOptions> = { ...lossOptions, weight: true, ignoreIndex: true }

export interface CrossEntropyOptions extends ClassLossOptions {
  /** Share of the target that is spread evenly over all classes (Szegedy et al. 2016). Default 0. */
  labelSmoothing?: number
}

export const crossEntropyOptions: OptionNames<CrossEntropyOptions> = { ...classLossOptions, labelSmoothing: true }

interface CrossEntropy {
  ignoreIndex: number
  labelSmoothing: number
  reduction: LossReduction
}

const optional = (t: Tensor | undefined) => t ?? null

/** Inputs: logits [N, C], target [N], and weight [C] if there is one. */
const crossEntropyOp: Op<CrossEntropy> = {
  name: 'crossEntropy',
  forward: (node, inputs, { ignoreIndex, labelSmoothing, reduction }) => {
    const [x, target, weight] = inputs as readonly Tensor[]
    const held: DType = x.dtype === 'float64' ? 'float64' : 'float32'
    const loss = new Tensor(target.shape, held, x.device)
    const totalWeight = new Tensor([], held, x.device)
    const lse = new Tensor(target.shape, held, x.device)
    kernels.crossEntropy(x, target, optional(weight), loss, totalWeight, lse, ignoreIndex, labelSmoothing)
    node.save(x, target, optional(weight), lse, totalWeight)
    if (reduction === 'none') return to(loss, x.dtype)
    return to(reduction === 'sum' ? sum(loss) : div(sum(loss), totalWeight), x.dtype)
  },
  backward: (node, dy) => {
    const [x, target, weight, lse, totalWeight] = node.saved
    const { ignoreIndex, labelSmoothing, reduction } = node.attrs
    const share = reduction === 'mean' ? div(to(dy, lse.dtype), totalWeight) : dy
    const dloss = expand(share, target.shape)
    if (isGradEnabled()) return [gradientFormula(dloss, x, target, weight, node.attrs), null, null]
    const dx = new Tensor(x.shape, x.dtype, x.device)
    kernels.crossEntropyBackward(dloss, x, target, weight, lse, dx, ignoreIndex, labelSmoothing)
    return [dx, null, null]
  },
}

/** dloss · (softmax(x) · Σ q − q), where q is the target's share of each class; nothing for ignored rows. */
function gradientFormula(
  dloss: Tensor,
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  { ignoreIndex, labelSmoothing }: CrossEntropy,
): Tensor {
  const classes = x.shape[1]
  const ignored = eq(target, ignoreIndex)
  const picked = oneHot(where(ignored, 0, target), classes, { dtype: heldDType(x) })
  const smoothed = add(mul(picked, 1 - labelSmoothing), labelSmoothing / classes)
  const q = weight ? mul(smoothed, weight) : smoothed
  const row = sub(mul(softmax(x, { dim: 1 }), sum(q, { dim: 1, keepdim: true })), q)
  // Chosen, not multiplied by zero: when all are ignored, dloss of a mean is infinite.
  return to(where(unsqueeze(ignored, 1), 0, mul(unsqueeze(dloss, 1), row)), x.dtype)
}

/** What losses are added up in. */
function heldDType(x: Tensor): DType {
  return x.dtype === 'float64' ? 'float64' : 'float32'
}

/** Logits [N, C] with the class dimension second: [C] is one row, further dims of [N, C, d1, ...] become rows. */
function rowsOf(x: Tensor): Tensor {
  if (x.ndim === 2) return x
  if (x.ndim === 1) return unsqueeze(x, 0)
  const spatial = x.shape.slice(2)
  const last = permute(x, [0, ...spatial.map((_, i) => i + 2), 1])
  return reshape(last, [x.shape[0] * numelOf(spatial), x.shape[1]])
}

/** x's shape without the class dimension: that of the losses. */
function lossShape(x: Tensor): Shape {
  return x.ndim === 1 ? [] : [x.shape[0], ...x.shape.slice(2)]
}

function checkClasses(op: string, x: Tensor, { weight }: ClassLossOptions): number {
  if (checkFloat(op, 'x', x).ndim === 0) throw new ShapeError(`${op}: expected x [N, C, ...] or [C], got []`)
  const classes = x.shape[x.ndim === 1 ? 0 : 1]
  if (classes === 0) throw new ShapeError(`${op}: expected x [N, C, ...] with at least one class, got ${show(x.shape)}`)
  if (!weight) return classes
  if (checkFloat(op, 'weight', weight).ndim !== 1 || weight.shape[0] !== classes) {
    throw new ShapeError(`${op}: expected weight [${classes}], got ${show(weight.shape)}`)
  }
  if (weight.requiresGrad) throw new AutogradError(`${op}: expected weight without gradient, got ${weight.toString()}`)
  return classes
}

/** The targets' class numbers as one int64 vector. */
function checkClassTarget(op: string, x: Tensor, target: Tensor): Tensor {
  const shape = lossShape(x)
  if (!sameShape(checkIndex(op, 'target', target).shape, shape)) {
    throw new ShapeError(`${op}: expected target ${show(shape)} for x ${show(x.shape)}, got ${show(target.shape)}`)
  }
  return reshape(to(target, 'int64'), [numelOf(shape)])
}

function checkIgnoreIndex(op: string, options: ClassLossOptions): number {
  return checkInteger(op, 'ignoreIndex', options.ignoreIndex ?? -100, Number.MIN_SAFE_INTEGER)
}

/**
 * −log softmax(x)[target] of logits x [N, C], [N, C, d1, ...] or [C]. `target` is int64 class numbers of x's shape
 * without C, or probabilities of x's shape.
 *
 * With class numbers 'mean' divides by the sum of the weights of the targets that are not ignored (NaN if all are),
 * with probabilities by the number of rows. A class number outside [0, C) other than `ignoreIndex` surfaces at the next
 * await, as INDEX_OUT_OF_RANGE.
 */
export function crossEntropy(x: Tensor, target: Tensor, options?: CrossEntropyOptions): Tensor {
  const op = 'crossEntropy'
  const given = checkOptions(op, options, crossEntropyOptions)
  const reduction = checkReduction(op, given)
  const classes = checkClasses(op, x, given)
  const labelSmoothing = checkNumber(op, 'labelSmoothing', given.labelSmoothing ?? 0, 0, 1)
  const { weight } = given
  if (isFloat(checkTensor(op, 'target', target).dtype)) {
    return softCrossEntropy(x, target, weight ?? null, labelSmoothing / classes, 1 - labelSmoothing, reduction)
  }
  const rows = checkClassTarget(op, x, target)
  const attrs = { ignoreIndex: checkIgnoreIndex(op, given), labelSmoothing, reduction }
  const loss = apply(crossEntropyOp, weight ? [rowsOf(x), rows, weight] : [rowsOf(x), rows], attrs)
  return reduction === 'none' ? reshape(loss, lossShape(x)) : loss
}

/** −Σ weight · (target · keep + even) · log softmax(x) over the classes. */
function softCrossEntropy(
  x: Tensor,
  target: Tensor,
  weight: Tensor | null,
  even: number,
  keep: number,
  reduction: LossReduction,
): Tensor {
  if (!sameShape(target.shape, x.shape)) {
    throw new ShapeError(
      `crossEntropy: expected probabilities of x's shape ${show(x.shape)} (or int64 class numbers), got ` +
        show(target.shape),
    )
  }
  const smoothed = even === 0 ? rowsOf(target) : add(mul(rowsOf(target), keep), even)
  const terms = mul(logSoftmax(rowsOf(x), { dim: 1 }), weight ? mul(smoothed, weight) : smoothed)
  if (reduction === 'none') return reshape(neg(sum(terms, { dim: 1 })), lossShape(x))
  return reduction === 'sum' ? neg(sum(terms)) : mul(sum(terms), -1 / numelOf(lossShape(x)))
}

/**
 * −x[target] of log-probabilities x [N, C], [N, C, d1, ...] or [C]; targets, weights and reductions as in crossEntropy.
 */
export function nllLoss(x: Tensor, target: Tensor, options?: ClassLossOptions): Tensor {
  const op = 'nllLoss'
  const given = checkOptions(op, options, classLossOptions)
  const reduction = checkReduction(op, given)
  checkClasses(op, x, given)
  const rows = checkClassTarget(op, x, target)
  const ignored = eq(rows, checkIgnoreIndex(op, given))
  const classes = where(ignored, 0, rows)
  const { weight } = given
  const shares = where(ignored, 0, weight ? indexSelect(weight, 0, classes) : to(logicalNot(ignored), x.dtype))
  const picked = squeeze(gather(rowsOf(x), 1, unsqueeze(classes, 1)), 1)
  // Chosen, not multiplied by zero: an ignored row may hold −∞.
  const loss = where(ignored, 0, neg(mul(picked, shares)))
  if (reduction === 'none') return to(reshape(loss, lossShape(x)), x.dtype)
  return to(reduction === 'sum' ? sum(loss) : div(sum(loss), sum(shares)), x.dtype)
}
