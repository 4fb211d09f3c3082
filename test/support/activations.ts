// The activations of epilogues, as their definitions have them.
import type { Activation } from '../../lib'
import * as special from './special'

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
export const activationFunctions: Record<Activation, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  gelu: (x) => (x / 2) * (1 + special.erf(x * Math.SQRT1_2)),
  geluTanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  sigmoid,
}
