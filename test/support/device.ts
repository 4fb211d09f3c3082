// Where the tests of ops run: on the CPU with each of its instruction sets, or on the device that NEURITE_TEST_DEVICE
// names, such as cuda-emulated. There tensors are small: an emulator takes tens of nanoseconds per thread and barrier.
import { type DeviceLike, getDefaultDevice, setDefaultDevice } from '../../lib/device'
import { setConvPrecision } from '../../lib/precision'
import { cpuInfo, setCpuIsa } from '../../lib/runtime'

/** The device under test, where tensors are made unless a test says otherwise. */
export const testDevice = setDefaultDevice((process.env.NEURITE_TEST_DEVICE ?? 'cpu') as DeviceLike)
export const isOnCpu = testDevice === 'cpu'
// Tests hold float32 to its own precision; the native ones look at tf32.
if (!isOnCpu) setConvPrecision('highest')

/** What computes the same things in different code: instruction sets, or the device alone. */
export const variants: readonly string[] = isOnCpu ? cpuInfo().isas : [testDevice]

export function currentVariant(): string {
  return isOnCpu ? cpuInfo().isa : getDefaultDevice()
}

/** Makes what follows run on a variant. */
export function useVariant(variant: string): void {
  if (isOnCpu) setCpuIsa(variant)
  else setDefaultDevice(variant as DeviceLike)
}

/** Elements of the largest tensor that tests make on an emulated device. */
const most = 6000

/** Whether tensors of these shapes are small enough for the device under test. */
export function isSmallEnough(shapes: readonly (readonly number[])[]): boolean {
  return isOnCpu || shapes.every((shape) => shape.reduce((n, size) => n * size, 1) <= most)
}

/** A test of what only the CPU has; on another device it is skipped, under a name that says why. */
export function testOnCpu(reason: string, name: string, body: () => void): void {
  if (isOnCpu) test(name, body)
  else test.skip(`${name} (not on ${testDevice}: ${reason})`, body)
}
