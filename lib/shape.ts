// Shape rules that many ops share. Every function names the op it speaks for in its errors.
import { ArgumentError, ShapeError, show } from './errors'
import { type Shape, sameShape } from './tensor'

/** Most dimensions a tensor may have. */
export const maxDims = 8

/** The shape that `a` and `b` broadcast to: aligned at the last dim, sizes equal or 1. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a
  const ndim = Math.max(a.length, b.length)
  const shape = new Array<number>(ndim)
  for (let d = 1; d <= ndim; d++) {
    const m = d <= a.length ? a[a.length - d] : 1
    const n = d <= b.length ? b[b.length - d] : 1
    if (m !== n && m !== 1 && n !== 1) {
      throw new ShapeError(`${op}: expected shapes that broadcast, got [${a.join(', ')}] and [${b.join(', ')}]`)
    }
    shape[ndim - d] = m === 1 ? n : m
  }
  return shape
}

/** A dimension in [0, ndim) from one in [-ndim, ndim). A scalar counts as one-dimensional, as in PyTorch. */
export function checkDim(op: string, dim: unknown, ndim: number): number {
  const n = Math.max(ndim, 1)
  if (typeof dim !== 'number' || !Number.isInteger(dim) || dim < -n || dim >= n) {
    throw new ShapeError(`${op}: expected a dim in [${-n}, ${n - 1}], got ${show(dim)}`)
  }
  return dim < 0 ? dim + n : dim
}

/** Distinct dimensions in ascending order; undefined or null means all. */
export function checkDims(op: string, dims: number | readonly number[] | null | undefined, ndim: number): number[] {
  if (dims === undefined || dims === null) return Array.from({ length: ndim }, (_, d) => d)
  const list = Array.isArray(dims) ? (dims as readonly number[]) : [dims as number]
  const checked = list.map((dim) => checkDim(op, dim, ndim)).sort((a, b) => a - b)
  if (new Set(checked).size !== checked.length) {
    throw new ShapeError(`${op}: expected distinct dims, got ${show(list)}`)
  }
  return ndim === 0 ? [] : checked
}

/** A shape that users give: sizes are non-negative integers, at most 8 of them. */
export function checkShape(op: string, shape: unknown): Shape {
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new ShapeError(`${op}: expected a shape (an array of non-negative integers), got ${show(shape)}`)
  }
  if (shape.length > maxDims) {
    throw new ShapeError(`${op}: expected at most ${maxDims} dimensions, got ${shape.length}`)
  }
  return shape as Shape
}

/** An integer in [low, high]. */
export function checkInteger(
  op: string,
  name: string,
  value: unknown,
  low: number,
  high = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= low && value <= high) return value
  const range = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `in [${low}, ${high}]`
  throw new ArgumentError(`${op}: expected ${name} to be an integer ${range}, got ${show(value)}`)
}

/** A finite number in [low, high]. */
export function checkNumber(op: string, name: string, value: unknown, low = -Infinity, high = Infinity): number {
  if (typeof value === 'number' && value >= low && value <= high) return value
  const range = low === -Infinity && high === Infinity ? 'a number' : `a number in [${low}, ${high}]`
  throw new ArgumentError(`${op}: expected ${name} to be ${range}, got ${show(value)}`)
}

/** One integer per spatial dim: a number is repeated. */
export function checkPerDim(op: string, name: string, value: unknown, count: number, low: number): number[] {
  const list = typeof value === 'number' ? new Array<number>(count).fill(value) : value
  if (Array.isArray(list) && list.length === count && list.every((n) => Number.isSafeInteger(n) && n >= low)) {
    return list as number[]
  }
  throw new ArgumentError(
    `${op}: expected ${name} to be an integer of at least ${low} or ${count} of them, got ${show(value)}`,
  )
}
