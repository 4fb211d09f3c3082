// Transposed convolution over 1 to 3 dims, x [B, C, ...], w [C, O / groups, ...], b [O] to y [B, O, ...]: the gradient
// of a convolution of y with w, and the bias.
import { apply } from '../autograd'
import { checkOptions, type OptionNames } from '../check'
import { ArgumentError, ShapeError, show } from '../errors'
import { checkInteger, checkPerDim } from '../shape'
import type { Tensor } from '../tensor'
import { add } from './arithmetic'
import { checkBias, checkImages, convBackwardInputOp, padEnd, windowNames } from './conv'
import { inFormatOf } from './memoryFormat'
import { reshape, squeeze, unsqueeze } from './view'

export interface ConvTransposeOptions {
  /** Distance between the windows that neighbouring inputs are spread over. Default 1. */
  stride?: number | readonly number[]
  /** Elements cut off on both sides of each spatial dim of the result. Default 0. */
  padding?: number | readonly number[]
  /** Elements added at the end of each spatial dim of the result; less than stride or dilation. Default 0. */
  outputPadding?: number | readonly number[]
  /** Distance between the window's elements. Default 1. */
  dilation?: number | readonly number[]
  /** The channels are cut into this many groups that do not see each other. Default 1. */
  groups?: number
}

export const convTransposeOptions: OptionNames<ConvTransposeOptions> = {
  stride: true,
  padding: true,
  outputPadding: true,
  dilation: true,
  groups: true,
}

function checkOperands(op: string, spatial: number, x: Tensor, w: Tensor, b: Tensor | null, groups: number): void {
  const channels = checkImages(op, spatial, x, w)
  if (w.ndim !== spatial + 2 || w.shape[0] !== channels || w.shape.slice(2).includes(0)) {
    const form = ['in', 'out/groups', ...windowNames[spatial - 1]].join(', ')
    throw new ShapeError(`${op}: expected weight [${form}] with in=${channels}, got ${show(w.shape)}`)
  }
  if (channels % groups !== 0) {
    throw new ShapeError(`${op}: expected x with a multiple of ${groups} (groups) channels, got ${show(x.shape)}`)
  }
  if (x.shape.slice(-spatial).includes(0)) {
    throw new ShapeError(`${op}: expected spatial sizes of at least 1, got ${show(x.shape)}`)
  }
  checkBias(op, b, x, w.shape[1] * groups)
}

function convolution(
  spatial: 1 | 2 | 3,
): (x: Tensor, w: Tensor, b?: Tensor | null, o?: ConvTransposeOptions) => Tensor {
  const op = `convTranspose${spatial}d`
  return (x, weight, bias = null, options) => {
    const given = checkOptions(op, options, convTransposeOptions)
    const groups = checkInteger(op, 'groups', given.groups ?? 1, 1)
    checkOperands(op, spatial, x, weight, bias, groups)
    const stride = checkPerDim(op, 'stride', given.stride ?? 1, spatial, 1)
    const dilation = checkPerDim(op, 'dilation', given.dilation ?? 1, spatial, 1)
    const padding = checkPerDim(op, 'padding', given.padding ?? 0, spatial, 0)
    const added = checkPerDim(op, 'outputPadding', given.outputPadding ?? 0, spatial, 0)
    if (added.some((n, i) => n >= stride[i] && n >= dilation[i])) {
      throw new ArgumentError(`${op}: expected outputPadding less than stride or dilation, got ${show(added)}`)
    }
    const batched = x.ndim === spatial + 1 ? unsqueeze(x, 0) : x
    const sizes = stride.map((step, i) => {
      const span = (batched.shape[i + 2] - 1) * step + dilation[i] * (weight.shape[i + 2] - 1) + 1
      return span + added[i] - 2 * padding[i]
    })
    if (sizes.some((n) => n < 1)) {
      throw new ShapeError(
        `${op}: expected a padding that leaves something of the result, got ${show(padding)}, ` +
          `which makes it ${show(sizes)}`,
      )
    }
    // What a whole stride adds at the end is where one more input would be.
    const padded = padEnd(
      batched,
      added.map((n, i) => Math.floor(n / stride[i])),
    )
    // The attributes are those of the convolution from y to x.
    const product = apply(convBackwardInputOp, [padded, weight], {
      stride,
      padding,
      dilation,
      groups,
      x: [batched.shape[0], weight.shape[1] * groups, ...sizes],
      w: weight.shape,
      y: padded.shape,
    })
    const y = bias === null ? product : add(product, reshape(bias, [bias.numel, ...sizes.map(() => 1)]))
    return x.ndim === spatial + 1 ? squeeze(y, 0) : inFormatOf(x, y)
  }
}

/** Transposed convolution of x [B, C, W] (or [C, W]) with weight [C, O / groups, kw] and bias [O]: y [B, O, W']. */
export const convTranspose1d = convolution(1)
/** Transposed convolution of x [B, C, H, W] (or [C, H, W]) with weight [C, O / groups, kh, kw] and bias [O]. */
export const convTranspose2d = convolution(2)
/** Transposed convolution of x [B, C, D, H, W] (or unbatched) with weight [C, O / groups, kd, kh, kw] and bias [O]. */
export const convTranspose3d = convolution(3)
