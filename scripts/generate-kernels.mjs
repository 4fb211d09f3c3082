// Emits lib/kernels.ts, the typed face of the native kernels, from native/kernels.def.
//   node scripts/generate-kernels.mjs           writes the file
//   node scripts/generate-kernels.mjs --check   fails when the file is stale
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const target = join(root, 'lib/kernels.ts')

// The preprocessor expands NR_UNARY and friends; what is left is one NR_KERNEL(name, parameters) each.
function readKernels() {
  const source = '#define NR_KERNEL(name, ...) @@name|__VA_ARGS__\n#include "kernels.def"\n'
  const text = execFileSync(process.env.CXX ?? 'g++', ['-E', '-P', '-x', 'c++', '-I', join(root, 'native'), '-'], {
    input: source.replace('@@name', '@@ name'),
    encoding: 'utf8',
  })
  return text
    .replace(/\s+/g, ' ')
    .split('@@ ')
    .slice(1)
    .map((line) => {
      const [name, parameters] = line.split('|')
      return { name: name.trim(), parameters: parameters.split(',').map(readParameter) }
    })
}

function readParameter(text) {
  const match = /^(.*?)(\w+)$/.exec(text.trim())
  return { type: match[1].trim().replace(/\s*\*/g, '*'), name: camelCase(match[2]) }
}

const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

// For each parameter type: its TypeScript type, and the call that writes it into the block and returns the next
// position.
const types = {
  'const nr_tensor*': { ts: 'Tensor', write: (n) => `writeTensor(${n}, at)` },
  'nr_tensor*': { ts: 'Tensor', write: (n) => `writeTarget(${n}, at)`, target: true },
  'const nr_operand*': { ts: 'Operand', write: (n) => `writeOperand(${n}, at)` },
  'const nr_optional*': { ts: 'Tensor | null', write: (n) => `writeOptional(${n}, at)` },
  'nr_optional*': { ts: 'Tensor | null', write: (n) => `writeOptionalTarget(${n}, at)`, target: true, optional: true },
  'const nr_tensors*': { ts: 'readonly Tensor[]', write: (n) => `writeList(${n}, at)` },
  'nr_tensors*': { ts: 'readonly Tensor[]', write: (n) => `writeList(${n}, at)` },
  nr_scalar: { ts: 'number | bigint', write: (n) => `writeScalar(${n}, at)` },
  nr_ints: { ts: 'readonly number[]', write: (n) => `writeInts(${n}, at)` },
  nr_philox: { ts: 'Philox', write: (n) => `writePhilox(${n}, at)` },
  double: { ts: 'number', write: (n) => `writeNumber(${n}, at)` },
  int64_t: { ts: 'number', write: (n) => `writeNumber(${n}, at)` },
  bool: { ts: 'boolean', write: (n) => `writeNumber(${n} ? 1 : 0, at)` },
}

function emitKernel({ name, parameters }) {
  const described = parameters.map((p) => {
    if (!types[p.type]) throw new Error(`${name}: no rule for the parameter type '${p.type}'`)
    return { ...p, ...types[p.type] }
  })
  const fn = camelCase(name)
  const targets = described.filter((p) => p.target)
  const lines = [`export function ${fn}(${described.map((p) => `${p.name}: ${p.ts}`).join(', ')}): void {`]
  lines.push('  let at = 0')
  for (const p of described) {
    if (p.target) lines.push(`  const ${p.name}At = at${p.optional ? ' + 1' : ''}`)
    lines.push(`  at = ${p.write(p.name)}`)
  }
  // A target without an id is new: native tracks the object and writes the id.
  const optional = targets.filter((p) => p.optional)
  const several = `call(kernels.${name}, [${targets.map((p) => p.name).join(', ')}])`
  if (targets.length === optional.length + 1) {
    const y = targets.find((p) => !p.optional)
    const alone = optional.map((p) => `${p.name} === null`).join(' && ')
    lines.push(`  finish(${alone ? `${alone} ? ` : ''}kernels.${name}(${y.name})${alone ? ` : ${several}` : ''})`)
  } else if (targets.length > 0) {
    lines.push(`  finish(${several})`)
  } else {
    lines.push(`  finish(kernels.${name}())`)
  }
  for (const p of targets) lines.push(`  ${p.optional ? 'adoptOptional' : 'adopt'}(${p.name}, ${p.name}At)`)
  lines.push('}')
  return lines.join('\n')
}

function emit() {
  const kernels = readKernels()
  const body = kernels.map(emitKernel).join('\n\n')
  const helpers = [...new Set(body.match(/\b(write\w+|adopt\w*|call|finish)(?=\()/g))].sort()
  const names = kernels.map((k) => `  '${k.name}',`).join('\n')
  return `// Generated from native/kernels.def by scripts/generate-kernels.mjs; do not edit.
// One function per kernel: it writes the arguments into the block and enqueues. A target tensor without an id is a new
// output and gets its memory here; one with an id is written in place.
import { ${helpers.join(', ')}, type Operand, type Philox } from './block'
import { kernels } from './native'
import type { Tensor } from './tensor'

export const kernelNames = [
${names}
] as const

${body}
`
}

const text = emit()
if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    console.error('lib/kernels.ts is stale: run npm run kernels')
    process.exit(1)
  }
} else {
  writeFileSync(target, text)
}
