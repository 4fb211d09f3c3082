// Writes arguments into the block that native calls read. Each writer takes a position and returns the next one; the
// layout is documented in native/addon/call.h.
import { deviceIndex } from './device'
import { dtypes, type DType } from './dtype'
import { block, type Problem } from './native'
import type { Tensor } from './tensor'

/** A number with the dtype that the op computes in. */
export interface Immediate {
  readonly dtype: DType
  readonly value: number | bigint
}

export type Operand = Tensor | Immediate

/** A position in the random stream: see native/backend.h. */
export interface Philox {
  readonly seed: bigint
  readonly offset: number
}

export { checked, finish } from './native'

export function writeNumber(value: number, at: number): number {
  block[at] = value
  return at + 1
}

export function writeTensor(t: Tensor, at: number): number {
  block[at] = t.id
  return at + 1
}

export function writeTarget(t: Tensor, at: number): number {
  block[at] = t.id
  return t.id === 0 ? writeNew(t, at + 1) : at + 1
}

function writeNew(t: Tensor, at: number): number {
  const shape = t.shape
  block[at] = dtypes[t.dtype].code
  block[at + 1] = deviceIndex(t.device)
  block[at + 2] = shape.length
  for (let d = 0; d < shape.length; d++) block[at + 3 + d] = shape[d]
  return at + 3 + shape.length
}

export function writeOptional(t: Tensor | null, at: number): number {
  block[at] = t === null ? 0 : 1
  return t === null ? at + 1 : writeTensor(t, at + 1)
}

export function writeOptionalTarget(t: Tensor | null, at: number): number {
  block[at] = t === null ? 0 : 1
  return t === null ? at + 1 : writeTarget(t, at + 1)
}

export function writeOperand(operand: Operand, at: number): number {
  if ('value' in operand) {
    block[at] = 0
    block[at + 1] = dtypes[operand.dtype].code
    return writeScalar(operand.value, at + 2)
  }
  block[at] = 1
  block[at + 1] = operand.id
  return at + 2
}

export function writeScalar(value: number | bigint, at: number): number {
  if (typeof value === 'number') {
    block[at] = 0
    block[at + 1] = value
    return at + 2
  }
  const bits = BigInt.asIntN(64, value)
  block[at] = 1
  block[at + 1] = Number(bits >> 32n)
  block[at + 2] = Number(bits & 0xffffffffn)
  return at + 3
}

export function writeList(list: readonly Tensor[], at: number): number {
  block[at] = list.length
  for (let i = 0; i < list.length; i++) block[at + 1 + i] = list[i].id
  return at + 1 + list.length
}

export function writeInts(values: readonly number[], at: number): number {
  block[at] = values.length
  for (let i = 0; i < values.length; i++) block[at + 1 + i] = values[i]
  return at + 1 + values.length
}

export function writePhilox(philox: Philox, at: number): number {
  block[at] = Number(philox.seed >> 32n)
  block[at + 1] = Number(philox.seed & 0xffffffffn)
  block[at + 2] = philox.offset
  return at + 3
}

/** Calls a kernel with several targets: native wants the objects of the new ones, in order. */
export function call(kernel: (...owners: object[]) => Problem, targets: readonly (Tensor | null)[]): Problem {
  return kernel(...targets.filter((t) => t !== null && t.id === 0).map((t) => t as object))
}

/** Takes the id that native wrote for a new tensor. */
export function adopt(t: Tensor, at: number): void {
  t.id = block[at] | 0 // keeps the field a small integer
}

export function adoptOptional(t: Tensor | null, at: number): void {
  if (t !== null) t.id = block[at] | 0
}
