// Activations that kernels of products and convolutions apply to their results while those are in cache, and gated
// units to their gates.
import { ArgumentError, show } from '../errors'
import type { Tensor } from '../tensor'
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
