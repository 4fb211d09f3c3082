// What a piece of work spends its time on, as a Chrome trace (chrome://tracing, ui.perfetto.dev): the ops as JavaScript
// enqueues them, and the commands as the device's stream runs them. Format: "Trace Event Format", Google.
import { type Input, intercept } from './autograd'
import { checked } from './block'
import type { OptionNames } from './check'
import { ArgumentError, checkFunction, show } from './errors'
import { checkIoOptions, type IoOptions, ioOptions, writeAtomically } from './io/atomic'
import { type CommandEvent, finish, native } from './native'
import { synchronize } from './runtime'
import { Tensor } from './tensor'

/** One event of a trace; times are microseconds. */
export interface TraceEvent {
  name: string
  /** 'X': a span with a duration; 'M': the name of a process or thread. */
  ph: 'X' | 'M'
  pid: number
  tid: number
  ts?: number
  dur?: number
  cat?: string
  args: Record<string, string | number>
}

export interface Trace {
  traceEvents: TraceEvent[]
  displayTimeUnit: 'ns'
}

export interface ProfileOptions extends IoOptions {
  /** Also write the trace as JSON to this file. */
  path?: string
}

const profileOptions: OptionNames<ProfileOptions> = { ...ioOptions, path: true }

const pid = 1
const scriptThread = 1
const streamThread = 2

/**
 * Runs `work`, waits until the stream has computed all of it, and returns its result with the trace: spans 'op' on the
 * JavaScript thread with the shapes of their inputs, spans 'command' on the stream with shapes and with how long they
 * waited in the queue. Ops of other asynchronous work that runs meanwhile are recorded too. One profile at a time.
 *
 * @throws What `work` throws, and the first fault of its computations that nobody awaited.
 */
export async function profile<T>(
  work: () => T | Promise<T>,
  options?: ProfileOptions,
): Promise<{ result: T; trace: Trace }> {
  checkFunction('profile', 'work', work)
  const { path, signal } = checkIoOptions('profile', options, profileOptions)
  signal?.throwIfAborted()
  if (path !== undefined && typeof path !== 'string') {
    throw new ArgumentError(`profile: expected path to be that of a file, got ${show(path)}`)
  }
  const ops: TraceEvent[] = []
  finish(native.profileStart())
  const stopOps = recordOps(ops)
  let result: T
  let commands: CommandEvent[]
  try {
    result = await work()
    await synchronize()
  } finally {
    stopOps()
    commands = checked(native.profileStop())
  }
  const traceEvents = [...names(), ...fromZero([...ops, ...commands.map(span)])]
  const trace: Trace = { traceEvents, displayTimeUnit: 'ns' }
  if (path !== undefined) {
    await writeAtomically(path, [new TextEncoder().encode(JSON.stringify(trace))], { signal })
  }
  return { result, trace }
}

/** Microseconds of the clock that the runtime's times are of. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1000
}

function recordOps(events: TraceEvent[]): () => void {
  return intercept((next) => (name, run, inputs) => {
    const ts = now()
    try {
      return next === null ? run() : next(name, run, inputs)
    } finally {
      const args = { shapes: inputs.map(describe).join(', ') }
      events.push({ name, ph: 'X', cat: 'op', pid, tid: scriptThread, ts, dur: now() - ts, args })
    }
  })
}

function describe(input: Input): string {
  return input instanceof Tensor ? `[${input.shape.join(', ')}] ${input.dtype}` : String(input)
}

function span({ name, shapes, enqueued, started, finished }: CommandEvent): TraceEvent {
  const args = { shapes, 'queue wait (µs)': (started - enqueued) / 1000 }
  const times = { ts: started / 1000, dur: (finished - started) / 1000 }
  return { name, ph: 'X', cat: 'command', pid, tid: streamThread, ...times, args }
}

function names(): TraceEvent[] {
  const named = (name: string, tid: number, value: string): TraceEvent => {
    return { name, ph: 'M', pid, tid, args: { name: value } }
  }
  return [
    named('process_name', scriptThread, 'neurite'),
    named('thread_name', scriptThread, 'JavaScript: ops'),
    named('thread_name', streamThread, 'cpu stream: commands'),
  ]
}

/** In order of time, the first at 0: viewers show times as they are. */
function fromZero(events: TraceEvent[]): TraceEvent[] {
  events.sort((a, b) => (a.ts as number) - (b.ts as number))
  const zero = events[0]?.ts ?? 0
  return events.map((event) => ({ ...event, ts: (event.ts as number) - zero }))
}
