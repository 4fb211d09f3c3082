// Means, extrema, products and statistics over dimensions. sum is in broadcast.ts, next to its gradient expand.
import { apply, type Op } from '../autograd'
import { checkFloat, checkOptions, checkTensor, type OptionNames } from '../check'
import { ShapeError } from '../errors'
import { type DType, isFloat } from '../dtype'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkDim, checkNumber } from '../shape'
import { Tensor } from '../tensor'
import { div, mul, sub } from './arithmetic'
import {
  expand,
  planReduction,
  type ReduceOptions,
  reduceOptions,
  reducedCount,
  type Reduction,
  sum,
} from './broadcast'
import { eq } from './compare'
import { to } from './copy'
import { sqrt, square } from './unary'
import { reshape } from './view'
import { where } from './where'

type ReduceKernel = (x: Tensor, y: Tensor, dims: number) => void

/** A result element back in every place it was reduced from. */
function spread(t: Tensor, plan: Reduction): Tensor {
  return expand(reshape(t, plan.kept), plan.from)
}

function run(kernel: ReduceKernel, x: Tensor, plan: Reduction, dtype: DType): Tensor {
  const y = new Tensor(plan.shape, dtype, x.device)
  kernel(x, y, plan.mask)
  return y
}

function checkNotEmpty(op: string, x: Tensor, plan: Reduction): void {
  if (reducedCount(plan) > 0 || plan.shape.includes(0)) return
  throw new ShapeError(`${op}: expected at least one element to reduce, got [${x.shape.join(', ')}]`)
}

const meanOp: Op<Reduction> = {
  name: 'mean',
  forward: (_node, [x], plan) => run(kernels.mean, x as Tensor, plan, (x as Tensor).dtype),
  backward: (node, dy) => [spread(mul(dy, 1 / reducedCount(node.attrs)), node.attrs)],
}

/** Arithmetic mean along `dim` (all dims by default) of a floating tensor. */
export function mean(x: Tensor, options?: ReduceOptions): Tensor {
  return apply(meanOp, [checkFloat('mean', 'x', x)], planReduction('mean', x, options))
}

const prodOp: Op<Reduction> = {
  name: 'prod',
  forward: (node, [input], plan) => {
    const x = input as Tensor
    const y = run(kernels.prod, x, plan, isFloat(x.dtype) ? x.dtype : 'int64')
    node.save(x)
    return y
  },
  backward: (node, dy) => {
    const [x] = node.saved
    const plan = node.attrs
    // The product of the others: of all but x itself where no zero is, that of the others at the only zero, else 0.
    const isZero = eq(x, 0)
    const others = spread(prod(where(isZero, 1, x), { dim: plan.dims }), plan)
    const zeros = spread(sum(isZero, { dim: plan.dims }), plan)
    const factor = where(isZero, where(eq(zeros, 1), others, 0), where(eq(zeros, 0), div(others, x), 0))
    return [mul(spread(dy, plan), factor)]
  },
}

/**
 * Product along `dim`. Integers and booleans multiply in int64. The gradient allows zeros in x; the gradient of the
 * gradient does not.
 */
export function prod(x: Tensor, options?: ReduceOptions): Tensor {
  return apply(prodOp, [checkTensor('prod', 'x', x)], planReduction('prod', x, options))
}

function extremum(name: string, kernel: ReduceKernel): (x: Tensor, options?: ReduceOptions) => Tensor {
  const op: Op<Reduction> = {
    name,
    forward: (node, [input], plan) => {
      const x = input as Tensor
      const y = run(kernel, x, plan, x.dtype)
      node.save(x, y)
      return y
    },
    backward: (node, dy) => {
      const [x, y] = node.saved
      const plan = node.attrs
      const hits = to(eq(x, spread(y, plan)), dy.dtype)
      const share = div(hits, sum(hits, { dim: plan.dims, keepdim: true }))
      return [mul(spread(dy, plan), share)]
    },
  }
  return (x, options) => {
    const plan = planReduction(name, x, options)
    checkNotEmpty(name, x, plan)
    return apply(op, [x], plan)
  }
}

/** Largest element along `dim`; the gradient is shared between ties. */
export const amax = extremum('amax', kernels.amax)
/** Smallest element along `dim`; the gradient is shared between ties. */
export const amin = extremum('amin', kernels.amin)

function truth(name: string, kernel: ReduceKernel): (x: Tensor, options?: ReduceOptions) => Tensor {
  return (x, options) => run(kernel, x, planReduction(name, x, options), 'bool')
}

/** Whether any element along `dim` is non-zero. */
export const any = truth('any', kernels.any)
/** Whether all elements along `dim` are non-zero. */
export const all = truth('all', kernels.all)

function argExtremum(name: string, kernel: ReduceKernel): (x: Tensor, options?: ArgOptions) => Tensor {
  return (x, options) => {
    checkTensor(name, 'x', x)
    const { dim = null, keepdim } = checkOptions(name, options, argOptions)
    const plan = planReduction(name, x, { dim: dim === null ? null : checkDim(name, dim, x.ndim), keepdim })
    checkNotEmpty(name, x, plan)
    return run(kernel, x, plan, 'int64')
  }
}

export interface ArgOptions {
  /** One dimension, or all of them flattened when absent. */
  dim?: number | null
  keepdim?: boolean
}

const argOptions: OptionNames<ArgOptions> = { dim: true, keepdim: true }

/** Index (int64) of the first largest element along `dim`, or in the flattened tensor. */
export const argmax = argExtremum('argmax', kernels.argmax)
/** Index (int64) of the first smallest element along `dim`, or in the flattened tensor. */
export const argmin = argExtremum('argmin', kernels.argmin)

export interface VarOptions extends ReduceOptions {
  /** Subtracted from the count: 1 (default) for the unbiased estimate, 0 for the population's. */
  correction?: number
}

const varOptions: OptionNames<VarOptions> = { ...reduceOptions, correction: true }

function varianceFor(op: string, x: Tensor, options?: VarOptions): Tensor {
  checkFloat(op, 'x', x)
  const { correction, ...reduce } = checkOptions(op, options, varOptions)
  const plan = planReduction(op, x, reduce)
  const count = reducedCount(plan) - checkNumber(op, 'correction', correction ?? 1)
  const centred = sub(x, mean(x, { dim: plan.dims, keepdim: true }))
  return mul(sum(square(centred), { dim: plan.dims, keepdim: reduce.keepdim }), 1 / Math.max(0, count))
}

/** Variance along `dim`: Σ (x − mean)² / (n − correction). */
export function variance(x: Tensor, options?: VarOptions): Tensor {
  return varianceFor('var', x, options)
}

/** Standard deviation along `dim`. */
export function std(x: Tensor, options?: VarOptions): Tensor {
  return sqrt(varianceFor('std', x, options))
}

declare module '../tensor' {
  interface Tensor {
    mean(options?: ReduceOptions): Tensor
    prod(options?: ReduceOptions): Tensor
    amax(options?: ReduceOptions): Tensor
    amin(options?: ReduceOptions): Tensor
    any(options?: ReduceOptions): Tensor
    all(options?: ReduceOptions): Tensor
    argmax(options?: ArgOptions): Tensor
    argmin(options?: ArgOptions): Tensor
    var(options?: VarOptions): Tensor
    std(options?: VarOptions): Tensor
  }
}

addMethods({ mean, prod, amax, amin, any, all, argmax, argmin, var: variance, std })
