// Values back into JavaScript. The promises resolve when the stream has computed them; the Sync twins block.
import { noGrad } from '../autograd'
import { checked, writeTensor } from '../block'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { hostDevice } from '../device'
import { type DType, dtypes, type TypedArray } from '../dtype'
import { ShapeError } from '../errors'
import { addMethods } from '../methods'
import { native, whenSettled } from '../native'
import { checkInteger } from '../shape'
import { numelOf, type Tensor } from '../tensor'
import { rowMajor, to } from './copy'

export interface DataOptions {
  /** 16-bit floats as their bits (Uint16Array) instead of a Float32Array. */
  raw?: boolean
}

const dataOptions: OptionNames<DataOptions> = { raw: true }

/** The tensor to read, in a dtype that JavaScript has an array for, contiguous. */
function readable(op: string, x: Tensor, options?: DataOptions): Tensor {
  checkTensor(op, 'x', x)
  const { raw } = checkOptions(op, options, dataOptions)
  const isHalf = x.dtype === 'float16' || x.dtype === 'bfloat16'
  return noGrad(() => rowMajor(isHalf && raw !== true ? to(to(x, hostDevice), 'float32') : x))
}

function elements(dtype: DType, buffer: ArrayBuffer): TypedArray {
  return new dtypes[dtype].array(buffer)
}

/**
 * The elements in row-major order, in the typed array of the dtype (int64: BigInt64Array; bool: Uint8Array; 16-bit
 * floats: Float32Array).
 *
 * @throws The fault of the computation that should have made them.
 */
export async function data(x: Tensor, options?: DataOptions): Promise<TypedArray> {
  const source = readable('data', x, options)
  writeTensor(source, 0)
  const buffer = await whenSettled((token) => native.read(token))
  if (source !== x) source.dispose()
  return elements(source.dtype, buffer as ArrayBuffer)
}

/** As `data`, but blocks until the stream is there. */
export function dataSync(x: Tensor, options?: DataOptions): TypedArray {
  const source = readable('dataSync', x, options)
  writeTensor(source, 0)
  const buffer = checked(native.readSync())
  if (source !== x) source.dispose()
  return elements(source.dtype, buffer)
}

/** A JavaScript value: int64 as a number when that is exact, else as a bigint; bool as a boolean. */
function valueOf(x: Tensor, element: number | bigint): number | bigint | boolean {
  if (x.dtype === 'bool') return element !== 0
  return typeof element === 'bigint' && Number.isSafeInteger(Number(element)) ? Number(element) : element
}

function checkSingle(op: string, x: Tensor): Tensor {
  if (checkTensor(op, 'x', x).numel === 1) return x
  throw new ShapeError(`${op}: expected a single element, got [${x.shape.join(', ')}]`)
}

/** The value of a tensor with one element. */
export async function item(x: Tensor): Promise<number> {
  return valueOf(x, (await data(checkSingle('item', x)))[0]) as number
}

/** As `item`, but blocks until the stream is there. */
export function itemSync(x: Tensor): number {
  return valueOf(x, dataSync(checkSingle('itemSync', x))[0]) as number
}

/** Numbers nested as deep as the tensor has dimensions. */
export type NestedNumbers = number | NestedNumbers[]

function nest(x: Tensor, values: TypedArray): NestedNumbers {
  let at = 0
  const level = (d: number): NestedNumbers =>
    d === x.ndim ? (valueOf(x, values[at++]) as number) : Array.from({ length: x.shape[d] }, () => level(d + 1))
  return level(0)
}

/** The elements as nested arrays; a number for a tensor without dimensions. */
export async function array(x: Tensor): Promise<NestedNumbers> {
  return nest(checkTensor('array', 'x', x), await data(x))
}

/** As `array`, but blocks until the stream is there. */
export function arraySync(x: Tensor): NestedNumbers {
  return nest(checkTensor('arraySync', 'x', x), dataSync(x))
}

export interface TextOptions {
  /** Significant digits. Default 4. */
  precision?: number
  /** Elements shown at either end of a longer dimension. Default 3. */
  edge?: number
}

const textOptions: OptionNames<TextOptions> = { precision: true, edge: true }

/** The values as text, long dimensions shortened, as `console.log` cannot show them without waiting. */
export async function toText(x: Tensor, options?: TextOptions): Promise<string> {
  const { precision = 4, edge = 3 } = checkOptions('toText', options, textOptions)
  checkInteger('toText', 'precision', precision, 1, 17)
  if (edge !== Infinity) checkInteger('toText', 'edge', edge, 1)
  const values = await data(checkTensor('toText', 'x', x))
  const shorten = x.numel > 1000
  const text = (element: number | bigint) => {
    const value = valueOf(x, element)
    return typeof value === 'number' && !Number.isInteger(value)
      ? String(Number(value.toPrecision(precision)))
      : String(value)
  }
  const rows = (d: number, at: number): string => {
    if (d === x.ndim) return text(values[at])
    const n = x.shape[d]
    const step = numelOf(x.shape.slice(d + 1))
    const hidden = shorten && n > 2 * edge
    const shown = hidden
      ? [...Array(edge).keys(), ...Array.from({ length: edge }, (_, i) => n - edge + i)]
      : [...Array(n).keys()]
    const parts = shown.map((i) => rows(d + 1, at + i * step))
    if (hidden) parts.splice(edge, 0, '…')
    return `[${parts.join(d === x.ndim - 1 ? ', ' : `,\n${' '.repeat(d + 1)}`)}]`
  }
  return rows(0, 0)
}

declare module '../tensor' {
  interface Tensor {
    data(options?: DataOptions): Promise<TypedArray>
    dataSync(options?: DataOptions): TypedArray
    item(): Promise<number>
    itemSync(): number
    array(): Promise<NestedNumbers>
    arraySync(): NestedNumbers
    toText(options?: TextOptions): Promise<string>
  }
}

addMethods({ data, dataSync, item, itemSync, array, arraySync, toText })
