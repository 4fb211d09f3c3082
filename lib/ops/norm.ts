// Layer norm (Ba et al. 2016) and batch norm (Ioffe & Szegedy 2015): y = (x − mean) / √(var + eps) · w + b, with mean
// and biased variance over the last dims of each element, or over the batch of each channel.
import { apply, type Input, isGradEnabled, type Op } from '../autograd'
import { checkFloat, checkOptions, type OptionNames } from '../check'
import type { DType } from '../dtype'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { checkNumber, checkShape } from '../shape'
import { numelOf, sameShape, type Shape, Tensor } from '../tensor'
import { add, mul, sub } from './arithmetic'
import { sum } from './broadcast'
import { checkInPlace, to } from './copy'
import { mean } from './reduce'
import { rsqrt, square } from './unary'
import { reshape } from './view'

/** An input that may be absent: 0 stands for none. */
export const optional = (input: Input): Tensor | null => (input instanceof Tensor ? input : null)

/** n numbers of the dtype that sums of x's elements are held in. */
export const statistics = (x: Tensor, n: number): Tensor =>
  new Tensor([n], x.dtype === 'float64' ? 'float64' : 'float32', x.device)

interface Gradients {
  dx: Tensor
  dw: Tensor
  db: Tensor
}

/**
 * The gradients of xhat · w + b in ops, xhat being x normalised over `dims`; w broadcasts to x. dw and db are sums over
 * `rest`, the dims that w and b do not have.
 */
function gradientFormula(
  dy: Tensor,
  x: Tensor,
  w: Tensor | null,
  eps: number,
  dims: readonly number[],
  rest: readonly number[],
): Gradients {
  const average = (t: Tensor) => mean(t, { dim: dims, keepdim: true })
  const centred = sub(x, average(x))
  const rstd = rsqrt(add(average(square(centred)), eps))
  const xhat = mul(centred, rstd)
  const g = w === null ? dy : mul(dy, w)
  const dx = mul(rstd, sub(sub(g, average(g)), mul(xhat, average(mul(g, xhat)))))
  return { dx: to(dx, x.dtype), dw: sum(mul(dy, xhat), { dim: rest }), db: sum(dy, { dim: rest }) }
}

/** What the backward pass has saved: x, w, mean and rstd. */
type Saved = readonly [Tensor, Tensor | null, Tensor, Tensor]

interface LayerNorm {
  /** How many sets of `size` numbers are normalised. */
  rows: number
  size: number
  normalized: Shape
  biasDType: DType
  eps: number
}

/** Inputs: x, w and b (0 for none). The kernel sees x as [rows, size]. */
const layerNormOp: Op<LayerNorm> = {
  name: 'layerNorm',
  forward: (node, [input, weight, bias], { rows, size, eps }) => {
    const x = input as Tensor
    const w = optional(weight)
    const b = optional(bias)
    const y = new Tensor([rows, size], x.dtype, x.device)
    const average = statistics(x, rows)
    const rstd = statistics(x, rows)
    const vector = (t: Tensor | null) => t && reshape(t, [size])
    kernels.layerNorm(reshape(x, [rows, size]), vector(w), vector(b), y, average, rstd, eps)
    node.save(x, w, average, rstd)
    return reshape(y, x.shape)
  },
  backward: (node, dy) => {
    const [x, w, average, rstd] = node.saved as readonly (Tensor | null)[] as Saved
    const { rows, size, normalized, biasDType, eps } = node.attrs
    if (isGradEnabled()) {
      const dims = x.shape.map((_, d) => d)
      const ahead = x.ndim - normalized.length
      const { dx, dw, db } = gradientFormula(dy, x, w, eps, dims.slice(ahead), dims.slice(0, ahead))
      return [dx, w && to(dw, w.dtype), node.needs(2) ? to(db, biasDType) : null]
    }
    const matrix = (t: Tensor) => reshape(t, [rows, size])
    const dx = new Tensor([rows, size], x.dtype, x.device)
    const dw = w && node.needs(1) ? new Tensor([size], w.dtype, x.device) : null
    const db = node.needs(2) ? new Tensor([size], biasDType, x.device) : null
    kernels.layerNormBackward(matrix(dy), matrix(x), w && reshape(w, [size]), average, rstd, dx, dw, db)
    return [reshape(dx, x.shape), dw && reshape(dw, normalized), db && reshape(db, normalized)]
  },
}

export function checkAffine(op: string, name: string, t: Tensor | null, shape: Shape): void {
  if (t !== null && !sameShape(checkFloat(op, name, t).shape, shape)) {
    throw new ShapeError(`${op}: expected ${name} ${show(shape)}, got ${show(t.shape)}`)
  }
}

/** The sizes of the last dims of x that are normalised together. */
export function checkNormalized(op: string, x: Tensor, normalizedShape: Shape | number): Shape {
  checkFloat(op, 'x', x)
  const normalized = checkShape(op, typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape)
  const ahead = x.ndim - normalized.length
  if (normalized.length === 0 || ahead < 0 || !sameShape(x.shape.slice(ahead), normalized)) {
    throw new ShapeError(`${op}: expected x [..., ${normalized.join(', ')}], got ${show(x.shape)}`)
  }
  return normalized
}

export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number
}

const layerNormOptions: OptionNames<LayerNormOptions> = { eps: true }

/** x normalised over its last dims, whose sizes are `normalizedShape`; `weight` and `bias` have that shape. */
export function layerNorm(
  x: Tensor,
  normalizedShape: Shape | number,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  options?: LayerNormOptions,
): Tensor {
  const op = 'layerNorm'
  const normalized = checkNormalized(op, x, normalizedShape)
  const ahead = x.ndim - normalized.length
  checkAffine(op, 'weight', weight, normalized)
  checkAffine(op, 'bias', bias, normalized)
  return apply(layerNormOp, [x, weight ?? 0, bias ?? 0], {
    rows: numelOf(x.shape.slice(0, ahead)),
    size: numelOf(normalized),
    normalized,
    biasDType: bias?.dtype ?? x.dtype,
    eps: checkNumber(op, 'eps', checkOptions(op, options, layerNormOptions).eps ?? 1e-5, 0),
  })
}

interface BatchNorm {
  /** x as the kernel sees it: [B, C, S]. */
  planes: Shape
  biasDType: DType
  momentum: number
  eps: number
}

/** Inputs: x, w, b, running mean and running variance (0 for none). The kernel moves the running ones in place. */
const batchNormOp: Op<BatchNorm> = {
  name: 'batchNorm',
  forward: (node, [input, ...rest], { planes, momentum, eps }) => {
    const x = input as Tensor
    const [w, b, runningMean, runningVar] = rest.map(optional)
    const y = new Tensor(planes, x.dtype, x.device)
    const average = statistics(x, planes[1])
    const rstd = statistics(x, planes[1])
    kernels.batchNorm(reshape(x, planes), w, b, runningMean, runningVar, y, average, rstd, momentum, eps)
    runningMean?.bumpVersion()
    runningVar?.bumpVersion()
    node.save(x, w, average, rstd)
    return reshape(y, x.shape)
  },
  backward: (node, dy) => {
    const [x, w, average, rstd] = node.saved as readonly (Tensor | null)[] as Saved
    const { planes, biasDType, eps } = node.attrs
    if (isGradEnabled()) {
      const dims = x.shape.map((_, d) => d).filter((d) => d !== 1)
      const { dx, dw, db } = gradientFormula(dy, x, w && perChannel(w, x), eps, dims, dims)
      return [dx, w && to(dw, w.dtype), node.needs(2) ? to(db, biasDType) : null]
    }
    const dx = new Tensor(planes, x.dtype, x.device)
    const dw = w && node.needs(1) ? new Tensor(w.shape, w.dtype, x.device) : null
    const db = node.needs(2) ? new Tensor([planes[1]], biasDType, x.device) : null
    kernels.batchNormBackward(reshape(dy, planes), reshape(x, planes), w, average, rstd, dx, dw, db)
    return [reshape(dx, x.shape), dw, db]
  },
}

/** A vector [C] that broadcasts to x [B, C, ...]. */
function perChannel(t: Tensor, x: Tensor): Tensor {
  return reshape(t, [x.shape[1], ...new Array<number>(x.ndim - 2).fill(1)])
}

export interface BatchNormOptions {
  /** Normalise by the batch and move the running statistics; otherwise normalise by those. Default false. */
  training?: boolean
  /** Weight of the batch in the running statistics. Default 0.1. */
  momentum?: number
  /** Added to the variance. Default 1e-5. */
  eps?: number
}

const batchNormOptions: OptionNames<BatchNormOptions> = { training: true, momentum: true, eps: true }

/**
 * x [B, C, ...] normalised per channel; `runningMean`, `runningVar`, `weight` and `bias` are [C]. While training the
 * batch's statistics are used, and the running ones (the variance unbiased) are moved in place where given.
 *
 * @throws ShapeError when training on a single value per channel, whose variance is nothing.
 */
export function batchNorm(
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight: Tensor | null = null,
  bias: Tensor | null = null,
  options?: BatchNormOptions,
): Tensor {
  const op = 'batchNorm'
  if (checkFloat(op, 'x', x).ndim < 2) throw new ShapeError(`${op}: expected x [B, C, ...], got ${show(x.shape)}`)
  const channels = x.shape[1]
  checkAffine(op, 'weight', weight, [channels])
  checkAffine(op, 'bias', bias, [channels])
  checkAffine(op, 'runningMean', runningMean, [channels])
  checkAffine(op, 'runningVar', runningVar, [channels])
  const given = checkOptions(op, options, batchNormOptions)
  const eps = checkNumber(op, 'eps', given.eps ?? 1e-5, 0)
  const momentum = checkNumber(op, 'momentum', given.momentum ?? 0.1, 0, 1)
  if (!given.training) return withRunning(x, runningMean, runningVar, weight, bias, eps)
  const planes = [x.shape[0], channels, numelOf(x.shape.slice(2))]
  if (planes[0] * planes[2] === 1) {
    throw new ShapeError(`${op}: expected more than one value per channel when training, got ${show(x.shape)}`)
  }
  if (runningMean !== null) checkInPlace(op, runningMean)
  if (runningVar !== null) checkInPlace(op, runningVar)
  const biasDType = bias?.dtype ?? x.dtype
  const inputs = [x, weight ?? 0, bias ?? 0, runningMean ?? 0, runningVar ?? 0]
  return apply(batchNormOp, inputs, { planes, biasDType, momentum, eps })
}

/** (x − mean) · rstd · w + b as one product and one sum: the vectors are joined first. */
function withRunning(
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
): Tensor {
  if (runningMean === null || runningVar === null) {
    throw new ArgumentError('batchNorm: expected runningMean and runningVar when not training, got none')
  }
  const rstd = rsqrt(add(runningVar, eps))
  const scale = weight === null ? rstd : mul(rstd, weight)
  const shift = sub(bias ?? 0, mul(runningMean, scale))
  return add(mul(x, to(perChannel(scale, x), x.dtype)), to(perChannel(shift, x), x.dtype))
}
