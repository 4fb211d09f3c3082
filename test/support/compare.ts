// Compares what an op gave with what its reference says, and counts: a test that compared nothing has proved nothing.
import type { DType } from '../../lib/dtype'
import type { NdArray } from './ndarray'
import type { Tolerance } from './tolerances'

let comparisons = 0

/** Runs `work` and fails unless it compared at least one number. */
export function mustCompare(work: () => void): void {
  const before = comparisons
  work()
  if (comparisons === before) throw new Error('this test compared nothing')
}

/** For checks that are not about numbers, such as the result of an empty tensor. */
export function countComparison(): void {
  comparisons++
}

/** Largest finite value of the narrow dtypes: beyond it (by rounding) lies infinity. */
const largest: Partial<Record<DType, number>> = { float16: 65504, bfloat16: 3.3895e38, float32: 3.4028234663852886e38 }

function agrees(got: number, want: number, dtype: DType, { relative, absolute }: Tolerance): boolean {
  if (Number.isNaN(want) || Number.isNaN(got)) return Number.isNaN(want) && Number.isNaN(got)
  if (got === want) return true
  const limit = largest[dtype] ?? Infinity
  const slack = limit * Math.max(relative, 1e-7)
  if (!Number.isFinite(got)) return Math.sign(got) === Math.sign(want) && Math.abs(want) >= limit - slack
  if (!Number.isFinite(want)) return false
  return Math.abs(got - want) <= absolute + relative * Math.abs(want)
}

/** Throws unless every element of `got` is close to that of `want`. */
export function compare(what: string, got: NdArray, want: NdArray, dtype: DType, tolerance: Tolerance): void {
  if (got.shape.join() !== want.shape.join()) {
    throw new Error(`${what}: expected the shape [${want.shape.join(', ')}], got [${got.shape.join(', ')}]`)
  }
  for (let i = 0; i < got.numel; i++) {
    comparisons++
    if (!agrees(got.data[i], want.data[i], dtype, tolerance)) {
      throw new Error(
        `${what}: expected ${want.data[i]} at element ${i} of [${got.shape.join(', ')}], got ${got.data[i]}`,
      )
    }
  }
}

export function compareNumber(what: string, got: number, want: number, dtype: DType, tolerance: Tolerance): void {
  comparisons++
  if (!agrees(got, want, dtype, tolerance)) throw new Error(`${what}: expected ${want}, got ${got}`)
}

export function scaled({ relative, absolute }: Tolerance, factor: number): Tolerance {
  return { relative: relative * factor, absolute: absolute * factor }
}
