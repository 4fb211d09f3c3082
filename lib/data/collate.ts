// Examples into one batch, and a batch to where it is used.
import { noGrad } from '../autograd'
import { isPlainObject } from '../check'
import type { Device } from '../device'
import { ArgumentError, show } from '../errors'
import { stack } from '../ops/cat'
import { to } from '../ops/copy'
import { type NestedArray, tensor } from '../ops/create'
import { Tensor } from '../tensor'

/** What `collate` makes of examples of type T. */
export type Collated<T> = T extends Tensor | number | bigint | boolean | ArrayBufferView
  ? Tensor
  : T extends string
    ? T[]
    : { [K in keyof T]: Collated<T[K]> }

/**
 * Stacks tensors and typed arrays along a new first dimension, makes tensors of numbers, bigints and booleans (as
 * `tensor` does: float32, int64, bool), lists of strings, and does so within arrays and objects, member by member.
 *
 * @throws ShapeError or ArgumentError where examples differ in shape or kind.
 */
export function collate<T>(examples: readonly T[]): Collated<T> {
  if (!Array.isArray(examples) || examples.length === 0) {
    throw new ArgumentError(`collate: expected an array of at least one example, got ${show(examples)}`)
  }
  return noGrad(() => collateValues(examples)) as Collated<T>
}

function collateValues(values: readonly unknown[]): unknown {
  const first = values[0]
  if (first instanceof Tensor) return stack(values as Tensor[])
  if (ArrayBuffer.isView(first)) return stack(values.map((v) => tensor(v as Float32Array)))
  switch (typeof first) {
    case 'string':
      return [...values]
    case 'number':
    case 'bigint':
    case 'boolean':
      return tensor(values as NestedArray)
    default:
      return collateMembers(values)
  }
}

function collateMembers(values: readonly unknown[]): unknown {
  const [first] = values
  if (typeof first !== 'object' || first === null) {
    throw new ArgumentError(`collate: expected tensors, numbers, strings, arrays or objects, got ${show(first)}`)
  }
  const keys = Object.keys(first)
  const odd = values.find((v) => typeof v !== 'object' || v === null || !sameKeys(Object.keys(v), keys))
  if (odd !== undefined) {
    throw new ArgumentError(`collate: expected examples with the members ${keys.join(', ')}, got ${show(odd)}`)
  }
  const collated = keys.map((key): [string, unknown] => [
    key,
    collateValues(values.map((v) => (v as Record<string, unknown>)[key])),
  ])
  return Array.isArray(first) ? collated.map(([, value]) => value) : Object.fromEntries(collated)
}

/** `value` with the tensors in it, in arrays and in plain objects, on a device. */
export function moveTensors(value: unknown, device: Device): unknown {
  if (value instanceof Tensor) return noGrad(() => to(value, device))
  if (Array.isArray(value)) return value.map((part) => moveTensors(part, device))
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, moveTensors(part, device)]))
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key) => b.includes(key))
}
