// What kernels of products and convolutions do to their results while those are in cache: a residual is added and an
// activation applied, the same ones that gated units apply to their gates.
import { checkFloat, type OptionNames } from '../check'
import { ArgumentError, DTypeError, ShapeError, show } from '../errors'
import { sameShape, type Shape, type Tensor } from '../tensor'
import { geluExact, geluTanh, gradientOf, relu, sigmoid, silu, tanh, type UnaryGradient } from './unary'

export type Activation = 'relu' | 'gelu' | 'geluTanh' | 'silu' | 'tanh' | 'sigmoid'

export interface FusedActivation extends UnaryGradient {
  /** The place in native/activations.def, from 1; 0 is none. */
  readonly code: number
  readonly of: (x: Tensor) => Tensor
}

const fused = (code: number, f: (x: Tensor) => Tensor): FusedActivation => ({ code, of: f, ...gradientOf(f) })

export const activations: Readonly<Record<Activation, FusedActivation>> = {
  relu: fused(1, relu),
  gelu: fused(2, geluExact),
  geluTanh: fused(3, geluTanh),
  silu: fused(4, silu),
  tanh: fused(5, tanh),
  sigmoid: fused(6, sigmoid),
}

/** The activation of this name, null for none. */
export function checkActivation(op: string, name: Activation | null | undefined): FusedActivation | null {
  if (name === undefined || name === null) return null
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return activations[name]
  throw new ArgumentError(`${op}: expected activation ${Object.keys(activations).join(', ')}, got ${show(name)}`)
}

export interface EpilogueOptions {
  /** Applied to the sum of product, bias and residual. Default none. */
  activation?: Activation | null
  /** Added to the product, of the result's shape. Default none. */
  residual?: Tensor | null
}

export const epilogueOptions: OptionNames<EpilogueOptions> = { activation: true, residual: true }

/** A residual has x's dtype and the result's shape. */
export function checkResidual(op: string, residual: Tensor, x: Tensor, shape: Shape): void {
  const { dtype } = checkFloat(op, 'residual', residual)
  if (dtype !== x.dtype) throw new DTypeError(`${op}: expected residual to be ${x.dtype}, got ${dtype}`)
  if (!sameShape(residual.shape, shape)) {
    throw new ShapeError(`${op}: expected residual [${shape.join(', ')}], got [${residual.shape.join(', ')}]`)
  }
}
