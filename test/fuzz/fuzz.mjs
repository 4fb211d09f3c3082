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

// Settings stay as they are, files are neither written nor read, and nobody makes objects of these classes.
const skipped = new Set([
  ...['setNumThreads', 'setMemoryLimit', 'setCpuIsa', 'collectGarbage', 'synchronizeSync'],
  ...['profile', 'save', 'load', 'readIdx', 'digits'],
  ...['Tensor', 'Module', 'Optimizer'],
])
const publicFunctions = [n, n.nn, n.nn.init, n.optim, n.safetensors]
  .flatMap((home) => Object.entries(home))
  .filter(([name, value]) => typeof value === 'function' && !name.endsWith('Error') && !skipped.has(name))
// What is internal checks nothing.
const internal = new Set(['constructor', 'dispose', 'setStrides'])
const methods = Object.getOwnPropertyNames(n.Tensor.prototype).filter((name) => !internal.has(name))
const moduleMethods = [
  ...['forward', 'forward', 'forward', 'apply', 'to', 'train', 'requiresGrad_', 'getParameter', 'loadStateDict'],
  ...['registerParameter', 'registerBuffer', 'toString'],
]
const optimizerMethods = ['addParamGroup', 'loadStateDict', 'step', 'stateDict']

function hostileArguments(most) {
  return Array.from({ length: draw.int(0, most) }, () =>
    draw.chance(0.5) ? world.tensor() : draw.hostileValue(world),
  )
}

function hostileFunction() {
  const [name, fn] = draw.pick(publicFunctions)
  const made = /^[A-Z]/.test(name) ? new fn(...hostileArguments(4)) : fn(...hostileArguments(4))
  if (made instanceof n.nn.Module) return made[draw.pick(moduleMethods)](...hostileArguments(3))
  if (made instanceof n.optim.Optimizer) return made[draw.pick(optimizerMethods)](...hostileArguments(2))
  return made
}

function hostileMethod() {
  const t = draw.chance(0.05) ? world.disposed() : world.tensor()
  const name = draw.pick(methods)
  const args = Array.from({ length: draw.int(0, 3) }, () => draw.hostileValue(world))
  const member = t[name]
  return typeof member === 'function' ? t[name](...args) : member
}

let reached = 0
let refused = 0
const unexpected = new Map()

/** Anything but our own errors is a check that is missing. */
function refuse(error) {
  refused++
  if (error instanceof n.NeuriteError) return
  const place = String(error?.stack).split('\n').find((line) => line.includes('dist'))?.trim().replace(/\(.*dist./, '(')
  const text = `${String(error?.message).slice(0, 80)} ${place}`
  unexpected.set(text, (unexpected.get(text) ?? 0) + 1)
}

function quiet(value) {
  if (value instanceof Promise) value.catch(refuse)
}

for (let i = 0; i < calls; i++) {
  const before = nativeCalls.reached
  const kind = draw.next()
  try {
    if (kind < 0.5) quiet(draw.pick(recipes)(n, world, draw))
    else if (kind < 0.65) quiet(hostileFunction())
    else if (kind < 0.75) quiet(hostileMethod())
    else if (kind < 0.9) nativeCalls.mutate(world)
    else if (kind < 0.96) nativeCalls.noise(world)
    else nativeCalls.other(world)
  } catch (error) {
    refuse(error)
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
    unexpected: Object.fromEntries([...unexpected].sort((a, b) => b[1] - a[1]).slice(0, 40)),
  }),
)
