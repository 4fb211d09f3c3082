// New tensors: from JavaScript values, and filled ones.
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { checkDevice, type DeviceLike, hostDevice } from '../device'
import { checkDType, type DType, isFloat, type TypedArray } from '../dtype'
import { ArgumentError, ShapeError, show } from '../errors'
import * as kernels from '../kernels'
import { checkInteger, checkNumber, checkShape, maxDims } from '../shape'
import { numelOf, type Shape, Tensor } from '../tensor'
import { upload } from '../upload'
import { to } from './copy'

export interface TensorOptions {
  dtype?: DType
  /** Default: `getDefaultDevice()`. */
  device?: DeviceLike
  requiresGrad?: boolean
}

export const tensorOptions: OptionNames<TensorOptions> = { dtype: true, device: true, requiresGrad: true }
const valueOptions: OptionNames<TensorOptions & { shape?: Shape }> = { ...tensorOptions, shape: true }

/** Numbers, bigints or booleans in arrays of equal lengths. */
export type NestedArray = number | bigint | boolean | readonly NestedArray[]

/**
 * A tensor with the given values: a number, nested arrays, or a typed array (one-dimensional unless `shape` is given).
 * Without `dtype`, numbers give float32, bigints int64, booleans bool; typed arrays keep their type.
 *
 * @throws ShapeError for ragged arrays, ArgumentError for anything that is not a number.
 */
export function tensor(data: NestedArray | TypedArray, options?: TensorOptions & { shape?: Shape }): Tensor {
  const given = checkOptions('tensor', options, valueOptions)
  const device = checkDevice('tensor', given.device)
  const {
    values,
    shape,
    dtype: stored,
    natural,
  } = ArrayBuffer.isView(data) ? fromTyped(data) : fromNested(data, (given.dtype ?? 'float32') === 'float32')
  const dtype = given.dtype === undefined ? natural : checkDType('tensor', given.dtype)
  const wanted = given.shape === undefined ? shape : checkShape('tensor', given.shape)
  if (numelOf(wanted) !== values.length) {
    throw new ShapeError(`tensor: expected ${numelOf(wanted)} values for [${wanted.join(', ')}], got ${values.length}`)
  }
  const isStored = dtype === stored
  const t = isStored ? upload(values, wanted, stored, device) : to(convert(values, wanted, stored, dtype), device)
  return given.requiresGrad ? t.setRequiresGrad() : t
}

interface Values {
  values: TypedArray
  shape: Shape
  /** What the values are stored as. */
  dtype: DType
  /** What the tensor becomes unless a dtype is given. */
  natural: DType
}

const typedArrays: readonly [new (...args: never[]) => TypedArray, DType][] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
]

function fromTyped(data: ArrayBufferView): Values {
  // By name: arrays from other realms (workers' messages, vm contexts) are welcome.
  const name = Object.prototype.toString.call(data).slice(8, -1)
  const found = typedArrays.find(([type]) => type.name === name)
  if (name === 'Uint8ClampedArray') return fromTyped(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  if (!found) {
    const names = typedArrays.map(([type]) => type.name).join(', ')
    throw new ArgumentError(`tensor: expected one of ${names}, got ${name}`)
  }
  const values = data as TypedArray
  return { values, shape: [values.length], dtype: found[1], natural: found[1] }
}

function fromNested(data: unknown, wantsFloat32: boolean): Values {
  const shape: number[] = []
  for (let level = data; Array.isArray(level) && shape.length <= maxDims; level = (level as unknown[])[0]) {
    shape.push(level.length)
  }
  checkShape('tensor', shape)
  const flat: unknown[] = []
  flattenInto(flat, data, shape, 0)
  const type = flat.length === 0 ? 'number' : typeof flat[0]
  const wrong = ['number', 'bigint', 'boolean'].includes(type) ? flat.findIndex((v) => typeof v !== type) : 0
  if (wrong >= 0) {
    throw new ArgumentError(`tensor: expected numbers, bigints or booleans of one kind, got ${show(flat[wrong])}`)
  }
  if (type === 'bigint') {
    const outside = (flat as bigint[]).find((v) => v !== BigInt.asIntN(64, v))
    if (outside !== undefined) throw new ArgumentError(`tensor: expected bigints of 64 bits, got ${show(outside)}`)
    return { values: BigInt64Array.from(flat as bigint[]), shape, dtype: 'int64', natural: 'int64' }
  }
  if (type === 'boolean') return { values: Uint8Array.from(flat as number[]), shape, dtype: 'bool', natural: 'bool' }
  if (wantsFloat32) return { values: Float32Array.from(flat as number[]), shape, dtype: 'float32', natural: 'float32' }
  // float64 on the way, so that a wider dtype loses nothing.
  return { values: Float64Array.from(flat as number[]), shape, dtype: 'float64', natural: 'float32' }
}

function flattenInto(flat: unknown[], data: unknown, shape: Shape, depth: number): void {
  if (depth === shape.length) {
    if (Array.isArray(data)) throw new ShapeError('tensor: expected arrays of equal depth, got ragged ones')
    flat.push(data)
    return
  }
  if (!Array.isArray(data) || data.length !== shape[depth]) {
    throw new ShapeError(`tensor: expected arrays of equal lengths, got ragged ones at depth ${depth}`)
  }
  for (const part of data as unknown[]) flattenInto(flat, part, shape, depth + 1)
}

function convert(values: TypedArray, shape: Shape, stored: DType, dtype: DType): Tensor {
  const x = upload(values, shape, stored, hostDevice)
  const y = new Tensor(x.shape, dtype, hostDevice)
  kernels.copy(x, y)
  x.dispose()
  return y
}

function filled(
  op: string,
  shape: Shape,
  value: number | bigint,
  options: TensorOptions | undefined,
  natural: DType,
  home?: DeviceLike,
): Tensor {
  const sizes = [...checkShape(op, shape)]
  const { dtype = natural, device = home, requiresGrad } = checkOptions(op, options, tensorOptions)
  const y = new Tensor(sizes, checkDType(op, dtype), checkDevice(op, device))
  kernels.fill(y, value)
  return requiresGrad ? y.setRequiresGrad() : y
}

/** A tensor filled with `value`. Without `dtype`: float32, int64 for a bigint, bool for a boolean. */
export function full(shape: Shape, value: number | bigint | boolean, options?: TensorOptions): Tensor {
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean') {
    throw new ArgumentError(`full: expected a number, bigint or boolean, got ${show(value)}`)
  }
  const natural = typeof value === 'bigint' ? 'int64' : typeof value === 'boolean' ? 'bool' : 'float32'
  return filled('full', shape, typeof value === 'boolean' ? Number(value) : value, options, natural)
}

/** Zeros, float32 unless `dtype` is given. */
export function zeros(shape: Shape, options?: TensorOptions): Tensor {
  return filled('zeros', shape, 0, options, 'float32')
}

/** Ones, float32 unless `dtype` is given. */
export function ones(shape: Shape, options?: TensorOptions): Tensor {
  return filled('ones', shape, 1, options, 'float32')
}

/** Zeros of x's shape, dtype and device. */
export function zerosLike(x: Tensor, options?: TensorOptions): Tensor {
  return filled('zerosLike', checkTensor('zerosLike', 'x', x).shape, 0, options, x.dtype, x.device)
}

/** Ones of x's shape, dtype and device. */
export function onesLike(x: Tensor, options?: TensorOptions): Tensor {
  return filled('onesLike', checkTensor('onesLike', 'x', x).shape, 1, options, x.dtype, x.device)
}

/**
 * Values from `start` (default 0) up to but not including `end`, `step` apart. int64 when all are bigints, else
 * float32.
 */
export function arange(end: number | bigint, options?: TensorOptions): Tensor
export function arange(
  start: number | bigint,
  end: number | bigint,
  step?: number | bigint,
  options?: TensorOptions,
): Tensor
export function arange(
  first: number | bigint,
  second?: number | bigint | TensorOptions,
  third?: number | bigint,
  last?: TensorOptions,
): Tensor {
  const op = 'arange'
  const oneBound = typeof second !== 'number' && typeof second !== 'bigint'
  const { dtype, device, requiresGrad } = checkOptions(op, oneBound ? second : last, tensorOptions)
  const end = checkBound(op, 'end', oneBound ? first : second)
  const start = oneBound ? (typeof end === 'bigint' ? 0n : 0) : checkBound(op, 'start', first)
  const step = checkBound(op, 'step', third ?? (typeof start === 'bigint' ? 1n : 1))
  const isWhole = typeof start === 'bigint' && typeof end === 'bigint' && typeof step === 'bigint'
  const count = isWhole ? countWhole(start, end, step) : Math.ceil((Number(end) - Number(start)) / Number(step))
  const isBackwards = step > 0 ? end < start : end > start
  if (!Number.isFinite(count) || isBackwards) {
    throw new ArgumentError(`${op}: expected a step towards the end, got ${show([start, end, step])}`)
  }
  const natural = isWhole ? 'int64' : 'float32'
  const y = new Tensor([count], dtype === undefined ? natural : checkDType(op, dtype), checkDevice(op, device))
  kernels.arange(y, start, step)
  return requiresGrad ? y.setRequiresGrad() : y
}

function checkBound(op: string, name: string, value: unknown): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value
  throw new ArgumentError(`${op}: expected ${name} to be a number or a bigint, got ${show(value)}`)
}

/** Steps from `start` to `end`, rounded up; NaN for a step of 0. */
function countWhole(start: bigint, end: bigint, step: bigint): number {
  if (step === 0n) return NaN
  const distance = end - start
  return Number(distance / step) + (distance % step === 0n ? 0 : 1)
}

/** `count` values from `start` to `end`, both included. */
export function linspace(start: number, end: number, count: number, options?: TensorOptions): Tensor {
  const op = 'linspace'
  checkNumber(op, 'start', start)
  checkNumber(op, 'end', end)
  checkInteger(op, 'count', count, 0)
  const { dtype = 'float32', device, requiresGrad } = checkOptions(op, options, tensorOptions)
  if (!isFloat(checkDType(op, dtype))) throw new ArgumentError(`${op}: expected a floating dtype, got ${dtype}`)
  const y = new Tensor([count], dtype, checkDevice(op, device))
  kernels.arange(y, start, count > 1 ? (end - start) / (count - 1) : 0)
  return requiresGrad ? y.setRequiresGrad() : y
}
