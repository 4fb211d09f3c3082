// Weights of a convolution laid out ahead, for convolutions that are applied many times without a gradient.
import { apply, noGrad, type Op, optional } from '../autograd'
import { checkFloat, checkOptions } from '../check'
import { ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { keep } from '../scope'
import { checkInteger } from '../shape'
import { Tensor } from '../tensor'
import type { ConvMap } from './conv'
import { channelsFirst } from './memoryFormat'
import { checkNothingRecorded, PackedWeights } from './packedWeights'

/** Weights [out, in / groups, kernel ...] of a convolution. */
export class PackedConv extends PackedWeights {
  /** @internal */
  constructor(
    w: Tensor,
    panels: Tensor,
    readonly groups: number,
  ) {
    super(w, panels)
  }
}

/**
 * Lays out weights w [out, in / groups, kernel ...] for `conv1d`, `conv2d` and `conv3d`, which take the copy in place
 * of w where no gradient is recorded. The copy takes as much memory as w, and does not follow its changes.
 *
 * @param options.groups As the convolution has it. Default 1.
 */
export function packConv(w: Tensor, options?: { groups?: number }): PackedConv {
  const { groups: given = 1 } = checkOptions('packConv', options, { groups: true })
  const groups = checkInteger('packConv', 'groups', given, 1)
  if (checkFloat('packConv', 'w', w).ndim < 3 || w.ndim > 5) {
    throw new ShapeError(`packConv: expected w [out, in/groups, kernel ...] of 3 to 5 dims, got ${show(w.shape)}`)
  }
  if (w.shape[0] % groups !== 0) {
    throw new ShapeError(`packConv: expected w with a multiple of ${groups} (groups) outputs, got ${show(w.shape)}`)
  }
  return new PackedConv(w, noGrad(() => keep(apply(packOp, [w], groups))), groups)
}

const packOp: Op<number> = {
  name: 'packConv',
  forward: (_node, [input], groups) => {
    const w = input as Tensor
    const [filters, depth] = [w.shape[0] / groups, w.shape.slice(1).reduce((a, b) => a * b, 1)]
    const panels = new Tensor([groups, Math.ceil(filters / 32), depth, Math.min(filters, 32)], w.dtype, w.device)
    kernels.convPack(w, panels, groups)
    return panels
  },
  backward: () => [null],
}

const packedConvOp: Op<ConvMap> = {
  name: 'packedConv',
  forward: (_node, [input, packed, b, residual], { c, activation, shape, channelsLast }) => {
    const [x, panels, kernel] = [input as Tensor, packed as Tensor, c.w.slice(2)]
    const [bias, added, code] = [optional(b), optional(residual), activation?.code ?? 0]
    const y = new Tensor(shape, x.dtype, x.device)
    kernels.convPacked(x, panels, bias, added, y, kernel, c.stride, c.padding, c.dilation, code, channelsLast)
    return channelsLast ? channelsFirst(y) : y
  },
  backward: () => [],
}

/** The convolution of x with b and the residual (0 for none), which is stored as the result is. */
export function packedConv(
  op: string,
  x: Tensor,
  w: PackedConv,
  b: Tensor | 0,
  residual: Tensor | 0,
  map: ConvMap,
): Tensor {
  const inputs = [x, w.panels, b, residual]
  checkNothingRecorded(op, inputs)
  return apply(packedConvOp, inputs, map)
}
