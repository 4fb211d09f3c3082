// Loads the native module and explains itself when it cannot. Knows nothing of tensors.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { errorFor, NeuriteError } from './errors'
import type { kernelNames } from './kernels'
import { packageRoot } from './package'

/** What a native function returns: undefined, or "CODE: op: expected …, got …". */
export type Problem = string | undefined

/** Figures of a device. */
export interface DeviceMemory {
  live: number
  peak: number
  cached: number
  limit: number
  allocations: number
  growths: number
  stalls: number
}

/** Figures of this thread of JavaScript: live tensors of all devices, and collections of dead ones. */
export interface TensorCounts {
  tensors: number
  collections: number
}

/** What the runtime tells of a device. */
export interface DeviceInfo {
  name: string
  totalBytes: number
  freeBytes: number
  major: number
  minor: number
  multiprocessors: number
}

export interface CommandEvent {
  name: string
  shapes: string
  enqueued: number
  started: number
  finished: number
}

interface NativeModule {
  kernels: Record<(typeof kernelNames)[number], (...outputs: object[]) => Problem>
  setup(
    block: Float64Array,
    collect: (major: boolean) => void,
    settled: (token: number, buffer: ArrayBuffer | undefined, code?: string, message?: string) => void,
  ): Problem
  view(owner: object): Problem
  dispose(id: number): Problem
  share(): Problem
  receive(owner: object): Problem
  upload(owner: object, data: ArrayBufferView): Problem
  read(token: number): Problem
  readSync(): ArrayBuffer | string
  move(owner: object, source: object): Problem
  synchronize(token: number, device: number): Problem
  synchronizeSync(): Problem
  firstFault(): Problem
  info(): { isa: string; isas: string; features: string; threads: number; problem: string }
  setIsa(name: string): Problem
  setThreads(threads: number): Problem
  devices(kind: number): DeviceInfo[] | string
  openDevice(device: number): Problem
  firstRefusal(): boolean
  memoryStats(device: number): DeviceMemory | string
  tensorCounts(): TensorCounts
  resetPeak(device: number): Problem
  setMemoryLimit(device: number, bytes: number): Problem
  emptyCache(device: number): Problem
  precision(products: number): number | string
  setPrecision(products: number, precision: number): Problem
  collect(): Problem
  reclaim(): void
  profileStart(): Problem
  profileStop(): CommandEvent[] | string
}

function load(): NativeModule {
  try {
    // node-gyp-build finds prebuilds/ or build/; it is CommonJS, and so is this build.
    return (require('node-gyp-build') as (folder: string) => NativeModule)(packageRoot)
  } catch (cause) {
    throw new NeuriteError(
      'NATIVE_MODULE',
      `neurite: expected a native module for ${process.platform}-${process.arch} (Node ${process.version}), got: ` +
        `${cause instanceof Error ? cause.message : String(cause)}\n` +
        'Remedies: reinstall without --ignore-scripts on a machine with cmake, make and a C++20 compiler ' +
        '(Debian/Ubuntu: apt-get install cmake g++ make python3); in a checkout run: npm run build',
      { cause },
    )
  }
}

export const native: NativeModule = load()
export const kernels = native.kernels

/** The argument block: every native call reads its arguments from here. */
export const block = new Float64Array(16384)

/** Throws the error for what a native function reported; `op` goes before a message that names none. */
export function fail(problem: string, op?: string): never {
  const colon = problem.indexOf(': ')
  const message = problem.slice(colon + 2)
  throw errorFor(problem.slice(0, colon), op === undefined ? message : `${op}: ${message}`)
}

export function finish(problem: Problem): void {
  if (problem !== undefined) fail(problem)
}

/** Throws when native reported a problem; returns what it returned otherwise. */
export function checked<T>(result: T | string): T {
  if (typeof result === 'string') fail(result)
  return result
}

// A collector that runs at once: plain finalizers would wait for the event loop, which a synchronous loop never
// reaches.
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void
const minor = { type: 'minor' } as const

interface Waiting {
  resolve: (buffer: ArrayBuffer | undefined) => void
  reject: (error: Error) => void
}
const waiting = new Map<number, Waiting>()
let lastToken = 0

/** A promise for what `enqueue` starts; native settles it through the token. */
export function whenSettled(enqueue: (token: number) => Problem): Promise<ArrayBuffer | undefined> {
  const token = ++lastToken
  const problem = enqueue(token)
  if (problem !== undefined) fail(problem)
  return new Promise((resolve, reject) => waiting.set(token, { resolve, reject }))
}

/** A promise for all that was enqueued on all devices; it rejects with the first fault that nobody has awaited. */
export async function whenAllSettled(): Promise<void> {
  await whenSettled((token) => native.synchronize(token, -1))
}

finish(
  native.setup(
    block,
    // Without options: { type: 'major' } leaves some garbage behind on Node 20.
    (isMajor) => (isMajor ? gc() : gc(minor)),
    (token, buffer, code, message) => {
      const promise = waiting.get(token)
      waiting.delete(token)
      if (code !== undefined) promise?.reject(errorFor(code, message ?? ''))
      else promise?.resolve(buffer)
    },
  ),
)

const problem = native.info().problem
if (problem !== '') throw new NeuriteError('INVALID_ARGUMENT', problem)

// At the normal end of a program: let the stream finish, then tell of faults that nobody awaited.
process.once('beforeExit', () => {
  if (native.tensorCounts().tensors > 0) whenAllSettled().catch(reportFault)
})
process.once('exit', () => {
  for (let fault = native.firstFault(); fault !== undefined; fault = native.firstFault()) {
    reportFault(new Error(fault.slice(fault.indexOf(': ') + 2)))
  }
})

function reportFault(error: Error): void {
  process.stderr.write(`neurite: a computation failed and nobody awaited it: ${error.message}\n`)
}
