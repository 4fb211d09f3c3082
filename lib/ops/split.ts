// Cutting a tensor along a dimension into views. One op makes all the pieces, so that their gradients are joined in one
// pass; a slice for each piece would write a whole gradient per piece.
import { apply, type Input, type Op } from '../autograd'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { addMethods } from '../methods'
import { checkInteger } from '../shape'
import { contiguousStrides, type Shape, Tensor } from '../tensor'
import { zeros } from './create'
import { checkOwnDim } from './slice'
import { makeView, reshape } from './view'

interface Split {
  dim: number
  /** Size of each piece along `dim`. */
  sizes: readonly number[]
  /** Pieces of size 1 without the dimension. */
  drops: boolean
  from: Shape
}

const splitOp: Op<Split, Tensor[]> = {
  name: 'split',
  forward: (_node, [input], { dim, sizes, drops }) => {
    const x = input as Tensor
    const strides = x.strides
    const kept = (values: readonly number[]) => (drops ? values.filter((_, d) => d !== dim) : values)
    const keptStrides = kept(strides)
    let start = 0
    return sizes.map((size) => {
      const offset = x.numel === 0 ? 0 : start * strides[dim]
      start += size
      return makeView(x, kept(x.shape.map((n, d) => (d === dim ? size : n))), keptStrides, size === 0 ? 0 : offset)
    })
  },
  backward: (node, ...gradients) => [apply(joinOp, gradients.map((g) => (g as Tensor | null) ?? 0), node.attrs)],
}

/** The native argument block holds a list of this length. */
const longest = 4096

/** The pieces' gradients put together; 0 stands for a piece that nobody used. */
const joinOp: Op<Split> = {
  name: 'splitBackward',
  forward: (_node, inputs: readonly Input[], { dim, sizes, from }) => {
    const { dtype, device } = inputs.find((g) => g instanceof Tensor) as Tensor
    const dx = inputs.length > longest ? zeros(from, { dtype, device }) : new Tensor(from, dtype, device)
    const pieces = inputs.map((g, i) => {
      const shape = from.map((n, d) => (d === dim ? sizes[i] : n))
      return g instanceof Tensor ? reshape(g, shape) : zeros(shape, { dtype, device })
    })
    const strides = contiguousStrides(from)
    let start = 0
    for (let i = 0; i < pieces.length; i += longest) {
      const part = pieces.slice(i, i + longest)
      const length = part.reduce((sum, piece) => sum + piece.shape[dim], 0)
      const shape = from.map((n, d) => (d === dim ? length : n))
      kernels.cat(part, length === from[dim] ? dx : makeView(dx, shape, strides, start * strides[dim]), dim)
      start += length
    }
    return dx
  },
  backward: (node, ddx) => apply(splitOp, [ddx], node.attrs),
}

function checkSizes(sizes: unknown): readonly number[] {
  if (Array.isArray(sizes) && sizes.every((n) => Number.isSafeInteger(n) && n >= 0)) return sizes as number[]
  throw new ArgumentError(`split: expected a size or an array of sizes, got ${show(sizes)}`)
}

/** Views of at most `size` elements (or of the given sizes) along `dim`. */
export function split(x: Tensor, size: number | readonly number[], dim = 0): Tensor[] {
  const at = checkOwnDim('split', x, dim)
  const n = x.shape[at]
  const step = typeof size === 'number' ? checkInteger('split', 'size', size, 1) : 0
  const sizes =
    typeof size === 'number'
      ? Array.from({ length: Math.max(1, Math.ceil(n / step)) }, (_, i) => Math.min(step, n - i * step))
      : checkSizes(size)
  if (sizes.reduce((a, b) => a + b, 0) !== n) {
    throw new ShapeError(`split: expected sizes that add up to ${n}, got ${show(size)}`)
  }
  return apply(splitOp, [x], { dim: at, sizes, drops: false, from: x.shape })
}

/** Splits dimension `dim` into `count` views of nearly equal size. */
export function chunk(x: Tensor, count: number, dim = 0): Tensor[] {
  const at = checkOwnDim('chunk', x, dim)
  return split(x, Math.max(1, Math.ceil(x.shape[at] / checkInteger('chunk', 'count', count, 1))), at)
}

/** The slices of dimension `dim`, which is dropped. */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  const at = checkOwnDim('unbind', x, dim)
  const sizes = new Array<number>(x.shape[at]).fill(1)
  return sizes.length === 0 ? [] : apply(splitOp, [x], { dim: at, sizes, drops: true, from: x.shape })
}

declare module '../tensor' {
  interface Tensor {
    split(size: number | readonly number[], dim?: number): Tensor[]
    chunk(count: number, dim?: number): Tensor[]
    unbind(dim?: number): Tensor[]
  }
}

addMethods({ split, chunk, unbind })
