// npm run bench -- [--filter regex] [--threads 1,2] [--json out.jsonl] [--peers] [--seconds 0.6] [--rounds 2]
// Times each row in neurite and, with --peers, in every peer found, interleaved: one process per side and thread count
// stays alive, and each row is measured in turn on every side, `rounds` times. Prints JSON lines and a table of ratios
// (peer's time / ours: above 1 neurite is faster).
import { appendFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { rows } from './rows.mjs'
import { findPeers, startSide } from './sides.mjs'

const { values } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    threads: { type: 'string', default: '1,2' },
    json: { type: 'string' },
    peers: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '0.6' },
    rounds: { type: 'string', default: '2' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const threadCounts = values.threads.split(',').map(Number)
if (![seconds, rounds, ...threadCounts].every((v) => v > 0)) {
  console.error('bench: expected positive numbers for --seconds, --rounds and --threads')
  process.exit(2)
}
const filter = new RegExp(values.filter)
const wanted = rows.filter((row) => filter.test(`${row.bench} ${row.params}`))
if (wanted.length === 0) {
  console.error(`bench: expected a filter that matches some row, got ${values.filter}`)
  process.exit(2)
}
if (values.json) writeFileSync(values.json, '')

/** The better of two measurements of one row: least minimum, least median. */
function better(a, b) {
  if (!a) return b
  return { ...b, min_ms: Math.min(a.min_ms, b.min_ms), median_ms: Math.min(a.median_ms, b.median_ms), n: a.n + b.n }
}

function emit(row, side, threads, result) {
  const line = { bench: row.bench, params: row.params, peer: side.peer, version: side.version, threads, ...result }
  if (row.flops && result.min_ms) line.gflops = round(row.flops / result.min_ms / 1e6)
  if (row.items && result.min_ms) line.items_s = round((row.items / result.min_ms) * 1e3)
  const text = JSON.stringify(line)
  console.log(text)
  if (values.json) appendFileSync(values.json, `${text}\n`)
  return line
}

const round = (value) => Number(value.toPrecision(4))

const table = []
for (const threads of threadCounts) {
  const sides = [await startSide('neurite', threads)]
  if (values.peers) for (const name of findPeers()) sides.push(await startSide(name, threads))
  for (const row of wanted) {
    const results = new Map()
    for (let i = 0; i < rounds; i++) {
      for (const side of sides) {
        const result = await side.measure(row, seconds)
        if (result) results.set(side, result.min_ms === undefined ? result : better(results.get(side), result))
      }
    }
    const lines = [...results].map(([side, result]) => emit(row, side, threads, result))
    const ours = lines.find((line) => line.peer === 'neurite')
    for (const line of lines) {
      if (line !== ours && ours?.min_ms) table.push({ row: `${row.bench} ${row.params}`, threads, line, ours })
    }
  }
  for (const side of sides) side.stop()
}

if (table.length > 0) {
  console.log(
    '\nrow | threads | peer | ours ms | peer ms | peer / ours (min) | (median)' +
      '\n--- | --- | --- | --- | --- | --- | ---',
  )
  for (const { row, threads, line, ours } of table) {
    const ratio = (key) => (line[key] / ours[key]).toFixed(2)
    const cells = [row, threads, line.peer, round(ours.min_ms), round(line.min_ms), ratio('min_ms'), ratio('median_ms')]
    console.log(cells.join(' | '))
  }
}
