// Every op file has its test file, and every kernel is named in a test. A backward kernel is also covered by the op
// test of its forward, because those tests check gradients.
import { basename } from 'node:path'
import { projectFiles, read } from './files.mjs'

export function kernelNames() {
  const [, list] = /kernelNames = \[([^\]]*)\]/.exec(read('lib/kernels.ts'))
  return [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name)
}

export default function coverage() {
  const problems = []
  const tests = projectFiles(/^test\/.*\.(ts|cpp|h)$/)
  const opFiles = projectFiles(/^lib\/ops\/(?!index\.ts).*\.ts$/).map((path) => basename(path, '.ts'))
  for (const name of opFiles) {
    if (!tests.includes(`test/ops/${name}.test.ts`)) problems.push(`lib/ops/${name}.ts has no test/ops/${name}.test.ts`)
  }
  const native = tests.filter((path) => path.startsWith('test/native/')).map(read).join('\n')
  const script = tests.filter((path) => path.startsWith('test/ops/')).map(read).join('\n')
  const kernels = kernelNames()
  for (const name of kernels) {
    const forward = name.replace(/_backward.*$/, '')
    if (!mentions(native, name) && !mentions(script, camelCase(name)) && !mentions(script, camelCase(forward))) {
      problems.push(`kernel ${name} is named in no test`)
    }
  }
  return { problems, notes: [`${opFiles.length} op files, ${kernels.length} kernels`] }
}

const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

// A use, not a word in a comment: called, quoted, or taken as a member.
const mentions = (text, name) => new RegExp(`(?:\\b${name}\\(|[.>:('"\`]${name}\\b)`).test(text)
