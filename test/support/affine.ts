// What the tests of linear maps share: their definition.
import { NdArray } from './ndarray'

/** x·wᵀ + b + residual, of x with at least one dim. */
export function affine(x: NdArray, w: NdArray, b?: NdArray, residual?: NdArray): NdArray {
  return NdArray.make([...x.shape.slice(0, -1), w.shape[0]], (index) => {
    const o = index.at(-1) as number
    let sum = b?.at([o]) ?? 0
    for (let k = 0; k < w.shape[1]; k++) sum += x.at([...index.slice(0, -1), k]) * w.at([o, k])
    return sum + (residual?.at(index) ?? 0)
  })
}
