// npm run check [-- name …]: everything that can be said of the sources without running them. Each stage is named and
// timed; all run, whatever fails.
import clean from './checks/clean.mjs'
import coverage from './checks/coverage.mjs'
import imports from './checks/imports.mjs'
import layers from './checks/layers.mjs'
import sizes from './checks/sizes.mjs'
import symbols from './checks/symbols.mjs'
import { attw, format, kernels, lint, publint, types } from './checks/tools.mjs'
import { ensureDependencies } from './setup/dependencies.mjs'
import { ensureTools } from './setup/tools.mjs'

const stages = { format, lint, types, kernels, publint, attw, imports, layers, sizes, coverage, symbols, clean }
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !Object.hasOwn(stages, name))
if (unknown !== undefined) {
  console.error(`check: expected ${Object.keys(stages).join(', ')}, got ${unknown}`)
  process.exit(1)
}

ensureTools()
ensureDependencies()
const failed = []
const names = wanted.length > 0 ? wanted : Object.keys(stages)
for (const name of names) {
  const start = performance.now()
  const { problems = [], notes = [], skipped } = run(stages[name])
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  for (const line of [...notes, ...problems]) console.log(`  ${line}`)
  const state = skipped ? `skipped (${skipped})` : problems.length === 0 ? 'ok' : `FAILED, ${problems.length} found`
  console.log(`check ${name.padEnd(9)} ${seconds.padStart(5)} s  ${state}`)
  if (problems.length > 0) failed.push(name)
}
const list = failed.length > 0 ? `: ${failed.join(', ')}` : ''
console.log(`check: ${names.length - failed.length} passed, ${failed.length} failed${list}`)
process.exit(failed.length === 0 ? 0 : 1)

function run(stage) {
  try {
    return stage()
  } catch (error) {
    return { problems: [error.stack] }
  }
}
