// Element types: names, sizes, the typed array each is read into, and promotion.
import { DTypeError, show } from './errors'

export type DType = 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int8' | 'uint8' | 'int32' | 'int64' | 'bool'

export type TypedArray = Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Int32Array | BigInt64Array

type Kind = 'bool' | 'integer' | 'float'

interface DTypeInfo {
  /** Numeric code, the order of native/dtypes.def. */
  code: number
  /** Bytes per element. */
  size: number
  kind: Kind
  /** Position in the promotion order of its kind. */
  rank: number
  /** Holds the elements bit by bit. */
  array: new (source: ArrayBufferLike) => TypedArray
}

/**
 * One entry per dtype; adding a dtype is adding an entry here, in native/dtypes.def and in test/support/tolerances.ts.
 */
export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: { code: 0, size: 4, kind: 'float', rank: 1, array: Float32Array },
  float64: { code: 1, size: 8, kind: 'float', rank: 2, array: Float64Array },
  float16: { code: 2, size: 2, kind: 'float', rank: 0, array: Uint16Array },
  bfloat16: { code: 3, size: 2, kind: 'float', rank: 0, array: Uint16Array },
  int8: { code: 4, size: 1, kind: 'integer', rank: 0, array: Int8Array },
  uint8: { code: 5, size: 1, kind: 'integer', rank: 0, array: Uint8Array },
  int32: { code: 6, size: 4, kind: 'integer', rank: 1, array: Int32Array },
  int64: { code: 7, size: 8, kind: 'integer', rank: 2, array: BigInt64Array },
  bool: { code: 8, size: 1, kind: 'bool', rank: 0, array: Uint8Array },
}

export const dtypeNames = Object.keys(dtypes) as DType[]

const kindOrder: Record<Kind, number> = { bool: 0, integer: 1, float: 2 }

export function isFloat(dtype: DType): boolean {
  return dtypes[dtype].kind === 'float'
}

export function isInteger(dtype: DType): boolean {
  return dtypes[dtype].kind === 'integer'
}

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(dtypes, value)
}

export function checkDType(op: string, dtype: unknown): DType {
  if (isDType(dtype)) return dtype
  throw new DTypeError(`${op}: expected a dtype (${dtypeNames.join(', ')}), got ${show(dtype)}`)
}

/**
 * The dtype of an op on two tensors, as PyTorch's `promote_types`: the higher kind wins, then the higher rank; two
 * dtypes of the same rank that cannot hold each other meet one step up (float16 with bfloat16 in float32, int8 with
 * uint8 in int32, PyTorch's int16 being absent).
 */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a
  const x = dtypes[a]
  const y = dtypes[b]
  if (x.kind !== y.kind) return kindOrder[x.kind] > kindOrder[y.kind] ? a : b
  if (x.rank !== y.rank) return x.rank > y.rank ? a : b
  return x.kind === 'float' ? 'float32' : 'int32'
}

/**
 * The dtype of an op on a tensor and a JavaScript number or bigint. The number is weak: it keeps a floating dtype; on
 * integers an integral value keeps the dtype and a fractional one gives float32; a bigint is an integer; a boolean
 * tensor becomes int64 or float32.
 */
export function promoteScalar(dtype: DType, value: number | bigint | boolean): DType {
  const kind = dtypes[dtype].kind
  if (kind === 'float' || typeof value === 'boolean') return dtype
  if (typeof value === 'number' && !Number.isInteger(value)) return 'float32'
  return kind === 'integer' ? dtype : 'int64'
}
