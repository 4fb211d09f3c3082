// Convolution (cross-correlation) over 1 to 3 dims: x [B, C, ...], w [O, C / groups, ...], b [O] to y [B, O, ...].
// The convolution and its gradients for x and w are linear in each of two arguments, and the gradients of each are
// again among the three, so every order of differentiation stays in kernels.
import { apply, type Op } from '../autograd'
import { checkFloat, checkOptions, checkSameDType, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { checkInteger, checkPerDim } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { sum } from './broadcast'
import { cat } from './cat'
import { zeros } from './create'
import { inFormatOf } from './memoryFormat'
import { squeeze, unsqueeze } from './view'

interface Convolution {
  stride: readonly number[]
  padding: readonly number[]
  dilation: readonly number[]
  groups: number
  x: Shape
  w: Shape
  y: Shape
}

const convOp: Op<Convolution> = {
  name: 'conv',
  forward: (node, inputs, c) => {
    const [x, w, b] = inputs as readonly [Tensor, Tensor, Tensor?]
    const y = new Tensor(c.y, x.dtype, x.device)
    kernels.conv(x, w, b ?? null, y, c.stride, c.padding, c.dilation, c.groups)
    node.save(x, w)
    return y
  },
  backward: (node, dy) => {
    const [x, w] = node.saved
    const c = node.attrs
    const hasBias = node.edges.length > 2 && node.needs(2)
    return [
      node.needs(0) ? apply(convBackwardInputOp, [dy, w], c) : null,
      node.needs(1) ? apply(convBackwardWeightOp, [x, dy], c) : null,
      hasBias ? sum(dy, { dim: c.y.map((_, d) => d).filter((d) => d !== 1) }) : null,
    ]
  },
}

export const convBackwardInputOp: Op<Convolution> = {
  name: 'convBackwardInput',
  forward: (node, inputs, c) => {
    const [dy, w] = inputs as readonly Tensor[]
    const dx = new Tensor(c.x, dy.dtype, dy.device)
    kernels.convBackwardInput(dy, w, dx, c.stride, c.padding, c.dilation, c.groups)
    node.save(dy, w)
    return dx
  },
  backward: (node, ddx) => {
    const [dy, w] = node.saved
    return [
      node.needs(0) ? apply(convOp, [ddx, w], node.attrs) : null,
      node.needs(1) ? apply(convBackwardWeightOp, [ddx, dy], node.attrs) : null,
    ]
  },
}

const convBackwardWeightOp: Op<Convolution> = {
  name: 'convBackwardWeight',
  forward: (node, inputs, c) => {
    const [x, dy] = inputs as readonly Tensor[]
    const dw = new Tensor(c.w, x.dtype, x.device)
    kernels.convBackwardWeight(x, dy, dw, c.stride, c.padding, c.dilation, c.groups)
    node.save(x, dy)
    return dw
  },
  backward: (node, ddw) => {
    const [x, dy] = node.saved
    return [
      node.needs(0) ? apply(convBackwardInputOp, [dy, ddw], node.attrs) : null,
      node.needs(1) ? apply(convOp, [x, ddw], node.attrs) : null,
    ]
  },
}

export interface ConvOptions {
  /** Steps of the window. Default 1. */
  stride?: number | readonly number[]
  /** Zeros on both sides of each spatial dim; 'same' keeps the sizes (stride 1 only), 'valid' adds none. Default 0. */
  padding?: number | readonly number[] | 'same' | 'valid'
  /** Distance between the window's elements. Default 1. */
  dilation?: number | readonly number[]
  /** The channels are cut into this many groups that do not see each other. Default 1. */
  groups?: number
}

export const convOptions: OptionNames<ConvOptions> = { stride: true, padding: true, dilation: true, groups: true }

export const windowNames = [['kw'], ['kh', 'kw'], ['kd', 'kh', 'kw']]

/** Checks x [B, C, ...] or [C, ...] of `spatial` more dims and the weight's dtype; the number of channels. */
export function checkImages(op: string, spatial: number, x: Tensor, w: Tensor): number {
  if (checkFloat(op, 'x', x).ndim !== spatial + 2 && x.ndim !== spatial + 1) {
    throw new ShapeError(`${op}: expected x of ${spatial + 2} dims, or ${spatial + 1} unbatched, got ${show(x.shape)}`)
  }
  checkSameDType(op, 'weight', w, x.dtype)
  return x.shape[x.ndim - spatial - 1]
}

export function checkBias(op: string, b: Tensor | null, x: Tensor, outputs: number): void {
  if (b === null) return
  checkSameDType(op, 'bias', b, x.dtype)
  if (b.ndim !== 1 || b.shape[0] !== outputs) {
    throw new ShapeError(`${op}: expected bias [${outputs}], got ${show(b.shape)}`)
  }
}

function checkOperands(op: string, spatial: number, x: Tensor, w: Tensor, b: Tensor | null, groups: number): void {
  const channels = checkImages(op, spatial, x, w)
  if (w.ndim !== spatial + 2 || w.shape[1] * groups !== channels || w.shape.slice(2).includes(0)) {
    const form = ['out', 'in/groups', ...windowNames[spatial - 1]].join(', ')
    const given = `in=${channels}${groups === 1 ? '' : `, groups=${groups}`}`
    throw new ShapeError(`${op}: expected weight [${form}] with ${given}, got ${show(w.shape)}`)
  }
  if (w.shape[0] % groups !== 0) {
    throw new ShapeError(`${op}: expected weight with a multiple of ${groups} (groups) outputs, got ${show(w.shape)}`)
  }
  checkBias(op, b, x, w.shape[0])
}

/** x with `counts` zeros at the end of its spatial dims. */
export function padEnd(x: Tensor, counts: readonly number[]): Tensor {
  return counts.reduce((padded, count, i) => {
    if (count === 0) return padded
    const edge = padded.shape.map((n, d) => (d === i + 2 ? count : n))
    return cat([padded, zeros(edge, { dtype: x.dtype, device: x.device })], i + 2)
  }, x)
}

/** Padding on both sides for 'same', and x with one more zero at the end of the dims whose total is odd. */
function padSame(op: string, x: Tensor, w: Tensor, stride: number[], dilation: number[]): [Tensor, number[]] {
  if (stride.some((s) => s !== 1)) {
    throw new ArgumentError(`${op}: expected stride 1 with padding 'same', got ${show(stride)}`)
  }
  const totals = dilation.map((step, i) => step * (w.shape[i + 2] - 1))
  const odd = totals.map((total) => total % 2)
  return [padEnd(x, odd), totals.map((total) => Math.floor(total / 2))]
}

function convolution(spatial: 1 | 2 | 3): (x: Tensor, w: Tensor, b?: Tensor | null, o?: ConvOptions) => Tensor {
  const op = `conv${spatial}d`
  return (x, weight, bias = null, options) => {
    const given = checkOptions(op, options, convOptions)
    const groups = checkInteger(op, 'groups', given.groups ?? 1, 1)
    checkOperands(op, spatial, x, weight, bias, groups)
    const stride = checkPerDim(op, 'stride', given.stride ?? 1, spatial, 1)
    const dilation = checkPerDim(op, 'dilation', given.dilation ?? 1, spatial, 1)
    let batched = x.ndim === spatial + 1 ? unsqueeze(x, 0) : x
    let padding: number[]
    if (given.padding === 'same') [batched, padding] = padSame(op, batched, weight, stride, dilation)
    else padding = checkPerDim(op, 'padding', given.padding === 'valid' ? 0 : (given.padding ?? 0), spatial, 0)
    const sizes = stride.map((step, i) => {
      const room = batched.shape[i + 2] + 2 * padding[i] - dilation[i] * (weight.shape[i + 2] - 1) - 1
      if (room < 0) {
        throw new ShapeError(
          `${op}: expected x at least as large as the window ${show(weight.shape.slice(2))} with dilation ` +
            `${show(dilation)}, got ${show(x.shape)} with padding ${show(padding)}`,
        )
      }
      return Math.floor(room / step) + 1
    })
    const y = apply(convOp, bias === null ? [batched, weight] : [batched, weight, bias], {
      stride,
      padding,
      dilation,
      groups,
      x: batched.shape,
      w: weight.shape,
      y: [batched.shape[0], weight.shape[0], ...sizes],
    })
    return x.ndim === spatial + 1 ? squeeze(y, 0) : inFormatOf(x, y)
  }
}

/** Convolution of x [B, C, W] (or [C, W]) with weight [O, C / groups, kw] and bias [O]: y [B, O, W']. */
export const conv1d = convolution(1)
/**
 * Convolution of x [B, C, H, W] (or [C, H, W]) with weight [O, C / groups, kh, kw] and bias [O]: y [B, O, H', W'],
 * channels-last in memory if x is. Where 3 × 3 windows go by Winograd's algorithm (float32 and less, many channels;
 * `docs/accuracy.md`), a NaN or an infinity may spread to the other outputs of its tiles of 4 × 4.
 */
export const conv2d = convolution(2)
/** Convolution of x [B, C, D, H, W] (or unbatched) with weight [O, C / groups, kd, kh, kw] and bias [O]. */
export const conv3d = convolution(3)
