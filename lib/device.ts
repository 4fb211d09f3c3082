// Devices by name. The runtime knows them by number: 0 is the CPU, those of libraries follow.
import { DeviceError, show } from './errors'
import { type DeviceInfo, fail, native } from './native'

/** Where a tensor lives. `cuda-emulated` runs the CUDA kernels on the CPU, to test them; it is no part of packages. */
export type Device = 'cpu' | `cuda:${number}` | `cuda-emulated:${number}`

/**
 * What names a device: `'cuda'` is `'cuda:0'`, and `'auto'` the first CUDA device, or the CPU with a warning that says
 * why.
 */
export type DeviceLike = Device | 'cuda' | 'cuda-emulated' | 'auto'

/** Where JavaScript's own values are. */
export const hostDevice: Device = 'cpu'

/** Kinds of device as native/runtime/library.h has them, and the number of the first device of each. */
export const deviceKinds = ['cuda', 'cuda-emulated'] as const
export type DeviceKind = (typeof deviceKinds)[number]
const firstNumber: Readonly<Record<DeviceKind, number>> = { cuda: 1, 'cuda-emulated': 129 }

/** Numbers of the open devices. */
const numbers: Record<Device, number> = { cpu: 0 }
/** What was asked for before, and what it is. */
const known = new Map<string, Device>([['cpu', 'cpu']])
let defaultDevice: Device = 'cpu'

/** The number of a device that `checkDevice` gave. */
export function deviceIndex(device: Device): number {
  return numbers[device]
}

/**
 * The device that a caller named, opened if it was not; the default one for undefined.
 *
 * @throws DeviceError for anything that is no device of this machine.
 */
export function checkDevice(op: string, device: unknown): Device {
  if (device === undefined) return defaultDevice
  const found = known.get(device as string) ?? find(op, device)
  known.set(device as string, found)
  return found
}

function find(op: string, device: unknown): Device {
  if (device === 'auto') return findFirst(op)
  const [, kind, index] = (typeof device === 'string' && /^(cuda|cuda-emulated)(?::(\d{1,3}))?$/.exec(device)) || []
  if (kind === undefined) {
    throw new DeviceError(`${op}: expected a device such as 'cpu', 'cuda', 'cuda:1' or 'auto', got ${show(device)}`)
  }
  return openDevice(op, kind as DeviceKind, Number(index ?? 0))
}

function openDevice(op: string, kind: DeviceKind, index: number): Device {
  const name: Device = `${kind}:${index}`
  if (index >= 127) throw new DeviceError(`${op}: expected one of the devices of this machine, got '${name}'`)
  const number = firstNumber[kind] + index
  const problem = native.openDevice(number)
  if (problem !== undefined) fail(problem, op)
  numbers[name] = number
  return name
}

function findFirst(op: string): Device {
  try {
    return openDevice(op, 'cuda', 0)
  } catch (error) {
    if (native.firstRefusal()) {
      const why = (error as Error).message.slice(op.length + 2)
      process.emitWarning(`'auto' chooses the CPU, because no CUDA device can be used: ${why}`, {
        type: 'NeuriteWarning',
        code: 'NEURITE_NO_CUDA',
      })
    }
    return 'cpu'
  }
}

/**
 * From now on, functions that make tensors and are not told where make them on this device. As
 * `torch.set_default_device`; each Worker has its own. Returns the device.
 *
 * @throws DeviceError for anything that is no device of this machine.
 */
export function setDefaultDevice(device: DeviceLike): Device {
  return (defaultDevice = checkDevice('setDefaultDevice', device ?? null))
}

/** Where tensors are made that are not told where. At first `'cpu'`. */
export function getDefaultDevice(): Device {
  return defaultDevice
}

/** The devices of a kind, or why there are none. */
export function devicesOfKind(kind: DeviceKind): DeviceInfo[] | string {
  return native.devices(deviceKinds.indexOf(kind))
}
