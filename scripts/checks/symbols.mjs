// The objects compiled once per instruction set may define the kernels and their table, in their own namespace, and
// nothing else that the linker sees. A weak symbol (an inline function, a template) would be merged across instruction
// sets, and a machine without AVX-512 could be handed the AVX-512 copy.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { buildNative } from '../setup/build.mjs'
import { listFiles, root } from '../setup/run.mjs'
import { kernelNames } from './coverage.mjs'

export default function symbols() {
  buildNative()
  const objects = listFiles('build/CMakeFiles').filter((path) => /kernels_\w+\.dir\/.*\.o(bj)?$/.test(path))
  const problems = objects.length === 0 ? ['no kernel objects under build/CMakeFiles'] : []
  const allowed = new Set([...kernelNames(), 'backend'])
  for (const object of objects) {
    const isa = /kernels_(\w+)\.dir/.exec(object)[1]
    for (const { type, name } of definedExternals(object)) {
      const [, namespace, symbol] = /^neurite::(\w+)::(\w+)(?:\(|$)/.exec(name) ?? []
      if (type === 'W' || type === 'V' || type === 'u') problems.push(`${object}: weak symbol ${name}`)
      else if (namespace !== isa || !allowed.has(symbol)) problems.push(`${object}: external symbol ${name}`)
    }
  }
  return { problems, notes: [`${objects.length} objects`] }
}

function definedExternals(object) {
  const options = ['--demangle', '--defined-only', '--extern-only', '--format=posix', join(root, object)]
  const lines = execFileSync('nm', options, { encoding: 'utf8' }).split('\n')
  return lines.filter(Boolean).map((line) => {
    const [, name, type] = /^(.*?) ([A-Za-z])(?: [0-9a-f]+)*\s*$/.exec(line)
    return { name, type }
  })
}
