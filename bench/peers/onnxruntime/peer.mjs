// onnxruntime's side of the benchmark: node peer.mjs FOLDER, where FOLDER has onnxruntime-node in its node_modules.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { serve } from '../../serve.mjs'
import { makers } from './graphs.mjs'
import { inference, tiny } from './models.mjs'
import { random } from './onnx.mjs'

const require = createRequire(join(process.argv[2], 'package.json'))
const ort = require('onnxruntime-node')

const size = (shape) => shape.reduce((a, b) => a * b, 1)

/** Random values; integers are zeros. */
function filled({ type, shape }) {
  const length = size(shape)
  if (type === 'int64') return new ort.Tensor(type, new BigInt64Array(length), shape)
  return new ort.Tensor(type, type === 'float64' ? Float64Array.from(random(length)) : random(length), shape)
}

function open(graph, threads) {
  return ort.InferenceSession.create(graph.encode(), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  })
}

const repeated = (session, run) => ({
  async repeat(count) {
    for (let i = 0; i < count; i++) await run()
  },
  close: () => session.release(),
})

async function run(graph, threads) {
  const session = await open(graph, threads)
  const feeds = Object.fromEntries(graph.inputs.map((input) => [input.name, filled(input)]))
  return repeated(session, () => session.run(feeds))
}

/** Tokens one after the other, keys and values of the last step fed to the next one. */
async function decode(graph, threads) {
  const session = await open(graph, threads)
  const [position, index, ...cache] = session.inputNames
  const [logits, ...presents] = session.outputNames
  const start = cache.map(() => filled({ type: 'float32', shape: [1, 12, 64, 64] }))
  const token = (value) => new ort.Tensor('int64', BigInt64Array.of(BigInt(value)), [1, 1])
  return repeated(session, async () => {
    let past = start
    let best = 0
    for (let step = 0; step < 16; step++) {
      const feeds = { [position]: token(64 + step), [index]: token(best) }
      for (const [i, name] of cache.entries()) feeds[name] = past[i]
      const results = await session.run(feeds)
      past = presents.map((name) => results[name])
      const { data } = results[logits]
      best = 0
      for (let i = 1; i < data.length; i++) if (data[i] > data[best]) best = i
    }
  })
}

function formsOf({ bench, args }) {
  if (bench === 'infer') return [{ suffix: '', packed: true, graph: () => inference[args.model](args) }]
  if (bench === 'dispatch') return args.task in tiny ? [{ suffix: '', graph: tiny[args.task] }] : []
  return makers[bench]?.(args) ?? []
}

const version = ort.env.versions.node ?? ort.env.versions.common
await serve(version, (request) =>
  formsOf(request).map(({ suffix, packed, graph }) => ({
    peer: `ort${suffix}`,
    packed,
    make: () => (request.args.model === 'gpt2 decode' ? decode : run)(graph(), request.threads),
  })),
)
