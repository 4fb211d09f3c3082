import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { datasets } from '../../lib'

const folder = mkdtempSync(join(tmpdir(), 'neurite-idx-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(bytes: Uint8Array): string {
  const path = join(folder, 'file')
  writeFileSync(path, bytes)
  return path
}

/** An IDX file of one type: sizes, then raw elements. */
function idx(type: number, shape: number[], elements: number[]): Uint8Array {
  return Uint8Array.from([0, 0, type, shape.length, ...shape.flatMap((n) => [0, 0, n >> 8, n & 255]), ...elements])
}

const bytesOf = (array: Float32Array | Float64Array | Int32Array, size: number) =>
  [...Buffer.from(array.buffer)[size === 4 ? 'swap32' : 'swap64']()]

test.each([
  ['uint8', idx(0x08, [2, 3], [0, 1, 2, 3, 4, 255]), [[0, 1, 2], [3, 4, 255]]],
  ['int8', idx(0x09, [2], [128, 127]), [-128, 127]],
  ['int32', idx(0x0c, [2], bytesOf(new Int32Array([-7, 2 ** 31 - 1]), 4)), [-7, 2 ** 31 - 1]],
  ['float32', idx(0x0d, [1, 2], bytesOf(new Float32Array([1.5, -0.25]), 4)), [[1.5, -0.25]]],
  ['float64', idx(0x0e, [1], bytesOf(new Float64Array([Math.PI]), 8)), [Math.PI]],
  ['uint8', idx(0x08, [], [7]), 7],
  ['uint8', idx(0x08, [0, 5], []), []],
])('%s elements, plain and compressed', async (dtype, bytes, expected) => {
  for (const stored of [bytes, gzipSync(bytes)]) {
    const t = await datasets.readIdx(file(stored))
    expect([t.dtype, await t.array()]).toEqual([dtype, expected])
  }
})

test.each<[string, Uint8Array, RegExp]>([
  ['an empty file', Buffer.of(), /expected an IDX file/],
  ['another format', Buffer.from('GIF89a'), /expected an IDX file/],
  ['an unknown type', idx(0x0b, [1], [0, 0]), /expected one of the types .*, got 11/],
  ['too many dimensions', idx(0x08, new Array<number>(9).fill(1), [0]), /up to 8 dimensions/],
  ['missing sizes', Buffer.of(0, 0, 8, 2, 0, 0, 0, 1), /dimensions and their sizes, got 2 in 8 bytes/],
  ['too few elements', idx(0x08, [2, 2], [1, 2, 3]), /4 bytes for uint8 \[2, 2\], got 3/],
  ['too many elements', idx(0x0d, [1], [0, 0, 0, 0, 0]), /4 bytes for float32 \[1\], got 5/],
  ['sizes that overflow', Buffer.of(0, 0, 8, 2, ...new Array<number>(8).fill(255)), /18446744065119617025 bytes/],
  ['broken compression', Buffer.of(0x1f, 0x8b, 8, 0, 1), /compressed with gzip/],
])('%s is refused', async (_name, bytes, message) => {
  const path = file(bytes)
  await expect(datasets.readIdx(path)).rejects.toMatchObject({ code: 'INVALID_FORMAT' })
  await expect(datasets.readIdx(path)).rejects.toThrow(message)
  await expect(datasets.readIdx(path)).rejects.toThrow(path)
})
