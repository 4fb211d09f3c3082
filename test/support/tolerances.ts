// How far a result may be from its float64 reference, per dtype: |got − want| ≤ absolute + relative · |want|. A case
// that sums many products scales these by its `tolerance`.
import type { DType } from '../../lib/dtype'

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

const exact: Tolerance = { relative: 0, absolute: 0 }

/** Results of one op. */
export const tolerances: Readonly<Record<DType, Tolerance>> = {
  float64: { relative: 1e-12, absolute: 1e-12 },
  float32: { relative: 2e-6, absolute: 1e-6 },
  float16: { relative: 2e-3, absolute: 1e-4 },
  bfloat16: { relative: 1.6e-2, absolute: 1e-3 },
  int8: exact,
  uint8: exact,
  int32: exact,
  int64: exact,
  bool: exact,
}

/** Gradients: central differences of the reference are good to about 1e-8; 16-bit gradients round at every step. */
export const gradientTolerances: Readonly<Record<'float64' | 'float32' | 'float16' | 'bfloat16', Tolerance>> = {
  float64: { relative: 1e-6, absolute: 1e-7 },
  float32: { relative: 1e-4, absolute: 1e-5 },
  float16: { relative: 2e-2, absolute: 1e-2 },
  bfloat16: { relative: 1.2e-1, absolute: 8e-2 },
}
