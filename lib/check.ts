// Checks of tensor arguments, for callers without a type checker.
import { DTypeError, ArgumentError, show } from './errors'
import { type DType, isFloat } from './dtype'
import { Tensor } from './tensor'

export function checkTensor(op: string, name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value
  throw new ArgumentError(`${op}: expected ${name} to be a tensor, got ${show(value)}`)
}

export function checkFloat(op: string, name: string, t: Tensor): Tensor {
  if (isFloat(checkTensor(op, name, t).dtype)) return t
  throw new DTypeError(
    `${op}: expected ${name} to have a floating dtype, got ${t.dtype}; convert it with to('float32')`,
  )
}

export function checkSameDType(op: string, name: string, t: Tensor, dtype: DType): Tensor {
  if (checkTensor(op, name, t).dtype === dtype) return t
  throw new DTypeError(`${op}: expected ${name} to be ${dtype}, got ${t.dtype}`)
}

/** Indices are int64; int32 is taken too. */
export function checkIndex(op: string, name: string, t: Tensor): Tensor {
  const dtype = checkTensor(op, name, t).dtype
  if (dtype === 'int64' || dtype === 'int32') return t
  throw new DTypeError(`${op}: expected ${name} to be int64 or int32, got ${dtype}; convert it with to('int64')`)
}
