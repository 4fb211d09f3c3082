// How exactly devices with tensor cores multiply float32 numbers. The CPU always computes in float32.
import { ArgumentError, show } from './errors'
import { checked, finish, native } from './native'

/**
 * `'highest'`: in float32. `'high'`: factors rounded to TensorFloat32 (10 bits of fraction, as float16 has), sums in
 * float32, several times as fast.
 */
export type Precision = 'highest' | 'high'

/** As native/runtime/devices.h counts them. */
const products = { matmul: 0, conv: 1 } as const

function checkPrecision(op: string, precision: unknown): Precision {
  if (precision === 'highest' || precision === 'high') return precision
  if (precision === 'medium') return 'high'
  throw new ArgumentError(`${op}: expected 'highest', 'high' or 'medium', got ${show(precision)}`)
}

/**
 * Sets what products of float32 matrices may be computed in from now on, on all devices but the CPU, for all Workers.
 * As `torch.set_float32_matmul_precision`, whose `'medium'` is `'high'` here. Default `'highest'`.
 */
export function setMatmulPrecision(precision: Precision | 'medium'): void {
  set('matmul', checkPrecision('setMatmulPrecision', precision))
}

export function getMatmulPrecision(): Precision {
  return get('matmul')
}

/** The same for convolutions of float32. As `torch.backends.cudnn.allow_tf32`. Default `'high'`. */
export function setConvPrecision(precision: Precision | 'medium'): void {
  set('conv', checkPrecision('setConvPrecision', precision))
}

export function getConvPrecision(): Precision {
  return get('conv')
}

function set(product: keyof typeof products, precision: Precision): void {
  finish(native.setPrecision(products[product], Number(precision === 'high')))
}

function get(product: keyof typeof products): Precision {
  return checked(native.precision(products[product])) === 1 ? 'high' : 'highest'
}
