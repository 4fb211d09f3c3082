// neurite's side of the benchmark.
import { readFileSync } from 'node:fs'
import * as n from '../dist/esm/index.mjs'
import { rowsOf } from './rows.mjs'
import { serve } from './serve.mjs'

const device = process.env.NEURITE_BENCH_DEVICE ?? 'cpu'
const { families, limits } = rowsOf(device)
const rows = [...(device === 'cpu' ? [] : limits), ...families.flatMap((family) => family.rows)]
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** Runs until the memory pool has had enough for three runs; the first ones pay for fresh pages. */
function warmUp(run) {
  for (let quiet = 0, i = 0; quiet < 3 && i < 16; i++) {
    const { growths } = n.memoryStats()
    run()
    n.synchronizeSync()
    quiet = n.memoryStats().growths === growths ? quiet + 1 : 0
  }
}

/** Rejects with the first fault of what was enqueued, and hears the others, so that they are no other row's. */
async function settled() {
  let first
  const hear = (fault) => (first ??= fault)
  while (await n.synchronize().then(() => undefined, hear));
  if (first) throw first
}

/** What the loop repeats: `count` runs enqueued one after the other, then a wait for the stream. */
async function timed(run) {
  run()
  await settled() // a fault would be fast
  warmUp(run)
  return {
    repeat(count) {
      for (let i = 0; i < count; i++) run()
      n.synchronizeSync()
    },
    close: () => n.collectGarbage(),
  }
}

function make(row) {
  n.manualSeed(0)
  n.setMatmulPrecision(row.args?.precision ?? 'highest')
  return row.measure ? { measure: (seconds) => row.measure(n, seconds) } : timed(row.prepare(n))
}

n.setDefaultDevice(device)
await serve(`${version}/${device === 'cpu' ? n.cpuInfo().isa : device}`, ({ bench, params }) => {
  const row = rows.find((r) => r.bench === bench && r.params === params)
  return row ? [{ peer: 'neurite', make: () => make(row) }] : []
})
