// Order along one dim: sort, the first k of it, and what follows from them. Sorting is stable, NaN counts as the
// greatest. The gradient of a picked element goes where it was picked from.
import { apply, type Op } from '../autograd'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { isFloat } from '../dtype'
import { ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkDim, checkInteger } from '../shape'
import { Tensor } from '../tensor'
import { isnan } from './compare'
import { type Along, gather, gatherBackwardOp } from './indexing'
import { amax, argmax } from './reduce'
import { narrow, select } from './slice'
import { reshape, squeeze } from './view'
import { where } from './where'

interface Order extends Along {
  /** Size of the results along `dim`; null: all, by sorting. */
  k: number | null
  descending: boolean
}

const orderOp: Op<Order, Tensor[]> = {
  name: 'sort',
  forward: (node, [input], { dim, k, descending, from }) => {
    const x = input as Tensor
    const shape = from.map((n, d) => (d === dim ? (k ?? n) : n))
    const values = new Tensor(shape, x.dtype, x.device)
    const index = new Tensor(shape, 'int64', x.device)
    if (k === null) kernels.sort(x, values, index, dim, descending)
    else kernels.topk(x, values, index, dim, descending)
    node.save(index)
    return [values, index]
  },
  backward: (node, dy) => [apply(gatherBackwardOp, [dy, node.saved[0]], node.attrs)],
}

/** Values and where they come from (int64) along a dim. */
export type Ordered = [values: Tensor, indices: Tensor]

function order(x: Tensor, dim: number, k: number | null, descending: boolean): Ordered {
  const [values, index] = apply(orderOp, [x.ndim === 0 ? reshape(x, [1]) : x], {
    dim,
    k,
    descending,
    from: x.ndim === 0 ? [1] : x.shape,
  })
  return x.ndim === 0 ? [reshape(values, []), reshape(index, [])] : [values, index]
}

export interface SortOptions {
  /** Default -1. */
  dim?: number
  /** From the greatest to the least. Default false. */
  descending?: boolean
}

const sortOptions: OptionNames<SortOptions> = { dim: true, descending: true }

/**
 * The elements along `dim` in order, and the positions (int64) they come from. Stable, descending too: equal elements
 * stay in their order. NaN is the greatest.
 */
export function sort(x: Tensor, options?: SortOptions): Ordered {
  return sorted('sort', x, options)
}

function sorted(op: string, x: Tensor, options?: SortOptions): Ordered {
  checkTensor(op, 'x', x)
  const { dim = -1, descending = false } = checkOptions(op, options, sortOptions)
  return order(x, checkDim(op, dim, x.ndim), null, descending)
}

/** The positions (int64) of the elements along `dim` in order. */
export function argsort(x: Tensor, options?: SortOptions): Tensor {
  return sorted('argsort', x, options)[1]
}

export interface TopkOptions {
  /** Default -1. */
  dim?: number
  /** The k greatest, or else the k least. Default true. */
  largest?: boolean
}

const topkOptions: OptionNames<TopkOptions> = { dim: true, largest: true }

/**
 * The `k` greatest (or least) elements along `dim`, in order, and the positions (int64) they come from; of equal ones
 * those that come first. NaN is the greatest.
 */
export function topk(x: Tensor, k: number, options?: TopkOptions): Ordered {
  checkTensor('topk', 'x', x)
  const { dim = -1, largest = true } = checkOptions('topk', options, topkOptions)
  const along = checkDim('topk', dim, x.ndim)
  checkInteger('topk', 'k', k, x.ndim === 0 ? 1 : 0, x.ndim === 0 ? 1 : x.shape[along])
  return order(x, along, k, largest)
}

export interface SelectOptions {
  /** Default -1. */
  dim?: number
  /** Keep `dim` with size 1. */
  keepdim?: boolean
}

const selectOptions: OptionNames<SelectOptions> = { dim: true, keepdim: true }

/** The `k`-th least element along `dim` (k counts from 1) and its position (int64). NaN is the greatest. */
export function kthvalue(x: Tensor, k: number, options?: SelectOptions): Ordered {
  checkTensor('kthvalue', 'x', x)
  const { dim = -1, keepdim = false } = checkOptions('kthvalue', options, selectOptions)
  const along = checkDim('kthvalue', dim, x.ndim)
  checkInteger('kthvalue', 'k', k, 1, x.ndim === 0 ? 1 : x.shape[along])
  const found = order(x, along, k, false)
  if (x.ndim === 0) return found
  return found.map((t) => (keepdim ? narrow(t, along, k - 1, 1) : select(t, along, k - 1))) as Ordered
}

/** The median of all elements: of an even number of them the lesser of the two in the middle. NaN if there is one. */
export function median(x: Tensor): Tensor
/** The medians along `dim` and their positions (int64). */
export function median(x: Tensor, options: SelectOptions & { dim: number }): Ordered
export function median(x: Tensor, options?: SelectOptions & { dim: number }): Tensor | Ordered {
  checkTensor('median', 'x', x)
  if (options === undefined) return median(reshape(x, [x.numel]), { dim: 0 })[0]
  const { dim, keepdim = false } = checkOptions('median', options, selectOptions)
  const along = checkDim('median', dim, x.ndim)
  if (x.ndim === 0) return median(reshape(x, [1]), { dim: 0 })
  const n = x.shape[along]
  if (n === 0) throw new ShapeError(`median: expected at least one element along dim ${dim}, got ${show(x.shape)}`)
  const found = kthvalue(x, Math.ceil(n / 2), { dim: along, keepdim: true })
  const [values, index] = isFloat(x.dtype) ? preferNaN(x, along, found) : found
  return keepdim ? [values, index] : [squeeze(values, along), squeeze(index, along)]
}

/** The first NaN of those rows that have one. */
function preferNaN(x: Tensor, dim: number, [, index]: Ordered): Ordered {
  const place = where(isnan(amax(x, { dim, keepdim: true })), argmax(x, { dim, keepdim: true }), index)
  return [gather(x, dim, place), place]
}

declare module '../tensor' {
  interface Tensor {
    sort(options?: SortOptions): Ordered
    argsort(options?: SortOptions): Tensor
    topk(k: number, options?: TopkOptions): Ordered
    kthvalue(k: number, options?: SelectOptions): Ordered
    median(): Tensor
    median(options: SelectOptions & { dim: number }): Ordered
  }
}

addMethods({ sort, argsort, topk, kthvalue, median })
