// Every row of the benchmark. A row is { bench, params, flops?, items?, prepare(n) } where prepare returns the function
// to time (it enqueues; the runner waits for the stream), or { bench, params, measure(n, seconds) } that returns
// figures of its own. `n` is neurite. Names and params are those of the peer harness, so that results line up.
import { dispatch } from './ops/dispatch.mjs'
import { gemm } from './ops/gemm.mjs'
import { eventLoop } from './runtime/event_loop.mjs'
import { memory } from './runtime/memory.mjs'
import { training } from './steps/training.mjs'

export const rows = [...dispatch, ...gemm, ...training, ...eventLoop, ...memory]
