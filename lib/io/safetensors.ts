// Tensors in files: the safetensors format (little-endian, row-major, a JSON header; see layout.ts).
import { open, type FileHandle } from 'node:fs/promises'
import { checkOptions, checkTensor, type OptionNames } from '../check'
import { checkDevice, type Device, type DeviceLike } from '../device'
import { dtypes } from '../dtype'
import { ArgumentError, FormatError, show } from '../errors'
import { data } from '../ops/read'
import type { Tensor } from '../tensor'
import { upload } from '../upload'
import { checkIoOptions, type IoOptions, ioOptions, writeAtomically } from './atomic'
import {
  checkMetadata,
  type Entry,
  formatHeader,
  headerLength,
  isReserved,
  type Layout,
  parseHeader,
  prefixBytes,
} from './layout'

export interface SaveOptions extends IoOptions {
  /** Strings by name, kept beside the tensors. */
  metadata?: Record<string, string>
}

export interface LoadOptions extends IoOptions, ParseOptions {}

export interface ParseOptions {
  /** Where the tensors are made. Default: `getDefaultDevice()`. */
  device?: DeviceLike
}

const parseOptions: OptionNames<ParseOptions> = { device: true }
const loadOptions: OptionNames<LoadOptions> = { ...ioOptions, ...parseOptions }
const saveOptions: OptionNames<SaveOptions> = { ...ioOptions, metadata: true }

export interface Loaded {
  /** By name; loadStateDict takes them as they are. */
  tensors: Record<string, Tensor>
  metadata: Record<string, string>
}

/**
 * Writes tensors by name, for example a state dict. Their values are those at the moment of the call, whatever is done
 * to them afterwards. The file appears whole or not at all; equal tensors give equal files.
 *
 * @throws ArgumentError for what is no tensor, and the error of the file system.
 */
export async function save(path: string, tensors: Record<string, Tensor>, options?: SaveOptions): Promise<void> {
  const op = 'safetensors.save'
  const file = checkPath(op, path)
  const given = checkIoOptions(op, options, saveOptions)
  await writeAtomically(file, await chunks(op, tensors, given), given)
}

/** The bytes that `save` writes. */
export async function serialize(tensors: Record<string, Tensor>, options?: SaveOptions): Promise<Uint8Array> {
  const op = 'safetensors.serialize'
  const parts = await chunks(op, tensors, checkIoOptions(op, options, saveOptions))
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/**
 * Reads a safetensors file, one tensor after the other.
 *
 * @throws FormatError that names the file and what is wrong with it; no tensor is left behind then.
 */
export async function load(path: string, options?: LoadOptions): Promise<Loaded> {
  const op = 'safetensors.load'
  checkPath(op, path)
  const { signal, ...given } = checkIoOptions(op, options, loadOptions)
  const device = checkDevice(op, given.device)
  signal?.throwIfAborted()
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const length = headerLength(await readAt(file, 0, Math.min(prefixBytes, size), path), size, path)
    const start = prefixBytes + length
    const layout = parseHeader(await readAt(file, prefixBytes, length, path), size - start, path)
    return await collect(layout, path, device, async ({ begin, end }) => {
      signal?.throwIfAborted()
      return readAt(file, start + begin, end - begin, path)
    })
  } finally {
    await file.close()
  }
}

/**
 * The tensors of a safetensors file that is in memory.
 *
 * @throws FormatError that says what is wrong with the bytes.
 */
export async function parse(bytes: Uint8Array, options?: ParseOptions): Promise<Loaded> {
  const source = 'safetensors.parse'
  if (!(bytes instanceof Uint8Array)) throw new ArgumentError(`${source}: expected a Uint8Array, got ${show(bytes)}`)
  const device = checkDevice(source, checkOptions(source, options, parseOptions).device)
  const start = prefixBytes + headerLength(bytes.subarray(0, prefixBytes), bytes.length, source)
  const layout = parseHeader(bytes.subarray(prefixBytes, start), bytes.length - start, source)
  return collect(layout, source, device, ({ begin, end }) => bytes.subarray(start + begin, start + end))
}

async function collect(
  { entries, metadata }: Layout,
  source: string,
  device: Device,
  bytesOf: (entry: Entry) => Uint8Array | Promise<Uint8Array>,
): Promise<Loaded> {
  const made: [string, Tensor][] = []
  try {
    for (const entry of entries) {
      const bytes = await bytesOf(entry)
      if (entry.dtype === 'bool' && bytes.some((byte) => byte > 1)) {
        throw new FormatError(`${source}: expected tensor ${show(entry.name)} to hold 0 and 1 only, as BOOL does`)
      }
      made.push([entry.name, upload(bytes, entry.shape, entry.dtype, device)])
    }
  } catch (error) {
    for (const [, t] of made) t.dispose()
    throw error
  }
  return { tensors: Object.fromEntries(made), metadata }
}

async function readAt(file: FileHandle, position: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  const most = 1 << 30 // a single read takes at most 2 GiB
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(most, length - at), position + at)
    if (bytesRead === 0) throw new FormatError(`${path}: expected ${length} bytes at ${position}, got ${at}: it shrank`)
    at += bytesRead
  }
  return bytes
}

/** Header and data, in the order of the file: wide dtypes first, which keeps every tensor aligned, then by name. */
async function chunks(op: string, tensors: Record<string, Tensor>, options: SaveOptions): Promise<Uint8Array[]> {
  options.signal?.throwIfAborted()
  if (tensors === null || typeof tensors !== 'object') {
    throw new ArgumentError(`${op}: expected an object of tensors by name, got ${show(tensors)}`)
  }
  const metadata = options.metadata === undefined ? undefined : checkMetadata(options.metadata, op, ArgumentError)
  const named = Object.entries(tensors).map(([name, t]) => {
    if (isReserved(name)) throw new ArgumentError(`${op}: expected a name other than the reserved ${name}`)
    return { name, t: checkTensor(op, show(name), t) }
  })
  named.sort((a, b) => dtypes[b.t.dtype].size - dtypes[a.t.dtype].size || (a.name < b.name ? -1 : 1))
  const header = formatHeader(
    named.map(({ name, t }) => ({ name, dtype: t.dtype, shape: t.shape })),
    metadata,
  )
  // All reads are enqueued before the first is awaited: one moment of all tensors.
  const values = await Promise.all(named.map(({ t }) => data(t, { raw: true })))
  return [header, ...values.map((v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength))]
}

function checkPath(op: string, path: unknown): string {
  if (typeof path === 'string' && path !== '') return path
  throw new ArgumentError(`${op}: expected the path of a file, got ${show(path)}`)
}
