// Settings and figures of the runtime: threads, memory, waiting for the stream.
import { finish, type MemoryFigures, native, whenSettled } from './native'

/** Waits until all that was enqueued has been computed; rejects with the first fault that nobody has awaited. */
export async function synchronize(): Promise<void> {
  await whenSettled((token) => native.synchronize(token))
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

/** Bytes that tensors hold (`live`), their highest sum (`peak`), bytes kept for reuse (`cached`), and counters. */
export function memoryStats(): MemoryFigures {
  return native.memoryStats()
}

/** Sets `peak` of the memory figures back to what is live now. */
export function resetPeakMemory(): void {
  native.resetPeak()
}

/** Most bytes that tensors and cached memory may take; default 80 % of what the machine or container has. */
export function setMemoryLimit(bytes: number): void {
  finish(native.setMemoryLimit(bytes))
}

/** Frees tensors that nothing refers to, and cached memory, now. */
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
