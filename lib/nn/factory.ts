// How layers make their first parameters.
import type { OptionNames } from '../check'
import type { DeviceLike } from '../device'
import type { DType } from '../dtype'
import { zeros } from '../ops/create'
import type { Shape, Tensor } from '../tensor'
import { uniform_ } from './init'
import { parameter } from './parameter'

/** Options of every layer with parameters. */
export interface Factory {
  /** Default float32. */
  dtype?: DType
  /** Default: `getDefaultDevice()`. */
  device?: DeviceLike
}

export const factoryOptions: OptionNames<Factory> = { dtype: true, device: true }

/** A parameter of this shape; `init` fills it. */
export function learned(shape: Shape, init: (t: Tensor) => Tensor, { dtype = 'float32', device }: Factory): Tensor {
  return parameter(init(zeros(shape, { dtype, device })))
}

/** Fills uniformly within ±1/√fan: what PyTorch starts linear, convolution and recurrent layers with. */
export function uniformWithin(fan: number): (t: Tensor) => Tensor {
  const bound = fan > 0 ? 1 / Math.sqrt(fan) : 0
  return (t) => uniform_(t, -bound, bound)
}
