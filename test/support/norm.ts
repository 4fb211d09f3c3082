// What the tests of norms share: their definition and their tolerance.
import type { DType } from '../../lib/dtype'
import { NdArray } from './ndarray'

export const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
export const variance = (values: number[]) => {
  const centre = mean(values)
  return mean(values.map((v) => (v - centre) ** 2))
}

/** (x − mean) / √(var + eps) with statistics over `dims`. */
export function normalized(x: NdArray, dims: readonly number[], eps: number): NdArray {
  return NdArray.zip(
    (v, m, s) => (v - m) / Math.sqrt(s + eps),
    x,
    x.reduce(dims, true, mean),
    x.reduce(dims, true, variance),
  )
}

/** Dividing by a small deviation multiplies the rounding of 16-bit inputs. */
export const normTolerance = (dtype: DType): number => (dtype === 'float16' || dtype === 'bfloat16' ? 4 : 16)

/** The same where the sum of two tensors is rounded before it is normalised. */
export const sumNormTolerance = (dtype: DType): number => 4 * normTolerance(dtype)
