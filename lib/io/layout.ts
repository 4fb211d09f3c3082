// The header of a safetensors file: its length in 8 bytes, little-endian, then JSON that maps each name to dtype, shape
// and byte range in the data behind it. Ranges tile the data: no gaps, no overlaps. Nothing a file says is trusted.
// Format: https://huggingface.co/docs/safetensors
import { dtypes, type DType } from '../dtype'
import { FormatError, show } from '../errors'
import { repeatedKey } from './json'

/** One tensor of a file; the range counts bytes from the start of the data. */
export interface Entry {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

export interface Layout {
  readonly entries: readonly Entry[]
  readonly metadata: Record<string, string>
}

/** Longest header that readers of the format accept. */
export const maxHeader = 100_000_000
export const prefixBytes = 8
const maxDims = 8
const metadataKey = '__metadata__'

const codes: Readonly<Record<string, DType>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
}
const codeOf = Object.fromEntries(Object.entries(codes).map(([code, dtype]) => [dtype, code])) as Record<DType, string>

/** The length of the header from the first 8 bytes of a file of `size` bytes. */
export function headerLength(prefix: Uint8Array, size: number, source: string): number {
  if (prefix.length < prefixBytes) {
    throw new FormatError(`${source}: expected a safetensors file of at least 8 bytes, got ${prefix.length}`)
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true)
  if (length > BigInt(maxHeader)) {
    throw new FormatError(`${source}: expected a header of at most ${maxHeader} bytes, got a length of ${length}`)
  }
  if (prefixBytes + Number(length) > size) {
    throw new FormatError(`${source}: expected a header of ${length} bytes, got a file of ${size} bytes in all`)
  }
  return Number(length)
}

/** Reads the JSON of a header whose data takes `dataBytes`. */
export function parseHeader(json: Uint8Array, dataBytes: number, source: string): Layout {
  const header = parseJson(json, source)
  const metadata = Object.hasOwn(header, metadataKey) ? checkMetadata(header[metadataKey], source) : {}
  const entries = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, value]) => parseEntry(name, value, source))
    .sort((a, b) => a.begin - b.begin || a.end - b.end)
  checkTiling(entries, dataBytes, source)
  return { entries, metadata }
}

function parseJson(bytes: Uint8Array, source: string): Record<string, unknown> {
  let header: unknown
  let text: string
  try {
    // Keeps a byte-order mark, which JSON.parse refuses as the format demands.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    header = JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new FormatError(`${source}: expected a header of JSON in UTF-8, got: ${reason}`, { cause })
  }
  if (!text.startsWith('{')) throw new FormatError(`${source}: expected an object as header, got ${show(header)}`)
  const repeated = repeatedKey(text)
  if (repeated !== undefined) {
    throw new FormatError(`${source}: expected every name once in the header, got ${show(repeated)} twice`)
  }
  return header as Record<string, unknown>
}

/** Metadata are strings by name: in files, where anything else is a FormatError, and from callers. */
export function checkMetadata(
  value: unknown,
  source: string,
  ErrorClass: new (message: string) => Error = FormatError,
): Record<string, string> {
  if (!isObject(value)) throw new ErrorClass(`${source}: expected metadata to be an object, got ${show(value)}`)
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new ErrorClass(`${source}: expected metadata ${show(key)} to be a string, got ${show(text)}`)
    }
  }
  return value as Record<string, string>
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parseEntry(name: string, value: unknown, source: string): Entry {
  const expected = (what: string, got: unknown) =>
    new FormatError(`${source}: expected tensor ${show(name)} to have ${what}, got ${show(got)}`)
  if (!isObject(value)) throw expected('an object with dtype, shape and data_offsets', value)
  const { dtype: code, shape, data_offsets: offsets } = value
  if (typeof code !== 'string' || !Object.hasOwn(codes, code)) {
    throw expected(`one of the dtypes ${Object.keys(codes).join(', ')}`, code)
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) throw expected('a shape of non-negative integers', shape)
  if (shape.length > maxDims) throw expected(`at most ${maxDims} dimensions`, shape)
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1]) {
    throw expected('data_offsets [begin, end] in ascending order', offsets)
  }
  const [begin, end] = offsets as [number, number]
  // A product of sizes may be 0 and still pass every integer on its way: bigint is exact.
  const bytes = (shape as number[]).reduce((product, n) => product * BigInt(n), BigInt(dtypes[codes[code]].size))
  if (bytes !== BigInt(end - begin)) {
    throw expected(`${bytes} bytes of data for ${code} [${shape.join(', ')}]`, end - begin)
  }
  return { name, dtype: codes[code], shape: shape as number[], begin, end }
}

function checkTiling(entries: readonly Entry[], dataBytes: number, source: string): void {
  let at = 0
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      const fault = begin < at ? 'overlaps the tensor before it' : 'leaves a gap before it'
      throw new FormatError(`${source}: expected tensor ${show(name)} to begin at ${at}, got ${begin}, which ${fault}`)
    }
    at = end
  }
  if (at !== dataBytes) {
    throw new FormatError(`${source}: expected ${at} bytes of data behind the header, got ${dataBytes}`)
  }
}

/** A tensor to be written. */
export type Described = Pick<Entry, 'name' | 'dtype' | 'shape'>

/**
 * The bytes before the data, with the tensors laid out in the order given. The JSON is padded with spaces, so that the
 * data starts at a multiple of 8.
 */
export function formatHeader(tensors: readonly Described[], metadata?: Record<string, string>): Uint8Array {
  let at = 0
  const entries = tensors.map(({ name, dtype, shape }): [string, unknown] => {
    const begin = at
    at += shape.reduce((product, n) => product * n, dtypes[dtype].size)
    return [name, { dtype: codeOf[dtype], shape, data_offsets: [begin, at] }]
  })
  const all: [string, unknown][] = metadata === undefined ? entries : [[metadataKey, metadata], ...entries]
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(all)))
  const length = Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(prefixBytes + length).fill(0x20)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.set(json, prefixBytes)
  return bytes
}

export function isReserved(name: string): boolean {
  return name === metadataKey
}
