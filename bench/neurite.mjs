// neurite's side of the benchmark: answers requests on standard input.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import * as n from '../dist/esm/index.mjs'
import { rows } from './rows.mjs'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
console.log(JSON.stringify({ version: `${version}/${n.cpuInfo().isa}` }))

/** Samples of at least 200 µs, each ended by waiting for the stream, for about `seconds`. */
function time(run, seconds) {
  const sample = (count) => {
    const started = process.hrtime.bigint()
    for (let i = 0; i < count; i++) run()
    n.synchronizeSync()
    return Number(process.hrtime.bigint() - started) / 1e6 / count
  }
  let one = sample(1)
  for (const end = performance.now() + 100; performance.now() < end; ) one = Math.min(one, sample(1))
  const inner = Math.max(1, Math.ceil(0.2 / one))
  const times = []
  const end = performance.now() + seconds * 1000
  while (times.length < 3 || performance.now() < end) times.push(sample(inner))
  times.sort((a, b) => a - b)
  return { median_ms: times[times.length >> 1], min_ms: times[0], n: times.length }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { bench, params, seconds } = JSON.parse(line)
  const row = rows.find((r) => r.bench === bench && r.params === params)
  n.manualSeed(0)
  const result = row.measure ? await row.measure(n, seconds) : time(row.prepare(n), seconds)
  n.collectGarbage()
  console.log(JSON.stringify(result))
}
