// The IDX format of MNIST: two zero bytes, the type of the elements, the number of dimensions, their sizes (32-bit,
// big-endian), the elements in row-major order, big-endian. http://yann.lecun.com/exdb/mnist
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { dtypes, type DType } from '../dtype'
import { ArgumentError, FormatError, show } from '../errors'
import { checkIoOptions, type IoOptions, ioOptions } from '../io/atomic'
import type { Tensor } from '../tensor'
import { upload } from '../upload'

const types: Readonly<Record<number, DType>> = {
  0x08: 'uint8',
  0x09: 'int8',
  0x0c: 'int32',
  0x0d: 'float32',
  0x0e: 'float64',
}

/**
 * Reads an IDX file, compressed with gzip or not, as a tensor of the file's shape and type.
 *
 * @throws FormatError that names the file and what is wrong with it.
 */
export async function readIdx(path: string, options?: IoOptions): Promise<Tensor> {
  if (typeof path !== 'string') throw new ArgumentError(`readIdx: expected the path of a file, got ${show(path)}`)
  const { signal } = checkIoOptions('readIdx', options, ioOptions)
  return parseIdx(await uncompressed(await readFile(path, { signal }), path), path)
}

async function uncompressed(bytes: Buffer, path: string): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await promisify(gunzip)(bytes)
  } catch (cause) {
    throw new FormatError(`${path}: expected data compressed with gzip, got: ${(cause as Error).message}`, { cause })
  }
}

function parseIdx(bytes: Buffer, path: string): Tensor {
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    throw new FormatError(`${path}: expected an IDX file (two zero bytes, type, dimensions), got ${show(bytes)}`)
  }
  const [, , type, ndim] = bytes
  if (!Object.hasOwn(types, type)) {
    const known = Object.entries(types).map(([code, dtype]) => `${code} (${dtype})`)
    throw new FormatError(`${path}: expected one of the types ${known.join(', ')}, got ${type}`)
  }
  const start = 4 + 4 * ndim
  if (ndim > 8 || bytes.length < start) {
    throw new FormatError(`${path}: expected up to 8 dimensions and their sizes, got ${ndim} in ${bytes.length} bytes`)
  }
  const dtype = types[type]
  const { size } = dtypes[dtype]
  const shape = Array.from({ length: ndim }, (_, d) => bytes.readUInt32BE(4 + 4 * d))
  const expected = shape.reduce((product, n) => product * BigInt(n), BigInt(size))
  if (BigInt(bytes.length - start) !== expected) {
    throw new FormatError(
      `${path}: expected ${expected} bytes for ${dtype} [${shape.join(', ')}], got ${bytes.length - start}`,
    )
  }
  const elements = bytes.subarray(start)
  if (size === 4) elements.swap32()
  if (size === 8) elements.swap64()
  return upload(elements, shape, dtype)
}
