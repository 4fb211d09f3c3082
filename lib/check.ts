// Checks of tensors and options, for callers without a type checker.
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

/** The names of all options in O: TypeScript refuses one too many and one too few. */
export type OptionNames<O> = Readonly<Record<keyof O, true>>

const none = Object.freeze({})

/** The options that a caller gave, none if absent: a plain object with no other names than `known` has. */
export function checkOptions<O extends object>(op: string, options: O | undefined, known: OptionNames<NoInfer<O>>): O {
  if (options === undefined) return none as O
  if (!isPlainObject(options)) refuseOptions(op, known, show(options))
  for (const name in options) if (known[name] !== true) refuseOptions(op, known, `{ ${name} }`)
  return options
}

function refuseOptions(op: string, known: object, got: string): never {
  throw new ArgumentError(`${op}: expected options { ${Object.keys(known).join(', ')} }, got ${got}`)
}

/** Whether a value is what an object literal makes, in this realm or another. */
export function isPlainObject(value: unknown): value is object {
  if (value === null || typeof value !== 'object') return false
  if (value.constructor === Object) return true // nearly always, and far cheaper than a look at the prototype
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
