// The linear map of a layer, x·wᵀ + b, with what often follows it: a residual is added and an activation applied to
// each block of the product while it is in cache.
import { apply, type Input, type Node, type Op, optional } from '../autograd'
import { checkFloat, checkOptions, checkTensor } from '../check'
import { DTypeError, ShapeError } from '../errors'
import * as kernels from '../kernels'
import { Tensor } from '../tensor'
import { checkActivation, checkResidual, type EpilogueOptions, epilogueOptions, type FusedActivation } from './activation'
import { add } from './arithmetic'
import { sumTo } from './broadcast'
import { rowMajor } from './copy'
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
const linearOp: Op<Linear> = {
  name: 'linear',
  forward: (node, inputs, attrs) => {
    const [x, w] = inputs as readonly Tensor[]
    const [y] = compute(inputs, attrs, false)
    node.save(node.records(1) ? x : null, node.records(0) ? w : null, attrs.activation === null ? null : y)
    return y
  },
  backward: (node, dy) => {
    const [x, w, y] = node.saved
    const { activation } = node.attrs
    return gradients(node, x, w, activation === null ? dy : activation.backward(dy, y))
  },
}

/**
 * The same with an activation whose gradient needs its input z: a second output, so that gradients of gradients find
 * their way through it.
 */
const linearKeepingOp: Op<Linear, Tensor[]> = {
  name: 'linear',
  forward: (node, inputs, attrs) => {
    const [x, w] = inputs as readonly Tensor[]
    const [y, z] = compute(inputs, attrs, node.edges.length > 0)
    node.save(node.records(1) ? x : null, node.records(0) ? w : null, z)
    return z === null ? [y] : [y, z]
  },
  backward: (node, dy: Tensor | null, dz: Tensor | null) => {
    const [x, w, z] = node.saved
    const through = dy && node.attrs.activation!.backward(dy, z)
    return gradients(node, x, w, (through && dz ? add(through, dz) : (through ?? dz))!)
  },
}

function linearMap(inputs: Input[], activation: FusedActivation | null): Tensor {
  if (activation?.saves === 'input') return apply(linearKeepingOp, inputs, { activation })[0]
  return apply(linearOp, inputs, { activation })
}

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
      : linearMap([rowsOfX, w, b ?? 0, added], activation)
  return x.ndim === 2 ? y : reshape(y, shape)
}
