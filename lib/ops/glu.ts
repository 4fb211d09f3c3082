// Gated linear units (Dauphin et al. 2017, Shazeer 2020): f(gate) · up for an activation f, in one pass each way. Gate
// and up are two tensors, or the halves of one, whose gradients then land in one tensor too.
import { apply, isGradEnabled, type Op } from '../autograd'
import { checkFloat, checkOptions, checkSameDType, type OptionNames } from '../check'
import { ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { sameShape, Tensor } from '../tensor'
import { activations, type FusedActivation } from './activation'
import { mul } from './arithmetic'
import { cat } from './cat'
import { checkOwnDim, narrow } from './slice'
import { checkGelu, type GeluOptions } from './unary'

interface Gated {
  activation: FusedActivation
}

/** The gradients of gate and up in ops. */
function gradientFormula(dy: Tensor, gate: Tensor, up: Tensor, activation: FusedActivation): [Tensor, Tensor] {
  const value = activation.of(gate)
  return [activation.backward(mul(dy, up), activation.saves === 'input' ? gate : value), mul(dy, value)]
}

/** Inputs: gate and up. */
const gatedOp: Op<Gated> = {
  name: 'gated',
  forward: (node, inputs, { activation }) => {
    const [gate, up] = inputs as readonly Tensor[]
    const y = new Tensor(gate.shape, gate.dtype, gate.device)
    kernels.gated(gate, up, y, activation.code)
    node.save(gate, up)
    return y
  },
  backward: (node, dy) => {
    const [gate, up] = node.saved
    const { activation } = node.attrs
    if (isGradEnabled()) return gradientFormula(dy, gate, up, activation)
    const [dgate, dup] = [gate, up].map((t) => new Tensor(t.shape, t.dtype, t.device))
    kernels.gatedBackward(dy, gate, up, dgate, dup, activation.code)
    return [dgate, dup]
  },
}

interface Halves extends Gated {
  dim: number
  /** x is up and gate instead of gate and up. */
  upFirst: boolean
}

function halves(x: Tensor, { dim, upFirst }: Halves): [gate: Tensor, up: Tensor] {
  const size = x.shape[dim] / 2
  const [gate, up] = upFirst ? [size, 0] : [0, size]
  return [narrow(x, dim, gate, size), narrow(x, dim, up, size)]
}

/** Input: gate and up in one tensor. */
const gatedHalvesOp: Op<Halves> = {
  name: 'gatedHalves',
  forward: (node, [input], attrs) => {
    const x = input as Tensor
    const [gate, up] = halves(x, attrs)
    const y = new Tensor(gate.shape, x.dtype, x.device)
    kernels.gated(gate, up, y, attrs.activation.code)
    node.save(x)
    return y
  },
  backward: (node, dy) => {
    const [x] = node.saved
    const { activation, dim, upFirst } = node.attrs
    if (isGradEnabled()) {
      const [dgate, dup] = gradientFormula(dy, ...halves(x, node.attrs), activation)
      return [cat(upFirst ? [dup, dgate] : [dgate, dup], dim)]
    }
    const dx = new Tensor(x.shape, x.dtype, x.device)
    kernels.gatedHalvesBackward(dy, x, dx, dim, upFirst, activation.code)
    return [dx]
  },
}

function gatedHalves(op: string, x: Tensor, dim: number, upFirst: boolean, activation: FusedActivation): Tensor {
  const at = checkOwnDim(op, checkFloat(op, 'x', x), dim)
  if (x.shape[at] % 2 !== 0) {
    throw new ShapeError(`${op}: expected an even size of dim ${at}, got ${show(x.shape)}`)
  }
  return apply(gatedHalvesOp, [x], { activation, dim: at, upFirst })
}

function gated(op: string, gate: Tensor, up: Tensor | undefined, activation: FusedActivation): Tensor {
  if (up === undefined) return gatedHalves(op, gate, -1, false, activation)
  checkSameDType(op, 'up', up, checkFloat(op, 'gate', gate).dtype)
  if (!sameShape(gate.shape, up.shape)) {
    throw new ShapeError(`${op}: expected up ${show(gate.shape)}, as gate, got ${show(up.shape)}`)
  }
  return apply(gatedOp, [gate, up], { activation })
}

export interface GluOptions {
  /** The dim that is cut in halves. Default -1. */
  dim?: number
}

export const gluOptions: OptionNames<GluOptions> = { dim: true }

/** a · sigmoid(b), where a and b are the halves of x along a dim. */
export function glu(x: Tensor, options?: GluOptions): Tensor {
  const { dim = -1 } = checkOptions('glu', options, gluOptions)
  return gatedHalves('glu', x, dim, true, activations.sigmoid)
}

/** silu(gate) · up. Without `up`, gate and up are the halves of the first argument's last dim. */
export function swiglu(gate: Tensor, up?: Tensor): Tensor {
  return gated('swiglu', gate, up, activations.silu)
}

/** relu(gate) · up. Without `up`, gate and up are the halves of the first argument's last dim. */
export function reglu(gate: Tensor, up?: Tensor): Tensor {
  return gated('reglu', gate, up, activations.relu)
}

/** gelu(gate) · up. Without `up` (undefined), gate and up are the halves of the first argument's last dim. */
export function geglu(gate: Tensor, up?: Tensor, options?: GeluOptions): Tensor {
  return gated('geglu', gate, up, checkGelu('geglu', options) === 'tanh' ? activations.geluTanh : activations.gelu)
}
