// Devices by name. The runtime knows them by index.
import { DeviceError, show } from './errors'

/** Where a tensor lives. Only `'cpu'` so far. */
export type Device = 'cpu'

const indices: Readonly<Record<Device, number>> = { cpu: 0 }

export function deviceIndex(device: Device): number {
  return indices[device]
}

export function checkDevice(op: string, device: unknown): Device {
  if (device === undefined || device === 'cpu') return 'cpu'
  throw new DeviceError(`${op}: expected the device 'cpu' (this version has no other), got ${show(device)}`)
}
