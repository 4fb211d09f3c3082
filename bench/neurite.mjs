// neurite's side of the benchmark.
import { readFileSync } from 'node:fs'
import * as n from '../dist/esm/index.mjs'
import { rows } from './rows.mjs'
import { serve } from './serve.mjs'

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

/** What the loop repeats: `count` runs enqueued one after the other, then a wait for the stream. */
function timed(run) {
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
  return row.measure ? { measure: (seconds) => row.measure(n, seconds) } : timed(row.prepare(n))
}

await serve(`${version}/${n.cpuInfo().isa}`, ({ bench, params }) => {
  const row = rows.find((r) => r.bench === bench && r.params === params)
  return row ? [{ peer: 'neurite', make: () => make(row) }] : []
})
