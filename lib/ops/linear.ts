// The linear map of a layer, x·wᵀ + b, with what often follows it: a residual is added and an activation applied to
// each block of the product while it is in cache.
import { type Input, type Node, optional } from '../autograd'
import { checkFloat, checkOptions, checkTensor } from '../check'
import { DTypeError, ShapeError } from '../errors'
import * as kernels from '../kernels'
import { Tensor } from '../tensor'
import { checkActivation, type FusedActivation } from './activation'
import { sumTo } from './broadcast'
import { rowMajor } from './copy'
import { checkResidual, ended, type EpilogueOptions, epilogueOptions } from './ending'
import { product } from './matmul'
import { packedLinear, PackedLinear } from './packedLinear'
import { reshape } from './view'

interface Linear {
  activation: FusedActivation | null
}

function compute(inputs: readonly Input[], { activation }: Linear, keepsInput: boolean): [y: Tensor, z: Tensor | null] {
  const [x, w] = inputs as readonly [Tensor, Tensor]
  const make = () => new Tensor([x.shape[0], w.shape[0]], x.dtype, x.device)
  const y = make()
  const z = keepsInput ? make() : null
  kernels.matmul(x, w, optional(inputs[2]), optional(inputs[3]), y, z, false, true, activation?.code ?? 0)
  return [y, z]
}

/** The gradients of x, w, b and the residual from that of their sum. */
function gradients(node: Node<Linear>, x: Tensor, w: Tensor, dz: Tensor): (Tensor | null)[] {
  return [
    node.needs(0) ? product(dz, w, false, false) : null,
    node.needs(1) ? product(dz, x, true, false) : null,
    node.needs(2) ? sumTo(dz, [dz.shape[1]]) : null,
    node.needs(3) ? dz : null,
  ]
}

/** Inputs: x [M, K], w [N, K], b [N] and residual [M, N] (0 for none). */
const linearMap = ended<Linear>({ name: 'linear', compute, gradients })

export type LinearMapOptions = EpilogueOptions

function checkOperands(x: Tensor, w: Tensor | PackedLinear, b: Tensor | null): void {
  checkTensor('linear', 'x', x)
  const isPacked = w instanceof PackedLinear
  if ((!isPacked && checkTensor('linear', 'w', w).ndim !== 2) || x.ndim === 0 || x.shape[x.ndim - 1] !== w.shape[1]) {
    const last = x.shape[x.ndim - 1] ?? 'in'
    throw new ShapeError(`linear: expected w [out, ${last}] for x [${x.shape.join(', ')}], got [${w.shape.join(', ')}]`)
  }
  if (b !== null && (checkTensor('linear', 'b', b).ndim !== 1 || b.shape[0] !== w.shape[0])) {
    throw new ShapeError(`linear: expected b [${w.shape[0]}], got [${b.shape.join(', ')}]`)
  }
  const { dtype } = isPacked ? w.panels : w
  if (dtype !== x.dtype || (b !== null && b.dtype !== x.dtype)) {
    throw new DTypeError(
      `linear: expected x, w and b of one dtype, got ${x.dtype}, ${dtype}${b ? `, ${b.dtype}` : ''}`,
    )
  }
}

/**
 * Linear map of the last dimension, activation(x·wᵀ + b + residual): x [..., in], w [out, in], b [out], residual and
 * result [..., out].
 *
 * @param w May be packed ahead by `packLinear` where no gradient is recorded.
 * @throws AutogradError where one is.
 */
export function linear(
  x: Tensor,
  w: Tensor | PackedLinear,
  b: Tensor | null = null,
  options?: LinearMapOptions,
): Tensor {
  checkOperands(x, w, b)
  const { activation: name, residual = null } = checkOptions('linear', options, epilogueOptions)
  const activation = checkActivation('linear', name)
  if (activation !== null) checkFloat('linear', 'x', x)
  const shape = [...x.shape.slice(0, -1), w.shape[0]]
  if (residual !== null) checkResidual('linear', residual, x, shape)
  const rows = shape.slice(0, -1).reduce((m, n) => m * n, 1)
  const matrix = (t: Tensor, columns: number) => (t.ndim === 2 ? t : reshape(t, [rows, columns]))
  const added = residual === null ? 0 : rowMajor(matrix(residual, w.shape[0]))
  const rowsOfX = matrix(x, w.shape[1])
  const y =
    w instanceof PackedLinear
      ? packedLinear(rowsOfX, w, b ?? 0, added, activation)
      : linearMap([rowsOfX, w, b ?? 0, added], { activation })
  return x.ndim === 2 ? y : reshape(y, shape)
}
