// expand and sum: repeating along a dim and adding up along it are each other's gradient.
import { apply, type Op } from '../autograd'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { isFloat } from '../dtype'
import { ShapeError } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { broadcastShapes, checkDims, checkShape } from '../shape'
import { numelOf, sameShape, type Shape, Tensor } from '../tensor'
import { makeView, reshape } from './view'

interface Expand {
  shape: Shape
  from: Shape
}

const expandOp: Op<Expand> = {
  name: 'expand',
  forward: (_node, [input], { shape }) => {
    const x = input as Tensor
    const ahead = shape.length - x.ndim
    const strides = x.strides
    return makeView(
      x,
      shape,
      shape.map((n, d) => (d < ahead || (x.shape[d - ahead] === 1 && n !== 1) ? 0 : strides[d - ahead])),
    )
  },
  backward: (node, dy) => [sumTo(dy, node.attrs.from)],
}

/** Repeats dimensions of size 1 (and new leading ones) without copying; -1 keeps a size. */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensor('expand', 'x', x)
  const ahead = Array.isArray(shape) ? shape.length - x.ndim : 0
  const sizes: unknown = Array.isArray(shape)
    ? shape.map((n: unknown, d) => (n === -1 && d >= ahead ? x.shape[d - ahead] : n))
    : shape
  const wanted = checkShape('expand', sizes)
  if (sameShape(wanted, x.shape)) return x
  if (ahead < 0 || !sameShape(broadcastShapes('expand', x.shape, wanted), wanted)) {
    throw new ShapeError(
      `expand: expected a shape that [${x.shape.join(', ')}] broadcasts to, got [${shape.join(', ')}]`,
    )
  }
  return apply(expandOp, [x], { shape: wanted, from: x.shape })
}

export interface ReduceOptions {
  /** Dimensions to reduce; all when absent. Negative ones count from the end. */
  dim?: number | readonly number[] | null
  /** Keep reduced dimensions with size 1. */
  keepdim?: boolean
}

export const reduceOptions: OptionNames<ReduceOptions> = { dim: true, keepdim: true }

export interface Reduction {
  dims: readonly number[]
  /** Bit d set: dimension d is reduced. */
  mask: number
  /** The result's shape. */
  shape: Shape
  /** The result's shape with reduced dimensions kept. */
  kept: Shape
  from: Shape
}

export function planReduction(op: string, x: Tensor, options?: ReduceOptions): Reduction {
  checkTensor(op, 'x', x)
  const { dim, keepdim } = checkOptions(op, options, reduceOptions)
  const dims = checkDims(op, dim, x.ndim)
  let mask = 0
  for (const d of dims) mask |= 1 << d
  const kept = x.shape.map((n, d) => (mask & (1 << d) ? 1 : n))
  const shape = keepdim ? kept : x.shape.filter((_, d) => !(mask & (1 << d)))
  return { dims, mask, shape, kept, from: x.shape }
}

const sumOp: Op<Reduction> = {
  name: 'sum',
  forward: (_node, [input], { mask, shape }) => {
    const x = input as Tensor
    const y = new Tensor(shape, isFloat(x.dtype) ? x.dtype : 'int64', x.device)
    kernels.sum(x, y, mask)
    return y
  },
  backward: (node, dy) => [expand(reshape(dy, node.attrs.kept), node.attrs.from)],
}

/** Sum of the elements along `dim`. Integers and booleans add up in int64. */
export function sum(x: Tensor, options?: ReduceOptions): Tensor {
  return apply(sumOp, [x], planReduction('sum', x, options))
}

/** Sums out what broadcasting repeated: the gradient of a tensor of `shape` that was broadcast to x's. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  const ahead = x.ndim - shape.length
  const dims = x.shape.map((_, d) => d).filter((d) => d < ahead || (shape[d - ahead] === 1 && x.shape[d] !== 1))
  return reshape(dims.length === 0 ? x : sum(x, { dim: dims, keepdim: true }), shape)
}

/** Number of elements that one result element was reduced from. */
export function reducedCount(plan: Reduction): number {
  return numelOf(plan.dims.map((d) => plan.from[d]))
}

declare module '../tensor' {
  interface Tensor {
    expand(shape: Shape): Tensor
    sum(options?: ReduceOptions): Tensor
  }
}

addMethods({ expand, sum })
