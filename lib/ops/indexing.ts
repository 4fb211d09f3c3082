// Movement by index. Picking rows and adding to rows are each other's gradient, and so are gather and scatterAdd.
// Indices are int64 (or int32) and not negative; one that is out of range surfaces at the next await, as the code
// INDEX_OUT_OF_RANGE.
import { apply, type Op } from '../autograd'
import { checkIndex, checkOptions, checkSameDType, checkTensor } from '../check'
import { checkDType, type DType } from '../dtype'
import { ArgumentError, DTypeError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkDim, checkInteger } from '../shape'
import { sameShape, type Shape, Tensor } from '../tensor'
import { clone } from './copy'
import { zeros } from './create'
import { slice } from './slice'
import { unsqueeze } from './view'

export interface Along {
  dim: number
  /** The shape of what the elements are picked from or added to. */
  from: Shape
}

const shown = (t: Tensor) => `[${t.shape.join(', ')}]`

/** Checks x and index and resolves dim. */
function checkAlong(op: string, x: Tensor, dim: number, index: Tensor): number {
  if (checkTensor(op, 'x', x).ndim === 0) throw new ShapeError(`${op}: expected x of at least 1 dimension, got []`)
  checkIndex(op, 'index', index)
  return checkDim(op, dim, x.ndim)
}

function checkAddable(op: string, x: Tensor): void {
  if (x.dtype === 'bool') throw new DTypeError(`${op}: expected numbers, got bool`)
}

const indexSelectOp: Op<Along> = {
  name: 'indexSelect',
  forward: (node, [input, at], { dim, from }) => {
    const x = input as Tensor
    const index = at as Tensor
    const y = new Tensor(
      from.map((n, d) => (d === dim ? index.shape[0] : n)),
      x.dtype,
      x.device,
    )
    kernels.indexSelect(x, index, y, dim)
    node.save(index)
    return y
  },
  backward: (node, dy) => [apply(indexSelectBackwardOp, [dy, node.saved[0]], node.attrs), null],
}

/** Zeros with the rows of dy added where they were picked. */
const indexSelectBackwardOp: Op<Along> = {
  name: 'indexSelectBackward',
  forward: (node, [input, at], { dim, from }) => {
    const dy = input as Tensor
    const dx = zeros(from, { dtype: dy.dtype, device: dy.device })
    kernels.indexAdd(dx, at as Tensor, dy, dim)
    node.save(at as Tensor)
    return dx
  },
  backward: (node, ddx) => [apply(indexSelectOp, [ddx, node.saved[0]], node.attrs), null],
}

/** The slices of x along `dim` that `index` [n] names, in its order. */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  const along = checkAlong('indexSelect', x, dim, index)
  if (index.ndim !== 1) throw new ShapeError(`indexSelect: expected an index [n], got ${shown(index)}`)
  return apply(indexSelectOp, [x, index], { dim: along, from: x.shape })
}

const indexAddOp: Op<Along> = {
  name: 'indexAdd',
  forward: (node, [x, at, source], { dim }) => {
    const y = clone(x as Tensor)
    kernels.indexAdd(y, at as Tensor, source as Tensor, dim)
    node.save(at as Tensor)
    return y
  },
  backward: (node, dy) => [dy, null, node.needs(2) ? indexSelect(dy, node.attrs.dim, node.saved[0]) : null],
}

/** x with the slices of `source` along `dim` added to the slices that `index` [n] names; repeated ones add up. */
export function indexAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const along = checkAlong('indexAdd', x, dim, index)
  checkAddable('indexAdd', x)
  checkSameDType('indexAdd', 'source', source, x.dtype)
  if (index.ndim !== 1) throw new ShapeError(`indexAdd: expected an index [n], got ${shown(index)}`)
  const wanted = x.shape.map((n, d) => (d === along ? index.shape[0] : n))
  if (!sameShape(source.shape, wanted)) {
    throw new ShapeError(`indexAdd: expected source [${wanted.join(', ')}], got ${shown(source)}`)
  }
  return apply(indexAddOp, [x, index, source], { dim: along, from: x.shape })
}

const gatherOp: Op<Along> = {
  name: 'gather',
  forward: (node, [input, at], { dim }) => {
    const x = input as Tensor
    const index = at as Tensor
    const y = new Tensor(index.shape, x.dtype, x.device)
    kernels.gather(x, index, y, dim)
    node.save(index)
    return y
  },
  backward: (node, dy) => [apply(gatherBackwardOp, [dy, node.saved[0]], node.attrs), null],
}

/** Zeros with the elements of dy added where they were picked: the gradient of picking by index along `dim`. */
export const gatherBackwardOp: Op<Along> = {
  name: 'gatherBackward',
  forward: (node, [input, at], { dim, from }) => {
    const dy = input as Tensor
    const dx = zeros(from, { dtype: dy.dtype, device: dy.device })
    kernels.scatterAdd(dx, at as Tensor, dy, dim)
    node.save(at as Tensor)
    return dx
  },
  backward: (node, ddx) => [apply(gatherOp, [ddx, node.saved[0]], node.attrs), null],
}

/** Checks that index has x's dims and is nowhere longer but along `dim`. */
function checkFits(op: string, x: Tensor, dim: number, index: Tensor): void {
  if (index.ndim === x.ndim && index.shape.every((n, d) => d === dim || n <= x.shape[d])) return
  const limit = x.shape.map((n, d) => (d === dim ? 'any' : `≤ ${n}`)).join(', ')
  throw new ShapeError(`${op}: expected an index [${limit}] for x ${shown(x)}, got ${shown(index)}`)
}

/**
 * y of index's shape with, for `dim` 1 of 3, y[i][j][k] = x[i][index[i][j][k]][k]. Index has as many dims as x and is
 * nowhere longer, except along `dim`.
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  const along = checkAlong('gather', x, dim, index)
  checkFits('gather', x, along, index)
  return apply(gatherOp, [x, index], { dim: along, from: x.shape })
}

/** The part of `source` that index covers. */
function covered(op: string, source: Tensor, index: Tensor): Tensor {
  if (sameShape(source.shape, index.shape)) return source
  if (source.ndim !== index.ndim || index.shape.some((n, d) => n > source.shape[d])) {
    throw new ShapeError(`${op}: expected a source that covers index ${shown(index)}, got ${shown(source)}`)
  }
  return slice(
    source,
    index.shape.map((n) => [0, n]),
  )
}

const scatterOp: Op<Along> = {
  name: 'scatter',
  forward: (node, [input, at, source], { dim }) => {
    const x = input as Tensor
    const y = clone(x)
    kernels.scatter(y, at as Tensor, source instanceof Tensor ? source : { dtype: x.dtype, value: source }, dim)
    node.save(at as Tensor)
    return y
  },
  backward: (node, dy) => {
    const [index] = node.saved
    const { dim } = node.attrs
    return [
      node.needs(0) ? scatter(dy, dim, index, 0) : null,
      null,
      node.needs(2) ? gather(dy, dim, index) : null,
    ]
  },
}

/**
 * x with, for `dim` 1 of 3, y[i][index[i][j][k]][k] = source[i][j][k] (or the number `source`). Where indices repeat,
 * the last one in row-major order is written, and the gradient of `source` is not defined.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: Tensor | number | bigint): Tensor {
  const along = checkAlong('scatter', x, dim, index)
  checkFits('scatter', x, along, index)
  const attrs = { dim: along, from: x.shape }
  if (typeof source === 'number' || typeof source === 'bigint') return apply(scatterOp, [x, index, source], attrs)
  checkSameDType('scatter', 'source', source, x.dtype)
  return apply(scatterOp, [x, index, covered('scatter', source, index)], attrs)
}

const scatterAddOp: Op<Along> = {
  name: 'scatterAdd',
  forward: (node, [x, at, source], { dim }) => {
    const y = clone(x as Tensor)
    kernels.scatterAdd(y, at as Tensor, source as Tensor, dim)
    node.save(at as Tensor)
    return y
  },
  backward: (node, dy) => [dy, null, node.needs(2) ? gather(dy, node.attrs.dim, node.saved[0]) : null],
}

/** x with, for `dim` 1 of 3, source[i][j][k] added to y[i][index[i][j][k]][k]; repeated indices add up. */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const along = checkAlong('scatterAdd', x, dim, index)
  checkAddable('scatterAdd', x)
  checkFits('scatterAdd', x, along, index)
  checkSameDType('scatterAdd', 'source', source, x.dtype)
  return apply(scatterAddOp, [x, index, covered('scatterAdd', source, index)], { dim: along, from: x.shape })
}

/**
 * Class numbers as rows of zeros with a single 1: index [...] gives [..., numClasses], int64 unless `dtype` is given.
 */
export function oneHot(index: Tensor, numClasses: number, options?: { dtype?: DType }): Tensor {
  checkIndex('oneHot', 'index', index)
  checkInteger('oneHot', 'numClasses', numClasses, 1)
  if (index.ndim === 8) throw new ArgumentError(`oneHot: expected an index of at most 7 dims, got ${show(index.shape)}`)
  const dtype = checkDType('oneHot', checkOptions('oneHot', options, { dtype: true }).dtype ?? 'int64')
  const y = zeros([...index.shape, numClasses], { dtype, device: index.device })
  kernels.scatter(y, unsqueeze(index, -1), { dtype, value: 1 }, y.ndim - 1)
  return y
}

declare module '../tensor' {
  interface Tensor {
    indexSelect(dim: number, index: Tensor): Tensor
    indexAdd(dim: number, index: Tensor, source: Tensor): Tensor
    gather(dim: number, index: Tensor): Tensor
    scatter(dim: number, index: Tensor, source: Tensor | number | bigint): Tensor
    scatterAdd(dim: number, index: Tensor, source: Tensor): Tensor
  }
}

addMethods({ indexSelect, indexAdd, gather, scatter, scatterAdd })
