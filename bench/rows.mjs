// Every row of the benchmark, by family, with the family's goals. A row is
//   { bench, params, args, flops?, work?, bytes?, items?, constant?, prepare(n) | measure(n, seconds) }
// `bench` and `params` name it in results, `args` says the same to peers in parts. `prepare` returns the function to
// time (it enqueues; the side waits for the stream), `measure` returns figures of its own. `bytes` is [read, written]
// at least, `work` the flops that the roofline counts where that differs from `flops`; `constant`: weights may be
// packed ahead. `n` is neurite.
// A goal is met by a row at `ratio` (time of the best peer among `against` / ours), or at the share `peak` of the FMA
// peak, or near the machine's limit; `least` is what no row should fall below.
import { attentionBackward, attentionForward } from './ops/attention.mjs'
import { convBackward, convForward } from './ops/conv.mjs'
import { copies } from './ops/copy.mjs'
import { elementwise } from './ops/elementwise.mjs'
import { fusedCalls } from './ops/fused.mjs'
import { largeGemm, smallGemm } from './ops/gemm.mjs'
import { norms } from './ops/norm.mjs'
import { optimizers } from './ops/optimizer.mjs'
import { recurrentRows } from './ops/recurrent.mjs'
import { reductions } from './ops/reduce.mjs'
import { inferenceRows } from './inference/models.mjs'
import { eventLoop } from './runtime/event_loop.mjs'
import { memory } from './runtime/memory.mjs'
import { tinyOps, tinySteps } from './steps/dispatch.mjs'
import { training } from './steps/training.mjs'
import { DeviceMachine, deviceLimits } from './device/limits.mjs'
import { deviceFamilies } from './device/rows.mjs'
import { limits } from './limits.mjs'

const bandwidth = [{ ratio: 1.3, least: 1 }]
const eager = /^torch(-nhwc)?$/

const families = [
  { name: 'sgemm from 512', rows: largeGemm, goals: [{ peak: 0.92, least: 1 }] },
  { name: 'sgemm small', rows: smallGemm, goals: [{ ratio: 1.3, least: 1 }] },
  { name: 'convolution forward', rows: convForward, goals: [{ ratio: 1.15, least: 1 }] },
  { name: 'convolution backward', rows: convBackward, goals: [{ ratio: 1.15, least: 1 }] },
  { name: 'attention forward', rows: attentionForward, goals: [{ ratio: 1.5, least: 1.1 }] },
  { name: 'attention backward', rows: attentionBackward, goals: [{ ratio: 1.5, least: 1.1 }] },
  { name: 'LSTM and GRU', rows: recurrentRows, goals: [{ ratio: 1.5, least: 1.1 }] },
  { name: 'normalisation and softmax', rows: norms, goals: bandwidth },
  { name: 'fused calls', rows: fusedCalls, goals: bandwidth },
  { name: 'activations', rows: elementwise, goals: bandwidth },
  { name: 'reductions', rows: reductions, goals: bandwidth },
  { name: 'copies', rows: copies, goals: bandwidth },
  { name: 'optimizers', rows: optimizers, goals: bandwidth },
  {
    name: 'training steps',
    rows: training,
    goals: [
      { name: 'eager', against: eager, ratio: 1.3, least: 1 },
      { name: 'compiled', against: /^torch-compile$/, ratio: 1 },
    ],
  },
  { name: 'inference', rows: inferenceRows, goals: [{ against: /^ort/, ratio: 1.1, least: 0.95 }] },
  { name: 'dispatch of tiny ops', rows: tinyOps, goals: [{ against: eager, ratio: 1.6, least: 1 }] },
  { name: 'tiny steps', rows: tinySteps, goals: [{ against: eager, ratio: 4, least: 2 }] },
  { name: 'runtime', rows: [...eventLoop, ...memory] },
]

/** What is measured on a device: the families of rows, and the rows that show its limits. */
export function rowsOf(device) {
  if (device === 'cpu') return { families, limits }
  const isSmall = device.includes('emulated')
  return { families: deviceFamilies(isSmall), limits: deviceLimits(isSmall), DeviceMachine }
}
