// Weights of a linear map laid out ahead, for maps that are applied many times without a gradient.
import { apply, noGrad, type Op, optional } from '../autograd'
import { checkFloat } from '../check'
import { ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { keep } from '../scope'
import { Tensor } from '../tensor'
import type { FusedActivation } from './activation'
import { checkNothingRecorded, PackedWeights } from './packedWeights'

/** Weights [out, in] of a linear map. */
export class PackedLinear extends PackedWeights {}

/**
 * Lays out weights w [out, in] for `linear`, which takes the copy in place of w where no gradient is recorded. The copy
 * takes as much memory as w, and does not follow its changes.
 */
export function packLinear(w: Tensor): PackedLinear {
  if (checkFloat('packLinear', 'w', w).ndim !== 2) {
    throw new ShapeError(`packLinear: expected w [out, in], got ${show(w.shape)}`)
  }
  const panels = noGrad(() => keep(apply(packOp, [w], undefined)))
  return new PackedLinear(w, panels)
}

const packOp: Op = {
  name: 'packLinear',
  forward: (_node, [input]) => {
    const w = input as Tensor
    const panels = new Tensor([Math.ceil(w.shape[0] / 32), w.shape[1], 32], w.dtype, w.device)
    kernels.matmulPack(w, panels, true)
    return panels
  },
  backward: () => [null],
}

interface PackedMap {
  columns: number
  activation: FusedActivation | null
}

const packedLinearOp: Op<PackedMap> = {
  name: 'packedLinear',
  forward: (_node, [x, panels, b, residual], { columns, activation }) => {
    const [left, right] = [x as Tensor, panels as Tensor]
    const y = new Tensor([left.shape[0], columns], left.dtype, left.device)
    kernels.matmulPacked(left, right, optional(b), optional(residual), y, activation?.code ?? 0)
    return y
  },
  backward: () => [],
}

/** The map of x [M, in] with b and the residual (0 for none). */
export function packedLinear(
  x: Tensor,
  w: PackedLinear,
  b: Tensor | 0,
  residual: Tensor | 0,
  activation: FusedActivation | null,
): Tensor {
  const inputs = [x, w.panels, b, residual]
  checkNothingRecorded('linear', inputs)
  return apply(packedLinearOp, inputs, { columns: w.shape[0], activation })
}
