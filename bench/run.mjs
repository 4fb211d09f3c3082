// npm run bench -- [--filter regex] [--threads 1,2] [--peers] [--peer torch …] [--json out.jsonl] [--seconds 0.2]
//                  [--rounds 3] [--device cuda]
// Times each row in neurite and, with --peers, in every peer found (or those named by --peer), interleaved: one process
// per side and thread count stays alive, and each row is measured in turn on every side, `rounds` times within
// `seconds` per side. Prints JSON lines, then tables: % of the machine's measured limits, and ratios (peer's time /
// ours: above 1 neurite is faster). On another device than the CPU there are rows of their own (device/rows.mjs), and
// PyTorch is the peer.
import { appendFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Machine } from './roofline.mjs'
import { rowsOf } from './rows.mjs'
import { findSides, startSide } from './sides.mjs'
import { summarize } from './summary.mjs'

const { values } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    threads: { type: 'string', default: '1,2' },
    json: { type: 'string' },
    peers: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string', default: '0.2' },
    rounds: { type: 'string', default: '3' },
    device: { type: 'string', default: 'cpu' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const threadCounts = values.device === 'cpu' ? values.threads.split(',').map(Number) : [1]
const { families, limits, DeviceMachine } = rowsOf(values.device)
if (![seconds, rounds, ...threadCounts].every((v) => v > 0)) {
  console.error('bench: expected positive numbers for --seconds, --rounds and --threads')
  process.exit(2)
}
const filter = new RegExp(values.filter)
const wanted = families.flatMap((family) =>
  family.rows.filter((row) => filter.test(`${row.bench} ${row.params}`)).map((row) => ({ family, row })),
)
if (wanted.length === 0) {
  console.error(`bench: expected a filter that matches some row, got ${values.filter}`)
  process.exit(2)
}
if (values.json) writeFileSync(values.json, '')
const [load] = loadavg()
if (values.device === 'cpu' && load > cpus().length / 2) {
  console.error(`bench: other processes are busy (load ${load.toFixed(1)}): several threads will be measured wrongly`)
}

const round = (value) => Number(value.toPrecision(4))

/** The better of two measurements of one row: least minimum, least median. */
function better(a, b) {
  if (!a || b.min_ms === undefined) return b
  const isLess = b.min_ms < a.min_ms
  return { ...(isLess ? b : a), median_ms: Math.min(a.median_ms, b.median_ms), n: a.n + b.n }
}

function emit(row, version, threads, { peer, ...result }) {
  const line = { bench: row.bench, params: row.params, peer, version, threads, ...result }
  if (result.min_ms) {
    line.median_ms = round(result.median_ms)
    line.min_ms = round(result.min_ms)
    if (row.flops) line.gflops = round(row.flops / result.min_ms / 1e6)
    if (row.bytes) line.gbs = round((row.bytes[0] + row.bytes[1]) / result.min_ms / 1e6)
    if (row.items) line.items_s = round((row.items / result.min_ms) * 1e3)
  }
  const text = JSON.stringify(line)
  console.log(text)
  if (values.json) appendFileSync(values.json, `${text}\n`)
  return line
}

/** What a peer's variant may have taken to be measured again: hopeless ones are not waited for. */
function limitOf(results) {
  const times = [...results].flatMap(([peer, { result }]) => (peer === 'neurite' ? [] : (result.min_ms ?? [])))
  return times.length > 0 ? 3 * Math.min(...times) : undefined
}

/** One row on every side in turn: what each variant of each side did. */
async function measure(row, sides, threads) {
  const results = new Map()
  const times = row.measure ? 1 : rounds
  for (let i = 0; i < times; i++) {
    const limit = limitOf(results)
    for (const side of sides) {
      for (const result of await side.measure(row, seconds / times, side.name === 'neurite' ? undefined : limit)) {
        const before = results.get(result.peer)?.result
        results.set(result.peer, { side, result: better(before, result) })
      }
    }
  }
  for (const [peer, { result }] of results) {
    if (!result.error) continue
    console.error(`bench: ${peer} has no ${row.bench} ${row.params}: ${result.error}`)
    results.delete(peer)
  }
  return [...results.values()].map(({ side, result }) => emit(row, side.version, threads, result))
}

const found = findSides(values.peers || values.peer.length > 0, values.peer, values.device)
const entries = []
for (const threads of threadCounts) {
  const sides = []
  for (const side of found) sides.push(await startSide(side, threads, values.device))
  const machine = DeviceMachine ? new DeviceMachine() : new Machine()
  const learnLimits = async () => {
    for (const row of limits) {
      for (const result of await measure(row, sides, threads)) machine.learn(row, threads, result)
    }
  }
  await learnLimits()
  for (const { family, row } of wanted) {
    const lines = await measure(row, sides, threads)
    const ours = lines.find(({ peer, min_ms: ms }) => peer === 'neurite' && ms)
    if (!ours) continue
    const others = lines.filter((result) => result !== ours && result.min_ms)
    entries.push({ family, row, threads, machine, ours, others })
  }
  // Once more: a neighbour may have been busy at the start.
  await learnLimits()
  for (const side of sides) side.stop()
}
for (const entry of entries) {
  const { row, machine, ours } = entry
  const least = machine.leastMs(row)
  entry.peak = machine.shareOfPeak(row, ours.min_ms)
  entry.roof = least && least / ours.min_ms
}
summarize(entries, families)
