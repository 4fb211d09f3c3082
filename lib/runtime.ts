// Settings and figures of the runtime and the CPU: threads, memory, waiting for the streams.
import { checked, type DeviceMemory, finish, native, type TensorCounts, whenAllSettled } from './native'

/**
 * Waits until all that was enqueued has been computed, on all devices; rejects with the first fault that nobody has
 * awaited.
 */
export async function synchronize(): Promise<void> {
  await whenAllSettled()
}

/** As `synchronize`, but blocks. */
export function synchronizeSync(): void {
  finish(native.synchronizeSync())
}

/**
 * Threads that compute, for all Workers together. The default is the CPUs that this process may use, or
 * NEURITE_THREADS. Results do not depend on it.
 */
export function setNumThreads(threads: number): void {
  finish(native.setThreads(threads))
}

export function getNumThreads(): number {
  return native.info().threads
}

/**
 * Of the CPU: bytes that tensors hold (`live`), their highest sum (`peak`), bytes kept for reuse (`cached`), and
 * counters; of all devices: the number of `tensors`.
 */
export function memoryStats(): DeviceMemory & TensorCounts {
  return { ...checked(native.memoryStats(0)), ...native.tensorCounts() }
}

/** Sets `peak` of the CPU's memory figures back to what is live now. */
export function resetPeakMemory(): void {
  finish(native.resetPeak(0))
}

/** Most bytes that tensors and cached memory of the CPU may take; default 80 % of what the machine or container has. */
export function setMemoryLimit(bytes: number): void {
  finish(native.setMemoryLimit(0, bytes))
}

/** Frees tensors that nothing refers to, and cached memory, on all devices, now. */
export function collectGarbage(): void {
  finish(native.collect())
}

export interface CpuInfo {
  /** The instruction set in use: scalar, avx2 or avx512. */
  isa: string
  /** Those this machine could use. */
  isas: string[]
  /** CPU features found and enabled. */
  features: string[]
  threads: number
}

export function cpuInfo(): CpuInfo {
  const { isa, isas, features, threads } = native.info()
  return { isa, isas: isas.split(' '), features: features.split(' '), threads }
}

/** Switches the instruction set of the kernels enqueued from now on, as NEURITE_CPU does at start. For tests. */
export function setCpuIsa(isa: string): void {
  finish(native.setIsa(isa))
}
