// Parts of tensors, as views. The gradient of a part is scattered into zeros.
import { apply, type Op } from '../autograd'
import { checkTensor } from '../check'
import { ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkDim, checkInteger } from '../shape'
import { contiguousStrides, type Shape, type Tensor } from '../tensor'
import { rowMajor } from './copy'
import { zeros } from './create'
import { makeView } from './view'

interface Slice {
  shape: Shape
  strides: Shape
  offset: number
}

interface SliceAttrs {
  /** The slice in x's own strides. */
  view: Slice
  /** The same slice of a contiguous tensor, where the gradient is scattered. */
  dense: Slice
  from: Shape
}

const sliceOp: Op<SliceAttrs> = {
  name: 'slice',
  forward: (_node, [x], { view }) => makeView(x as Tensor, view.shape, view.strides, view.offset),
  backward: (node, dy) => [apply(sliceBackwardOp, [dy], node.attrs)],
}

/** Zeros of the shape that a slice was taken from, with the slice's elements in their places. */
const sliceBackwardOp: Op<SliceAttrs> = {
  name: 'sliceBackward',
  forward: (_node, [input], { dense, from }) => {
    const dy = input as Tensor
    const dx = zeros(from, { dtype: dy.dtype, device: dy.device })
    kernels.copy(dy, makeView(dx, dense.shape, dense.strides, dense.offset))
    return dx
  },
  backward: (node, ddx) => [apply(sliceOp, [rowMajor(ddx)], { ...node.attrs, view: node.attrs.dense })],
}

/** `[start, end, step]` of one dimension; null means from the start, to the end. A number picks and drops the dim. */
export type SliceRange = readonly (number | null)[] | number | null

/**
 * A view of part of each dimension, as Python's `x[0:2, ::2, 3]` is `x.slice([[0, 2], [null, null, 2], 3])`. Negative
 * starts and ends count from the end; out-of-range ones are clipped; steps are positive. Missing dims are whole.
 */
export function slice(x: Tensor, ranges: readonly SliceRange[]): Tensor {
  checkTensor('slice', 'x', x)
  if (!Array.isArray(ranges) || ranges.length > x.ndim) {
    throw new ShapeError(`slice: expected at most ${x.ndim} ranges for [${x.shape.join(', ')}], got ${show(ranges)}`)
  }
  const strides = x.strides
  const dense = contiguousStrides(x.shape)
  const shape: number[] = []
  const viewSteps: number[] = []
  const denseSteps: number[] = []
  let offset = 0
  let denseOffset = 0
  x.shape.forEach((n, d) => {
    const range = (ranges as SliceRange[])[d] ?? null
    const [start, size, step] = resolveRange(range, n, d)
    offset += start * strides[d]
    denseOffset += start * dense[d]
    if (typeof range === 'number') return
    shape.push(size)
    viewSteps.push(step * strides[d])
    denseSteps.push(step * dense[d])
  })
  if (shape.includes(0)) offset = denseOffset = 0
  return apply(sliceOp, [x], {
    view: { shape, strides: viewSteps, offset },
    dense: { shape, strides: denseSteps, offset: denseOffset },
    from: x.shape,
  })
}

/** Start, number of elements and step of a range in a dimension of n. */
function resolveRange(range: SliceRange, n: number, d: number): [number, number, number] {
  if (range === null) return [0, n, 1]
  if (typeof range === 'number') {
    if (!Number.isInteger(range) || range < -n || range >= n) {
      throw new ShapeError(`slice: expected an index in [${-n}, ${n - 1}] for dim ${d}, got ${show(range)}`)
    }
    return [range < 0 ? range + n : range, 1, 1]
  }
  const [first = null, last = null, step = 1] = Array.isArray(range) ? (range as (number | null)[]) : [NaN]
  if (![first, last].every((v) => v === null || Number.isSafeInteger(v)) || !Number.isSafeInteger(step) || step! < 1) {
    throw new ShapeError(`slice: expected [start, end, step > 0] for dim ${d}, got ${show(range)}`)
  }
  const clip = (v: number) => Math.min(Math.max(v < 0 ? v + n : v, 0), n)
  const start = clip(first ?? 0)
  const end = clip(last ?? n)
  return [start, Math.max(0, Math.ceil((end - start) / (step as number))), step as number]
}

/** A dimension of a tensor that has any. */
export function checkOwnDim(op: string, x: Tensor, dim: number): number {
  if (checkTensor(op, 'x', x).ndim > 0) return checkDim(op, dim, x.ndim)
  throw new ShapeError(`${op}: expected at least 1 dimension, got []`)
}

/** Elements `start` to `start + length` of one dimension, as a view. */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  const at = checkOwnDim('narrow', x, dim)
  const n = x.shape[at]
  const first = checkInteger('narrow', 'start', start, 0, n)
  checkInteger('narrow', 'length', length, 0, n - first)
  return slice(x, [...new Array<null>(at).fill(null), [first, first + length]])
}

/** Element `index` of dimension `dim`, which is dropped. */
export function select(x: Tensor, dim: number, index: number): Tensor {
  const at = checkOwnDim('select', x, dim)
  checkInteger('select', 'index', index, -x.shape[at], x.shape[at] - 1)
  return slice(x, [...new Array<null>(at).fill(null), index])
}

declare module '../tensor' {
  interface Tensor {
    slice(ranges: readonly SliceRange[]): Tensor
    narrow(dim: number, start: number, length: number): Tensor
    select(dim: number, index: number): Tensor
  }
}

addMethods({ slice, narrow, select })
