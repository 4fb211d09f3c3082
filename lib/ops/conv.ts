// Convolution (cross-correlation) over 1 to 3 dims: x [B, C, ...], w [O, C / groups, ...], b [O] to y [B, O, ...], with
// what often follows it: a residual is added and an activation applied while the results are in cache. The convolution
// and its gradients for x and w are linear in each of two arguments, and the gradients of each are again among the
// three, so every order of differentiation stays in kernels.
import { apply, type Input, type Node, type Op, optional } from '../autograd'
import { checkFloat, checkOptions, checkSameDType, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { checkInteger, checkPerDim } from '../shape'
import { type Shape, Tensor } from '../tensor'
import { checkActivation, type FusedActivation } from './activation'
import { sum } from './broadcast'
import { cat } from './cat'
import { rowMajor } from './copy'
import { zeros } from './create'
import { checkResidual, ended, type EpilogueOptions, epilogueOptions } from './ending'
import { channelsBehind, channelsFirst, isChannelsLast } from './memoryFormat'
import { packedConv, PackedConv } from './packedConv'
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

/** Results are stored in `shape`: y's, or [B, ..., O] where they are channels-last. */
export interface ConvMap {
  c: Convolution
  activation: FusedActivation | null
  shape: Shape
  channelsLast: boolean
}

function compute(inputs: readonly Input[], map: ConvMap, keepsInput: boolean): [y: Tensor, z: Tensor | null] {
  const [x, w] = inputs as readonly [Tensor, Tensor]
  const { c, activation, shape, channelsLast } = map
  const [b, residual, code] = [optional(inputs[2]), optional(inputs[3]), activation?.code ?? 0]
  const y = new Tensor(shape, x.dtype, x.device)
  const z = keepsInput ? new Tensor(shape, x.dtype, x.device) : null
  kernels.conv(x, w, b, residual, y, z, c.stride, c.padding, c.dilation, c.groups, code, channelsLast)
  return channelsLast ? [channelsFirst(y), z && channelsFirst(z)] : [y, z]
}

/** The gradients of x, w, b and the residual from that of their sum. */
function gradients(node: Node<ConvMap>, x: Tensor, w: Tensor, dz: Tensor): (Tensor | null)[] {
  const { c, channelsLast } = node.attrs
  return [
    node.needs(0) ? apply(convBackwardInputOp, [dz, w], c) : null,
    node.needs(1) ? apply(convBackwardWeightOp, [x, dz], c) : null,
    node.needs(2) ? sum(dz, { dim: c.y.map((_, d) => d).filter((d) => d !== 1) }) : null,
    node.needs(3) ? (channelsLast ? channelsBehind(dz) : dz) : null,
  ]
}

/** Inputs: x, w, b and a residual in the shape that results are stored in (0 for none). */
const convMap = ended<ConvMap>({ name: 'conv', compute, gradients })

/** The convolution alone, as the gradients of the others need it. */
const product = (x: Tensor, w: Tensor, c: Convolution): Tensor =>
  convMap([x, w, 0, 0], { c, activation: null, shape: c.y, channelsLast: false })

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
      node.needs(0) ? product(ddx, w, node.attrs) : null,
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
      node.needs(1) ? product(x, ddw, node.attrs) : null,
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
export function checkImages(op: string, spatial: number, x: Tensor, w: Tensor | PackedConv): number {
  if (checkFloat(op, 'x', x).ndim !== spatial + 2 && x.ndim !== spatial + 1) {
    throw new ShapeError(`${op}: expected x of ${spatial + 2} dims, or ${spatial + 1} unbatched, got ${show(x.shape)}`)
  }
  checkSameDType(op, 'weight', w instanceof PackedConv ? w.panels : w, x.dtype)
  return x.shape[x.ndim - spatial - 1]
}

export function checkBias(op: string, b: Tensor | null, x: Tensor, outputs: number): void {
  if (b === null) return
  checkSameDType(op, 'bias', b, x.dtype)
  if (b.ndim !== 1 || b.shape[0] !== outputs) {
    throw new ShapeError(`${op}: expected bias [${outputs}], got ${show(b.shape)}`)
  }
}

type Weight = Tensor | PackedConv

function checkOperands(op: string, spatial: number, x: Tensor, w: Weight, b: Tensor | null, groups: number): void {
  const channels = checkImages(op, spatial, x, w)
  if (w.shape.length !== spatial + 2 || w.shape[1] * groups !== channels || w.shape.slice(2).includes(0)) {
    const form = ['out', 'in/groups', ...windowNames[spatial - 1]].join(', ')
    const given = `in=${channels}${groups === 1 ? '' : `, groups=${groups}`}`
    throw new ShapeError(`${op}: expected weight [${form}] with ${given}, got ${show(w.shape)}`)
  }
  if (w.shape[0] % groups !== 0) {
    throw new ShapeError(`${op}: expected weight with a multiple of ${groups} (groups) outputs, got ${show(w.shape)}`)
  }
  if (w instanceof PackedConv && w.groups !== groups) {
    throw new ArgumentError(`${op}: expected groups ${w.groups}, as the weight was packed with, got ${groups}`)
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
function padSame(op: string, x: Tensor, w: Weight, stride: number[], dilation: number[]): [Tensor, number[]] {
  if (stride.some((s) => s !== 1)) {
    throw new ArgumentError(`${op}: expected stride 1 with padding 'same', got ${show(stride)}`)
  }
  const totals = dilation.map((step, i) => step * (w.shape[i + 2] - 1))
  const odd = totals.map((total) => total % 2)
  return [padEnd(x, odd), totals.map((total) => Math.floor(total / 2))]
}

function mapped(op: string, x: Tensor, w: Weight, b: Tensor | null, residual: Tensor | null, map: ConvMap): Tensor {
  const added = residual === null ? 0 : rowMajor(map.channelsLast ? channelsBehind(residual) : residual)
  if (w instanceof PackedConv) return packedConv(op, x, w, b ?? 0, added, map)
  return convMap([x, w, b ?? 0, added], map)
}

export type ConvMapOptions = ConvOptions & EpilogueOptions

const convMapOptions: OptionNames<ConvMapOptions> = { ...convOptions, ...epilogueOptions }

function convolution(spatial: 1 | 2 | 3): (x: Tensor, w: Weight, b?: Tensor | null, o?: ConvMapOptions) => Tensor {
  const op = `conv${spatial}d`
  return (x, weight, bias = null, options) => {
    const given = checkOptions(op, options, convMapOptions)
    const activation = checkActivation(op, given.activation)
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
    const isBatched = x.ndim === spatial + 2
    const channelsLast = isBatched && isChannelsLast(x)
    const c = {
      stride,
      padding,
      dilation,
      groups,
      x: batched.shape,
      w: weight.shape,
      y: [batched.shape[0], weight.shape[0], ...sizes],
    }
    const { residual = null } = given
    if (residual !== null) checkResidual(op, residual, x, isBatched ? c.y : c.y.slice(1))
    const y = mapped(op, batched, weight, bias, isBatched ? residual : residual && unsqueeze(residual, 0), {
      c,
      activation,
      shape: channelsLast ? [c.y[0], ...sizes, c.y[1]] : c.y,
      channelsLast,
    })
    return isBatched ? y : squeeze(y, 0)
  }
}

/**
 * Convolution of x [B, C, W] (or [C, W]) with weight [O, C / groups, kw] and bias [O]: y [B, O, W'] =
 * activation(conv(x) + bias + residual), the residual being of y's shape.
 *
 * @param weight May be packed ahead by `packConv` where no gradient is recorded.
 * @throws AutogradError where one is.
 */
export const conv1d = convolution(1)
/**
 * Convolution of x [B, C, H, W] (or [C, H, W]) with weight [O, C / groups, kh, kw] and bias [O]: y [B, O, H', W'] =
 * activation(conv(x) + bias + residual), channels-last in memory if x is. Where 3 × 3 windows go by Winograd's
 * algorithm (float32 and less, many channels; `docs/accuracy.md`), a NaN or an infinity may spread to the other outputs
 * of its tiles of 4 × 4.
 */
export const conv2d = convolution(2)
/** Convolution of x [B, C, D, H, W] (or unbatched) with weight [O, C / groups, kd, kh, kw] and bias [O], as above. */
export const conv3d = convolution(3)
