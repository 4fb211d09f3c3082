// CUDA devices: what there is, their memory, and waiting for them.
import { checkDevice, type DeviceLike, deviceIndex, devicesOfKind } from './device'
import { checked, type DeviceMemory, finish, native, whenSettled } from './native'

/** A CUDA device as its driver describes it. */
export interface CudaDevice {
  /** What tensors are moved to: `'cuda:0'`. */
  device: `cuda:${number}`
  /** As the maker calls it. */
  name: string
  /** Bytes of memory. */
  totalMemory: number
  /** Bytes that no program uses; null while this process has not opened the device. */
  freeMemory: number | null
  /** Compute capability, for example `'9.0'`. */
  capability: string
  multiprocessors: number
}

/** Whether a CUDA device can be used here. Never throws; `unavailableReason()` says why not. */
export function isAvailable(): boolean {
  return deviceCount() > 0
}

/** Why no CUDA device can be used, and what to do; null if one can. */
export function unavailableReason(): string | null {
  const found = devicesOfKind('cuda')
  return typeof found === 'string' ? found.slice(found.indexOf(': ') + 2) : null
}

/** How many CUDA devices can be used: 0 without the library, a driver or a device. */
export function deviceCount(): number {
  const found = devicesOfKind('cuda')
  return typeof found === 'string' ? 0 : found.length
}

/** The CUDA devices that can be used; none without the library, a driver or a device. */
export function devices(): CudaDevice[] {
  const found = devicesOfKind('cuda')
  if (typeof found === 'string') return []
  return found.map(({ name, totalBytes, freeBytes, major, minor, multiprocessors }, i) => ({
    device: `cuda:${i}`,
    name,
    totalMemory: totalBytes,
    freeMemory: freeBytes < 0 ? null : freeBytes,
    capability: `${major}.${minor}`,
    multiprocessors,
  }))
}

function numberOf(op: string, device: DeviceLike): number {
  return deviceIndex(checkDevice(op, device))
}

/**
 * Bytes that tensors hold on a device (`live`), their highest sum (`peak`), bytes kept for reuse (`cached`), and
 * counters, as `memoryStats` for the CPU.
 *
 * @throws DeviceError if the device is not there.
 */
export function memoryStats(device: DeviceLike = 'cuda'): DeviceMemory {
  return checked(native.memoryStats(numberOf('cuda.memoryStats', device)))
}

/** Sets `peak` of the memory figures back to what is live now. */
export function resetPeakMemory(device: DeviceLike = 'cuda'): void {
  finish(native.resetPeak(numberOf('cuda.resetPeakMemory', device)))
}

/** Most bytes that tensors and cached memory may take on a device; default 90 % of what was free when it was opened. */
export function setMemoryLimit(bytes: number, device: DeviceLike = 'cuda'): void {
  finish(native.setMemoryLimit(numberOf('cuda.setMemoryLimit', device), bytes))
}

/** Gives memory that is kept for reuse back to the driver. */
export function emptyCache(device: DeviceLike = 'cuda'): void {
  finish(native.emptyCache(numberOf('cuda.emptyCache', device)))
}

/**
 * Waits until all that was enqueued on a device has been computed; rejects with the first fault that nobody has
 * awaited.
 */
export async function synchronize(device: DeviceLike = 'cuda'): Promise<void> {
  const number = numberOf('cuda.synchronize', device)
  await whenSettled((token) => native.synchronize(token, number))
}
