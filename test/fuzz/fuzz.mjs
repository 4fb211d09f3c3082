// node test/fuzz/fuzz.mjs [calls] [seed]: calls native functions and public ops with random, hostile and stale
// arguments. Errors are fine, a crash is not; afterwards the arithmetic must still be right.
import { createRequire } from 'node:module'
import { Draw } from './draw.mjs'
import { memoryLimit, NativeCalls } from './native.mjs'
import { recipes } from './recipes.mjs'
import { World } from './world.mjs'

const require = createRequire(import.meta.url)
const n = require('../../dist/cjs/index.js')
const { native, block } = require('../../dist/cjs/native.js')

const calls = Number(process.argv[2] ?? 100_000)
const seed = Number(process.argv[3] ?? 20261120)
console.log(`seed ${seed}`)

n.setMemoryLimit(memoryLimit)
n.manualSeed(seed)
const draw = new Draw(seed)
const world = new World(n, draw)
const nativeCalls = new NativeCalls(native, block, draw)

// Asynchronous reads come with the Sync ones; profile and the like write files.
const skipped = new Set([
  'setNumThreads',
  'setMemoryLimit',
  'setCpuIsa',
  'collectGarbage',
  'profile',
  'synchronizeSync',
])
const publicOps = Object.keys(n).filter(
  (name) => typeof n[name] === 'function' && /^[a-z]/.test(name) && !skipped.has(name),
)
const methods = Object.getOwnPropertyNames(n.Tensor.prototype).filter((name) => name !== 'constructor')

function hostileOp() {
  const args = Array.from({ length: draw.int(0, 4) }, () =>
    draw.chance(0.5) ? world.tensor() : draw.hostileValue(world),
  )
  return n[draw.pick(publicOps)](...args)
}

function hostileMethod() {
  const t = draw.chance(0.05) ? world.disposed() : world.tensor()
  const name = draw.pick(methods)
  if (name === 'dispose') return undefined
  const args = Array.from({ length: draw.int(0, 3) }, () => draw.hostileValue(world))
  const member = t[name]
  return typeof member === 'function' ? t[name](...args) : member
}

const quiet = (value) => {
  if (value instanceof Promise) value.catch(() => {})
}

let reached = 0
let refused = 0
const unexpected = new Map()
for (let i = 0; i < calls; i++) {
  const before = nativeCalls.reached
  const kind = draw.next()
  try {
    if (kind < 0.55) quiet(draw.pick(recipes)(n, world, draw))
    else if (kind < 0.65) quiet(hostileOp())
    else if (kind < 0.75) quiet(hostileMethod())
    else if (kind < 0.9) nativeCalls.mutate(world)
    else if (kind < 0.96) nativeCalls.noise(world)
    else nativeCalls.other(world)
  } catch (error) {
    refused++
    // Anything but our own errors is a check that is missing; hostile objects may throw what they like.
    if (!(error instanceof n.NeuriteError))
      unexpected.set(String(error.message).slice(0, 80), (unexpected.get(String(error.message).slice(0, 80)) ?? 0) + 1)
  }
  if (nativeCalls.reached > before) reached++
  if (i % 50 === 0) world.age()
  if (i % 5000 === 4999) await new Promise((resolve) => setImmediate(resolve))
}

for (let fault = native.firstFault(); fault !== undefined; fault = native.firstFault());
const check = n
  .tensor([
    [1, 2],
    [3, 4],
  ])
  .matmul(
    n.tensor([
      [5, 6],
      [7, 8],
    ]),
  )
  .arraySync()
console.log(
  JSON.stringify({
    calls,
    reached,
    refused,
    check,
    unexpected: Object.fromEntries([...unexpected].sort((a, b) => b[1] - a[1]).slice(0, 12)),
  }),
)
