// Batch norm (Ioffe & Szegedy 2015): y = (x − mean) / √(var + eps) · w + b, with mean and biased variance over the
// batch of each channel.
import { apply, isGradEnabled, type Op, optional } from '../autograd'
import { checkFloat, checkOptions, type OptionNames } from '../check'
import type { DType } from '../dtype'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { checkNumber } from '../shape'
import { numelOf, type Shape, Tensor } from '../tensor'
import { add, mul, sub } from './arithmetic'
import { sum } from './broadcast'
import { checkInPlace, to } from './copy'
import { checkAffine, gradientFormula, type Saved, statistics, statisticsDType } from './norm'
import { rsqrt } from './unary'
import { reshape } from './view'

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

/** Inputs: x, and scale and shift [C] of the dtype that x is computed in. */
const channelAffineOp: Op<Shape> = {
  name: 'channelAffine',
  forward: (node, inputs, planes) => {
    const [x, scale, shift] = inputs as readonly Tensor[]
    const y = new Tensor(planes, x.dtype, x.device)
    kernels.channelAffine(reshape(x, planes), scale, shift, y)
    node.save(node.records(1) ? x : null, node.records(0) ? scale : null)
    return reshape(y, x.shape)
  },
  backward: (node, dy) => {
    const [x, scale] = node.saved
    const dims = dy.shape.map((_, d) => d).filter((d) => d !== 1)
    const total = (t: Tensor) => sum(to(t, statisticsDType(t)), { dim: dims })
    return [
      node.needs(0) ? mul(dy, to(perChannel(scale, dy), dy.dtype)) : null,
      node.needs(1) ? total(mul(dy, x)) : null,
      node.needs(2) ? total(dy) : null,
    ]
  },
}

/** (x − mean) · rstd · w + b as one pass over x: the vectors are joined first. */
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
  const dtype = statisticsDType(x)
  const rstd = rsqrt(add(to(runningVar, dtype), eps))
  const scale = weight === null ? rstd : mul(rstd, to(weight, dtype))
  const shift = sub(bias === null ? 0 : to(bias, dtype), mul(to(runningMean, dtype), scale))
  const planes = [x.shape[0], x.shape[1], numelOf(x.shape.slice(2))]
  return apply(channelAffineOp, [x, scale, shift], planes)
}
