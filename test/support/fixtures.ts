// Reads what test/fixtures/generate.py wrote. The reader is apart from lib/io, so that both cannot be wrong together.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tensor, type Tensor } from '../../lib'
import { compare } from './compare'
import { read } from './layouts'
import { tolerances } from './tolerances'

interface Entry {
  dtype: 'F32' | 'I64' | 'BOOL'
  shape: number[]
  data_offsets: [number, number]
}

interface Metadata {
  __metadata__: { about: string }
}
type Tensors = Record<string, Tensor>

/** The tensors of one case by role and name: `of('dx').input`. */
export class Case {
  constructor(
    readonly name: string,
    /** Names of the parameters in PyTorch's order. */
    readonly parameters: readonly string[],
    private readonly roles: Map<string, Tensors>,
  ) {}

  of(role: string): Tensors {
    return this.roles.get(role) ?? {}
  }
}

function decode({ dtype, shape, data_offsets: [begin, end] }: Entry, bytes: Buffer): Tensor {
  const buffer = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + end) as ArrayBuffer
  if (dtype === 'F32') return tensor(new Float32Array(buffer), { shape })
  if (dtype === 'I64') return tensor(new BigInt64Array(buffer), { shape })
  return tensor(new Uint8Array(buffer), { shape }).to('bool')
}

/** The cases of `test/fixtures/<family>.safetensors` by name. */
export function fixtures(family: string): (name: string) => Case {
  const file = readFileSync(join(__dirname, '..', 'fixtures', `${family}.safetensors`))
  const start = 8 + Number(file.readBigUInt64LE(0))
  const { __metadata__: metadata, ...header } = JSON.parse(file.toString('utf8', 8, start)) as Metadata
  const { parameters } = JSON.parse(metadata.about) as { parameters: Record<string, string[]> }
  const entries = Object.entries(header as Record<string, Entry>)
  return (name) => {
    const roles = new Map<string, Tensors>()
    for (const [key, entry] of entries) {
      const [inCase, role, part] = key.split('/')
      if (inCase !== name) continue
      roles.set(role, { ...roles.get(role), [part]: decode(entry, file.subarray(start)) })
    }
    if (roles.size === 0) throw new Error(`fixtures: expected a case of ${family}, got '${name}'`)
    return new Case(name, parameters[name] ?? [], roles)
  }
}

/** PyTorch computed in float64; a layer's sums round about ten times as much as one op. */
const tolerance = { relative: 10 * tolerances.float32.relative, absolute: 5 * tolerances.float32.absolute }

/** Throws unless both have one shape and close values. */
export function expectClose(what: string, got: Tensor | null, want: Tensor, factor = 1): void {
  if (got === null) throw new Error(`${what}: expected a tensor, got none`)
  const { relative, absolute } = tolerance
  compare(what, read(got), read(want), 'float32', { relative: relative * factor, absolute: absolute * factor })
}
