// Views: new tensors on the same memory. The gradient of a view is the matching view of its gradient.
import { apply, type Op } from '../autograd'
import { checkTensor } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import { block, finish, native } from '../native'
import { checkDim, checkShape } from '../shape'
import { contiguousStrides, numelOf, sameShape, type Shape, Tensor } from '../tensor'
import { addMethods } from '../methods'
import { rowMajor } from './copy'

/** A tensor that shares x's memory; `offset` counts elements from x's first one. Not recorded: ops build on it. */
export function makeView(x: Tensor, shape: Shape, strides: Shape, offset = 0): Tensor {
  const y = new Tensor(shape, x.dtype, x.device)
  const ndim = shape.length
  block[0] = x.id
  block[1] = ndim
  for (let d = 0; d < ndim; d++) {
    block[2 + d] = shape[d]
    block[2 + ndim + d] = strides[d]
  }
  block[2 + 2 * ndim] = offset
  finish(native.view(y))
  y.id = block[0] | 0
  y.setStrides(strides)
  y.base = x.base ?? x
  y.base.isViewed = true
  return y
}

/** The strides of x seen as `shape`, or null if that needs a copy. */
function viewStrides(x: Tensor, shape: Shape): Shape | null {
  if (x.isContiguous) return contiguousStrides(shape)
  // From the last dim on: a group of x's dims that is dense in itself can be cut anew.
  const from = x.shape
  const fromStrides = x.strides
  const strides = new Array<number>(shape.length)
  let to = shape.length - 1
  for (let d = from.length - 1; d >= 0; d--) {
    let size = from[d]
    const step = fromStrides[d]
    while (d > 0 && (from[d - 1] === 1 || fromStrides[d - 1] === size * step)) size *= from[--d]
    let taken = 1
    while (to >= 0 && (taken < size || shape[to] === 1)) {
      strides[to] = step * taken
      taken *= shape[to--]
    }
    if (taken !== size) return null
  }
  while (to >= 0) strides[to--] = 1
  return strides
}

interface Reshape {
  shape: Shape
  from: Shape
}

const reshapeOp: Op<Reshape> = {
  name: 'reshape',
  forward: (_node, [x], { shape }) => {
    const strides = viewStrides(x as Tensor, shape)
    if (strides !== null) return makeView(x as Tensor, shape, strides)
    return makeView(rowMajor(x as Tensor), shape, contiguousStrides(shape))
  },
  backward: (node, dy) => [reshape(dy, node.attrs.from)],
}

/**
 * The elements of `x` in another shape with as many elements; one size may be -1. A view where strides allow, else a
 * copy. If `x` has that shape already, the result is the very same tensor: disposing it disposes `x`.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'x', x)
  const wanted = inferShape(x, shape)
  return sameShape(wanted, x.shape) ? x : apply(reshapeOp, [x], { shape: wanted, from: x.shape })
}

function inferShape(x: Tensor, shape: unknown): Shape {
  const free = Array.isArray(shape) ? shape.indexOf(-1) : -1
  if (free < 0) {
    if (numelOf(checkShape('reshape', shape)) === x.numel) return [...(shape as Shape)]
  } else {
    const known = (shape as number[]).map((n, d) => (d === free ? 1 : n))
    const rest = numelOf(checkShape('reshape', known))
    if (rest > 0 && x.numel % rest === 0) return known.map((n, d) => (d === free ? x.numel / rest : n))
  }
  throw new ShapeError(
    `reshape: expected a shape of ${x.numel} elements for [${x.shape.join(', ')}], got ${show(shape)}`,
  )
}

const permuteOp: Op<readonly number[]> = {
  name: 'permute',
  forward: (_node, [input], dims) => {
    const x = input as Tensor
    const strides = x.strides
    return makeView(
      x,
      dims.map((d) => x.shape[d]),
      dims.map((d) => strides[d]),
    )
  },
  backward: (node, dy) => [permute(dy, inverse(node.attrs))],
}

function inverse(dims: readonly number[]): number[] {
  const result = new Array<number>(dims.length)
  dims.forEach((d, i) => (result[d] = i))
  return result
}

/** Reorders the dimensions: result dim `i` is dim `dims[i]` of `x`. */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  checkTensor('permute', 'x', x)
  const order = Array.isArray(dims) ? dims.map((dim: unknown) => checkDim('permute', dim, x.ndim)) : []
  if (order.length !== x.ndim || new Set(order).size !== order.length) {
    throw new ShapeError(`permute: expected each of the ${x.ndim} dims once, got ${show(dims)}`)
  }
  return apply(permuteOp, [x], order)
}

/** Swaps two dimensions. */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  checkTensor('transpose', 'x', x)
  const order = x.shape.map((_, d) => d)
  const a = checkDim('transpose', dim0, x.ndim)
  const b = checkDim('transpose', dim1, x.ndim)
  if (order.length === 0) return x
  ;[order[a], order[b]] = [order[b], order[a]]
  return apply(permuteOp, [x], order)
}

/** Inserts a dimension of size 1 before `dim`. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor('unsqueeze', 'x', x)
  const at = checkDim('unsqueeze', dim, x.ndim + 1)
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)])
}

/** Removes dimension `dim` if its size is 1; without `dim`, all dimensions of size 1. */
export function squeeze(x: Tensor, dim?: number): Tensor {
  checkTensor('squeeze', 'x', x)
  const at = dim === undefined ? null : checkDim('squeeze', dim, x.ndim)
  return reshape(
    x,
    x.shape.filter((n, d) => n !== 1 || (at !== null && d !== at)),
  )
}

/** Joins the dimensions from `startDim` to `endDim` into one. */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  checkTensor('flatten', 'x', x)
  const start = checkDim('flatten', startDim, x.ndim)
  const end = checkDim('flatten', endDim, x.ndim)
  if (start > end) throw new ArgumentError(`flatten: expected startDim before endDim, got ${startDim} and ${endDim}`)
  return reshape(x, [...x.shape.slice(0, start), numelOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)])
}

/** The same values, outside the graph: a view that requires no gradient. */
export function detach(x: Tensor): Tensor {
  checkTensor('detach', 'x', x)
  return makeView(x, x.shape, x.strides)
}

declare module '../tensor' {
  interface Tensor {
    reshape(shape: Shape): Tensor
    view(shape: Shape): Tensor
    permute(dims: readonly number[]): Tensor
    transpose(dim0: number, dim1: number): Tensor
    unsqueeze(dim: number): Tensor
    squeeze(dim?: number): Tensor
    flatten(startDim?: number, endDim?: number): Tensor
    detach(): Tensor
    /** Swaps the last two dimensions. */
    readonly mT: Tensor
    /** A matrix transposed. */
    readonly T: Tensor
  }
}

const methods = { reshape, permute, transpose, unsqueeze, squeeze, flatten, detach }
addMethods({ ...methods, view: reshape })
Object.defineProperty(Tensor.prototype, 'mT', {
  get(this: Tensor) {
    return transpose(this, -2, -1)
  },
})
Object.defineProperty(Tensor.prototype, 'T', {
  get(this: Tensor) {
    if (this.ndim > 2) throw new ShapeError(`T: expected at most 2 dims, got [${this.shape.join(', ')}]; use mT`)
    return this.ndim < 2 ? this : transpose(this, 0, 1)
  },
})
