// Pooling over the last 1 to 3 dims of [B, C, ...] or [C, ...]. The gradient of max pooling goes where the maximum was
// found; its own gradient picks from there. Average pooling and its gradient are linear: each is the other's gradient.
import { apply, type Op } from '../autograd'
import { checkFloat, checkOptions, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { checkInteger, checkPerDim } from '../shape'
import { numelOf, type Shape, Tensor } from '../tensor'
import { tensor } from './create'
import { gather } from './indexing'
import { matmul } from './matmul'
import { mean } from './reduce'
import { reshape, squeeze, transpose, unsqueeze } from './view'

interface Pool {
  size: readonly number[]
  stride: readonly number[]
  padding: readonly number[]
  dilation: readonly number[]
  countIncludePad: boolean
  returnIndices: boolean
  x: Shape
  y: Shape
}

const maxPoolOp: Op<Pool, Tensor[]> = {
  name: 'maxPool',
  forward: (node, [input], p) => {
    const x = input as Tensor
    const y = new Tensor(p.y, x.dtype, x.device)
    // Indices for the gradient alone are half as long; nobody else looks at them.
    const wanted = p.returnIndices || node.records(0)
    const index = wanted ? new Tensor(p.y, p.returnIndices ? 'int64' : 'int32', x.device) : null
    kernels.maxPool(x, y, index, p.size, p.stride, p.padding, p.dilation)
    node.save(index)
    return p.returnIndices ? [y, index as Tensor] : [y]
  },
  backward: (node, dy) => [apply(maxPoolBackwardOp, [dy, node.saved[0]], node.attrs)],
}

const maxPoolBackwardOp: Op<Pool> = {
  name: 'maxPoolBackward',
  forward: (node, inputs, p) => {
    const [dy, index] = inputs as readonly Tensor[]
    const dx = new Tensor(p.x, dy.dtype, dy.device)
    kernels.maxPoolBackward(dy, index, dx, p.size, p.stride, p.padding, p.dilation)
    node.save(index)
    return dx
  },
  backward: (node, ddx) => {
    const [index] = node.saved
    const planes = (t: Tensor) => reshape(t, [t.shape[0], t.shape[1], numelOf(t.shape.slice(2))])
    return [reshape(gather(planes(ddx), 2, planes(index).to('int64')), node.attrs.y), null]
  },
}

const avgPoolOp: Op<Pool> = {
  name: 'avgPool',
  forward: (_node, [input], p) => {
    const x = input as Tensor
    const y = new Tensor(p.y, x.dtype, x.device)
    kernels.avgPool(x, y, p.size, p.stride, p.padding, p.countIncludePad)
    return y
  },
  backward: (node, dy) => [apply(avgPoolBackwardOp, [dy], node.attrs)],
}

const avgPoolBackwardOp: Op<Pool> = {
  name: 'avgPoolBackward',
  forward: (_node, [input], p) => {
    const dy = input as Tensor
    const dx = new Tensor(p.x, dy.dtype, dy.device)
    kernels.avgPoolBackward(dy, dx, p.size, p.stride, p.padding, p.countIncludePad)
    return dx
  },
  backward: (node, ddx) => [apply(avgPoolOp, [ddx], node.attrs)],
}

interface PoolOptions {
  /** Size of the window. */
  kernelSize: number | readonly number[]
  /** Steps of the window. Default: its size. */
  stride?: number | readonly number[] | null
  /** Border on both sides, at most half the window. Default 0. */
  padding?: number | readonly number[]
  /** Let a last window hang over the end. */
  ceilMode?: boolean
}

export interface MaxPoolOptions extends PoolOptions {
  /** Distance between the window's elements. Default 1. */
  dilation?: number | readonly number[]
  /** Return also where in its [spatial ...] plane (int64, row-major) each maximum was found. */
  returnIndices?: boolean
}

export interface AvgPoolOptions extends PoolOptions {
  /** Count the border's zeros in the mean. Default true. */
  countIncludePad?: boolean
}

const poolOptions: OptionNames<PoolOptions> = { kernelSize: true, stride: true, padding: true, ceilMode: true }
const maxPoolOptions: OptionNames<MaxPoolOptions> = { ...poolOptions, dilation: true, returnIndices: true }
const avgPoolOptions: OptionNames<AvgPoolOptions> = { ...poolOptions, countIncludePad: true }

function checkPooled(op: string, spatial: number, x: Tensor): Tensor {
  if (checkFloat(op, 'x', x).ndim !== spatial + 2 && x.ndim !== spatial + 1) {
    throw new ShapeError(`${op}: expected x of ${spatial + 2} dims, or ${spatial + 1} unbatched, got ${show(x.shape)}`)
  }
  if (x.shape.slice(-spatial).includes(0)) {
    throw new ShapeError(`${op}: expected spatial sizes of at least 1, got ${show(x.shape)}`)
  }
  return x.ndim === spatial + 1 ? unsqueeze(x, 0) : x
}

function plan(op: string, spatial: number, x: Tensor, options: MaxPoolOptions & AvgPoolOptions): Pool {
  const size = checkPerDim(op, 'kernelSize', options.kernelSize, spatial, 1)
  const stride = checkPerDim(op, 'stride', options.stride ?? size, spatial, 1)
  const padding = checkPerDim(op, 'padding', options.padding ?? 0, spatial, 0)
  const dilation = checkPerDim(op, 'dilation', options.dilation ?? 1, spatial, 1)
  if (padding.some((n, i) => 2 * n > size[i])) {
    throw new ArgumentError(`${op}: expected padding of at most half the window ${show(size)}, got ${show(padding)}`)
  }
  const sizes = size.map((window, i) => {
    const n = x.shape[i + 2]
    const room = n + 2 * padding[i] - dilation[i] * (window - 1) - 1
    const steps = options.ceilMode ? Math.ceil(room / stride[i]) : Math.floor(room / stride[i])
    // A window that hangs over must still begin inside the input or its left border.
    const count = options.ceilMode && steps * stride[i] >= n + padding[i] ? steps : steps + 1
    if (count >= 1 && (room >= 0 || options.ceilMode)) return count
    throw new ShapeError(
      `${op}: expected x at least as large as the window ${show(size)} with dilation ${show(dilation)}, ` +
        `got ${show(x.shape)} with padding ${show(padding)}`,
    )
  })
  const y = [x.shape[0], x.shape[1], ...sizes]
  const { countIncludePad = true, returnIndices = false } = options
  return { size, stride, padding, dilation, countIncludePad, returnIndices, x: x.shape, y }
}

interface MaxPool {
  (x: Tensor, options: MaxPoolOptions & { returnIndices: true }): [Tensor, Tensor]
  (x: Tensor, options: MaxPoolOptions & { returnIndices?: false }): Tensor
}

function maxPool(spatial: 1 | 2 | 3): MaxPool {
  const op = `maxPool${spatial}d`
  const pool = (x: Tensor, options: MaxPoolOptions): Tensor | Tensor[] => {
    const batched = checkPooled(op, spatial, x)
    const given = checkOptions(op, options, maxPoolOptions)
    const results = apply(maxPoolOp, [batched], plan(op, spatial, batched, given))
    const unbatched = results.map((t) => (x.ndim === batched.ndim ? t : squeeze(t, 0)))
    return given.returnIndices ? unbatched : unbatched[0]
  }
  return pool as MaxPool
}

function avgPool(spatial: 1 | 2 | 3): (x: Tensor, options: AvgPoolOptions) => Tensor {
  const op = `avgPool${spatial}d`
  return (x, options) => {
    const batched = checkPooled(op, spatial, x)
    const y = apply(avgPoolOp, [batched], plan(op, spatial, batched, checkOptions(op, options, avgPoolOptions)))
    return x.ndim === batched.ndim ? y : squeeze(y, 0)
  }
}

/** Largest element of each window of x [B, C, W] or [C, W]. */
export const maxPool1d = maxPool(1)
/** Largest element of each window of x [B, C, H, W] or [C, H, W]. */
export const maxPool2d = maxPool(2)
/** Largest element of each window of x [B, C, D, H, W] or [C, D, H, W]. */
export const maxPool3d = maxPool(3)
/** Mean of each window of x [B, C, W] or [C, W]. */
export const avgPool1d = avgPool(1)
/** Mean of each window of x [B, C, H, W] or [C, H, W]. */
export const avgPool2d = avgPool(2)
/** Mean of each window of x [B, C, D, H, W] or [C, D, H, W]. */
export const avgPool3d = avgPool(3)

/** [n, m]: row i averages the elements from ⌊i·m/n⌋ up to ⌈(i+1)·m/n⌉ of m. */
function averaging(n: number, m: number, like: Tensor): Tensor {
  const rows = new Float64Array(n * m)
  for (let i = 0; i < n; i++) {
    const start = Math.floor((i * m) / n)
    const end = Math.ceil(((i + 1) * m) / n)
    rows.fill(1 / (end - start), i * m + start, i * m + end)
  }
  return tensor(rows, { shape: [n, m], dtype: like.dtype, device: like.device })
}

function adaptiveAvgPool(spatial: 1 | 2 | 3): (x: Tensor, outputSize: number | readonly (number | null)[]) => Tensor {
  const op = `adaptiveAvgPool${spatial}d`
  return (x, outputSize) => {
    const batched = checkPooled(op, spatial, x)
    const from = batched.shape.slice(2)
    const wanted = typeof outputSize === 'number' ? new Array<number>(spatial).fill(outputSize) : outputSize
    if (!Array.isArray(wanted) || wanted.length !== spatial) {
      throw new ArgumentError(`${op}: expected an output size or ${spatial} of them, got ${show(outputSize)}`)
    }
    const sizes = from.map((n, i) => checkInteger(op, 'outputSize', (wanted as (number | null)[])[i] ?? n, 1))
    // The windows of one dim do not depend on the others', so a dim that is no multiple is averaged by a matrix.
    let y = batched
    sizes.forEach((n, i) => {
      if (from[i] % n === 0) return
      const columns = transpose(averaging(n, from[i], batched), 0, 1)
      y = transpose(matmul(transpose(y, i + 2, -1), columns), i + 2, -1)
    })
    const window = sizes.map((n, i) => y.shape[i + 2] / n)
    if (sizes.every((n) => n === 1)) y = mean(y, { dim: sizes.map((_, i) => i + 2), keepdim: true })
    else if (window.some((n) => n > 1)) y = apply(avgPoolOp, [y], plan(op, spatial, y, { kernelSize: window }))
    return x.ndim === batched.ndim ? y : squeeze(y, 0)
  }
}

/** Means over as many windows as `outputSize` says (null keeps the size), of x [B, C, W] or [C, W]. */
export const adaptiveAvgPool1d = adaptiveAvgPool(1)
/** Means over `outputSize` = [h, w] windows (a number is both, null keeps a size), of x [B, C, H, W] or [C, H, W]. */
export const adaptiveAvgPool2d = adaptiveAvgPool(2)
/** Means over [d, h, w] = `outputSize` windows, of x [B, C, D, H, W] or [C, D, H, W]. */
export const adaptiveAvgPool3d = adaptiveAvgPool(3)
