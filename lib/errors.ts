// Errors people meet. Every one has a stable `code` and a message of the form
// `op: expected …, got …`.

/** Base of all errors that neurite throws on purpose. */
export class NeuriteError extends Error {
  /** Stable word for programs to test, for example `SHAPE_MISMATCH`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** Shapes or dimensions do not fit an op. Code `SHAPE_MISMATCH`. */
export class ShapeError extends NeuriteError {
  constructor(message: string) {
    super('SHAPE_MISMATCH', message)
  }
}

/** A dtype does not fit an op. Code `DTYPE_MISMATCH`. */
export class DTypeError extends NeuriteError {
  constructor(message: string) {
    super('DTYPE_MISMATCH', message)
  }
}

const deviceCodes = [
  'DEVICE_MISMATCH',
  'DEVICE_UNAVAILABLE',
  'NO_DRIVER',
  'DRIVER_TOO_OLD',
  'NO_DEVICE',
  'UNSUPPORTED_DEVICE',
  'DEVICE_BUSY',
  'DEVICE_LOST',
] as const
type DeviceCode = (typeof deviceCodes)[number]

/**
 * Tensors live on different devices, or a name is no device's: code `DEVICE_MISMATCH`. A device cannot be used: without
 * its library or beyond the last device, `DEVICE_UNAVAILABLE`; as its driver says, `NO_DRIVER`, `DRIVER_TOO_OLD`,
 * `NO_DEVICE`, `UNSUPPORTED_DEVICE` or `DEVICE_BUSY`. A device failed, and only a new process can use it:
 * `DEVICE_LOST`.
 */
export class DeviceError extends NeuriteError {
  constructor(message: string, code: DeviceCode = 'DEVICE_MISMATCH') {
    super(code, message)
  }
}

/** An argument has the wrong type or value. Code `INVALID_ARGUMENT`. */
export class ArgumentError extends NeuriteError {
  constructor(message: string) {
    super('INVALID_ARGUMENT', message)
  }
}

/** The autograd graph cannot do what was asked. Code `AUTOGRAD`. */
export class AutogradError extends NeuriteError {
  constructor(message: string) {
    super('AUTOGRAD', message)
  }
}

/** A state dict does not fit its module or optimizer. Code `STATE_DICT`. */
export class StateDictError extends NeuriteError {
  constructor(message: string) {
    super('STATE_DICT', message)
  }
}

/** A file or message is not in the format it should be. Code `INVALID_FORMAT`. */
export class FormatError extends NeuriteError {
  constructor(message: string, options?: ErrorOptions) {
    super('INVALID_FORMAT', message, options)
  }
}

/** Makes the error for what native code reports: its class follows the code. */
export function errorFor(code: string, message: string): NeuriteError {
  switch (code) {
    case 'SHAPE_MISMATCH':
      return new ShapeError(message)
    case 'INVALID_ARGUMENT':
      return new ArgumentError(message)
    default:
      return isDeviceCode(code) ? new DeviceError(message, code) : new NeuriteError(code, message)
  }
}

function isDeviceCode(code: string): code is DeviceCode {
  return (deviceCodes as readonly string[]).includes(code)
}

/** A value in an error message: short, and telling strings from numbers. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? value.slice(0, 57) + '…' : value)
  if (typeof value === 'bigint') return `${value}n`
  if (value === null || typeof value !== 'object') return String(value)
  if (Array.isArray(value) && value.length <= 16 && value.every((v) => typeof v !== 'object')) {
    return `[${value.map(show).join(', ')}]`
  }
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${(value as Uint8Array).length ?? value.byteLength})`
  return value.constructor?.name ?? 'Object'
}

/** A callback that a caller gave. */
export function checkFunction(op: string, name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new ArgumentError(`${op}: expected ${name} to be a function, got ${show(value)}`)
  }
}
