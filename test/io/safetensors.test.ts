import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentError, type DType, memoryStats, safetensors, tensor, type Tensor } from '../../lib'
import { upload } from '../../lib/upload'

const folder = mkdtempSync(join(tmpdir(), 'neurite-safetensors-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const inFolder = (name: string) => join(folder, name)

/** Bit patterns for one row of every dtype, the odd ones included: NaN, infinities, the extremes of integers. */
const samples: Record<DType, Tensor> = {
  float32: tensor(new Float32Array([0, -0, 1.5, NaN, Infinity, 1e-45])),
  float64: tensor(new Float64Array([Math.PI, -Infinity, 5e-324])),
  float16: upload(new Uint16Array([0x3c00, 0x7c00, 0x0001, 0x7e01]), [2, 2], 'float16'),
  bfloat16: upload(new Uint16Array([0x3f80, 0xff80, 0x0001]), [3, 1], 'bfloat16'),
  int8: tensor(new Int8Array([-128, 127, 0])),
  uint8: tensor(new Uint8Array([0, 255])),
  int32: tensor(new Int32Array([-(2 ** 31), 2 ** 31 - 1])),
  int64: tensor(new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n])),
  bool: tensor([true, false, true]),
}

async function bits(t: Tensor): Promise<number[]> {
  const values = await t.data({ raw: true })
  return [...new Uint8Array(values.buffer)]
}

/** A file whose header is `json` (an object or raw text) followed by `dataBytes` zero bytes. */
function file(json: unknown, dataBytes: number, length?: bigint): Uint8Array {
  const text = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
  const bytes = Buffer.alloc(8 + text.length + dataBytes)
  bytes.writeBigUInt64LE(length ?? BigInt(text.length))
  text.copy(bytes, 8)
  return bytes
}

const entry = (dtype: unknown, shape: unknown, data_offsets: unknown) => ({ dtype, shape, data_offsets })

test('every dtype survives a file bit by bit, with shapes and metadata', async () => {
  const path = inFolder('all.safetensors')
  const empty = { scalar: tensor(3), none: tensor([[], []]), __proto__name: tensor([1]) }
  await safetensors.save(path, { ...samples, ...empty }, { metadata: { format: 'pt', note: 'ünïcode "quoted"' } })
  const { tensors, metadata } = await safetensors.load(path)
  expect(metadata).toEqual({ format: 'pt', note: 'ünïcode "quoted"' })
  expect(Object.keys(tensors).sort()).toEqual(Object.keys({ ...samples, ...empty }).sort())
  for (const [name, t] of Object.entries({ ...samples, ...empty })) {
    expect([name, tensors[name].dtype, tensors[name].shape]).toEqual([name, t.dtype, t.shape])
    expect(await bits(tensors[name])).toEqual(await bits(t))
  }
})

test('the bytes are those of the format', async () => {
  const bytes = await safetensors.serialize({ b: tensor(new Uint8Array([7])), a: tensor([[1, 2]]) })
  const length = Number(Buffer.from(bytes).readBigUInt64LE())
  expect(length % 8).toBe(0)
  expect(JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString())).toEqual({
    a: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
    b: { dtype: 'U8', shape: [1], data_offsets: [8, 9] },
  })
  expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 7])
})

test('equal tensors give equal bytes, whatever the order of their names', async () => {
  const [a, b] = [tensor([1, 2]), tensor([3])]
  expect(await safetensors.serialize({ a, b })).toEqual(await safetensors.serialize({ b, a }))
})

test('views are written as they are seen', async () => {
  const { tensors } = await safetensors.parse(await safetensors.serialize({ t: tensor([[1, 2], [3, 4]]).T }))
  expect(await tensors.t.array()).toEqual([[1, 3], [2, 4]])
})

test('what is saved is the moment of the call', async () => {
  const path = inFolder('moment.safetensors')
  const t = tensor([1, 2])
  const saved = safetensors.save(path, { t })
  t.fill_(9)
  await saved
  expect(await (await safetensors.load(path)).tensors.t.array()).toEqual([1, 2])
})

test('a name like __proto__ is a name like any other', async () => {
  const bytes = file(`{"__proto__":${JSON.stringify(entry('U8', [1], [0, 1]))}}`, 1)
  const { tensors } = await safetensors.parse(bytes)
  expect(Object.keys(tensors)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(tensors)).toBe(Object.prototype)
})

describe('hostile files are refused', () => {
  const u8 = (shape: unknown, offsets: unknown) => entry('U8', shape, offsets)
  const cases: [string, Uint8Array, RegExp][] = [
    ['shorter than the length', new Uint8Array(7), /at least 8 bytes, got 7/],
    ['a header beyond the end', file({}, 0, 1000n), /header of 1000 bytes, got a file of 10/],
    ['a huge header', file({}, 0, 2n ** 63n), /at most 100000000 bytes, got a length of 9223372036854775808/],
    ['no JSON', file('{"a":', 0), /header of JSON in UTF-8/],
    ['bad UTF-8', Buffer.concat([file('', 0, 3n), Buffer.from([0x22, 0xff, 0x22])]), /header of JSON in UTF-8/],
    ['an array', file('[]', 0), /an object as header, got \[\]/],
    ['a string', file('"{}"', 0), /an object as header/],
    ['leading space', file(' {}', 0), /an object as header/],
    ['a name twice', file('{"a":1,"\\u0061":2}', 0), /every name once in the header, got "a" twice/],
    ['a key twice', file('{"x":{"dtype":"U8", "dtype" :"I8"}}', 0), /every name once in the header, got "dtype" twice/],
    ['no entry', file({ a: 3 }, 0), /"a" to have an object with dtype, shape and data_offsets, got 3/],
    ['an unknown dtype', file({ a: entry('F8_E4M3', [1], [0, 1]) }, 1), /one of the dtypes F64, .*got "F8_E4M3"/],
    ['an inherited dtype', file({ a: entry('toString', [1], [0, 1]) }, 1), /one of the dtypes/],
    ['a negative size', file({ a: u8([-1], [0, 1]) }, 1), /shape of non-negative integers, got \[-1\]/],
    ['a fractional size', file({ a: u8([0.5], [0, 1]) }, 1), /shape of non-negative integers/],
    ['a size beyond 2^53', file({ a: u8([1e300], [0, 1]) }, 1), /shape of non-negative integers/],
    ['nine dims', file({ a: u8([1, 1, 1, 1, 1, 1, 1, 1, 1], [0, 1]) }, 1), /at most 8 dimensions/],
    // Modulo 2^64 these sizes would give 0 bytes.
    ['a product that overflows', file({ a: u8([2 ** 32, 2 ** 32], [0, 0]) }, 0), /18446744073709551616 bytes of data/],
    ['a zero among huge sizes', file({ a: u8([2 ** 52, 0, 2 ** 52], [0, 1]) }, 1), /0 bytes of data for U8/],
    ['too few bytes', file({ a: entry('F32', [2], [0, 4]) }, 4), /8 bytes of data for F32 \[2\], got 4/],
    ['offsets backwards', file({ a: u8([1], [1, 0]) }, 1), /data_offsets \[begin, end\] in ascending order/],
    ['one offset', file({ a: u8([1], [0]) }, 1), /data_offsets \[begin, end\]/],
    ['negative offsets', file({ a: u8([1], [-1, 0]) }, 1), /data_offsets \[begin, end\]/],
    ['an overlap', file({ a: u8([2], [0, 2]), b: u8([2], [1, 3]) }, 3), /"b" to begin at 2, got 1, which overlaps/],
    ['a gap', file({ a: u8([1], [0, 1]), b: u8([1], [2, 3]) }, 3), /"b" to begin at 1, got 2, which leaves a gap/],
    ['a gap at the start', file({ a: u8([1], [1, 2]) }, 2), /"a" to begin at 0, got 1, which leaves a gap/],
    ['data missing', file({ a: u8([4], [0, 4]) }, 3), /4 bytes of data behind the header, got 3/],
    ['data left over', file({ a: u8([4], [0, 4]) }, 5), /4 bytes of data behind the header, got 5/],
    ['data without tensors', file({}, 1), /0 bytes of data behind the header, got 1/],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }, 0), /metadata "a" to be a string, got 1/],
    ['metadata of a list', file({ __metadata__: [] }, 0), /metadata to be an object/],
    ['a bool of 2', Buffer.concat([file({ a: entry('BOOL', [1], [0, 1]) }, 0), Buffer.from([2])]), /0 and 1 only/],
  ]
  test.each(cases)('%s', async (_name, bytes, message) => {
    await expect(safetensors.parse(bytes)).rejects.toMatchObject({ code: 'INVALID_FORMAT', name: 'FormatError' })
    await expect(safetensors.parse(bytes)).rejects.toThrow(message)
    const path = inFolder('hostile.safetensors')
    writeFileSync(path, bytes)
    await expect(safetensors.load(path)).rejects.toThrow(message)
    await expect(safetensors.load(path)).rejects.toThrow(path)
  })

  test('random damage never gives anything but a FormatError or a tensor', async () => {
    const tensors = { weight: tensor([[1, 2], [3, 4]]), b: tensor([true]) }
    const good = await safetensors.serialize(tensors, { metadata: { k: 'v' } })
    let state = 12345
    const random = (n: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n
    let refused = 0
    for (let i = 0; i < 2000; i++) {
      const bytes = good.slice(0, random(4) === 0 ? random(good.length) : good.length)
      for (let k = random(3); k >= 0 && bytes.length > 0; k--) bytes[random(bytes.length)] = random(256)
      try {
        await safetensors.parse(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_FORMAT' })
        refused++
      }
    }
    expect(refused).toBeGreaterThan(500)
  })
})

test('a refused file leaves no tensor behind', async () => {
  const bytes = Buffer.concat([
    file({ a: entry('F32', [1000], [0, 4000]), b: entry('BOOL', [1], [4000, 4001]) }, 4000),
    Buffer.from([2]),
  ])
  const { tensors } = memoryStats()
  await expect(safetensors.parse(bytes)).rejects.toThrow(/0 and 1 only/)
  expect(memoryStats().tensors).toBe(tensors)
})

describe('saving', () => {
  test('replaces the old file in one step and leaves no other', async () => {
    const path = inFolder('again.safetensors')
    await safetensors.save(path, { t: tensor([1]) })
    await safetensors.save(path, { t: tensor([2]) })
    expect(await (await safetensors.load(path)).tensors.t.array()).toEqual([2])
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('writes through a link', async () => {
    const [path, link] = [inFolder('real.safetensors'), inFolder('link.safetensors')]
    await safetensors.save(path, { t: tensor([1]) })
    symlinkSync(path, link)
    await safetensors.save(link, { t: tensor([2]) })
    expect(await (await safetensors.load(path)).tensors.t.array()).toEqual([2])
  })

  test('an abort keeps the old file and leaves no other', async () => {
    const path = inFolder('abort.safetensors')
    await safetensors.save(path, { t: tensor([1]) })
    const before = readFileSync(path)
    const controller = new AbortController()
    const saving = safetensors.save(path, { t: tensor([2]) }, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(saving).rejects.toThrow('enough')
    await expect(safetensors.load(path, { signal: controller.signal })).rejects.toThrow('enough')
    expect(readFileSync(path)).toEqual(before)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('a folder that is not there is an error of the file system', async () => {
    await expect(safetensors.save(inFolder('no/such/folder'), {})).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(safetensors.load(inFolder('absent'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('bad arguments name the call', async () => {
    const wrong = (value: unknown) => value as never
    await expect(safetensors.save('', {})).rejects.toThrow(ArgumentError)
    await expect(safetensors.serialize(wrong(null))).rejects.toThrow(/serialize: expected an object of tensors/)
    await expect(safetensors.serialize(wrong({ a: 3 }))).rejects.toThrow(/expected "a" to be a tensor, got 3/)
    const reserved = safetensors.serialize({ __metadata__: tensor([1]) })
    await expect(reserved).rejects.toThrow(/other than the reserved __metadata__/)
    const metadata = wrong({ a: 1 })
    await expect(safetensors.serialize({}, { metadata })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(safetensors.parse(wrong('text'))).rejects.toThrow(/parse: expected a Uint8Array/)
  })
})
