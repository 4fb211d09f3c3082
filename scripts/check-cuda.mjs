// npm run check:cuda [-- architectures]: builds the library for CUDA devices, for one architecture unless told
// otherwise, looks at what it exports and needs, and has the addon load it. Where there is no GPU, that ends in words.
import { execFileSync } from 'node:child_process'
import { inspectCuda } from './checks/cuda-library.mjs'
import { buildNative, buildTypescript } from './setup/build.mjs'
import { buildCuda } from './setup/cuda.mjs'
import { ensureDependencies } from './setup/dependencies.mjs'
import { root } from './setup/run.mjs'
import { ensureTools } from './setup/tools.mjs'

const program = `
const { cuda } = require('./dist/cjs')
const reason = cuda.unavailableReason()
console.log(reason ?? cuda.devices().map(({ name }) => name).join(', '))
process.exit(reason?.includes('expected the library') ? 1 : 0)
`

ensureTools()
ensureDependencies()
buildNative()
buildTypescript()
const library = buildCuda(process.argv[2] ?? '90a-real')
const problems = inspectCuda(library)
try {
  const env = { ...process.env, NEURITE_CUDA_LIBRARY: library }
  const said = execFileSync(process.execPath, ['-e', program], { cwd: root, env, encoding: 'utf8' })
  console.log(`cuda: ${said.trim()}`)
} catch (error) {
  problems.push(`the addon could not load it: ${error.stdout}${error.stderr}`)
}
for (const problem of problems) console.log(`FAILED ${problem}`)
console.log(`cuda: ${problems.length === 0 ? 'passed' : `${problems.length} failed`}`)
process.exit(problems.length === 0 ? 0 : 1)
