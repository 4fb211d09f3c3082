// npm start: sets up all that is missing (tools, dependencies, native build, TypeScript) and runs the demo, or another
// command of the CLI: npm start -- doctor. Node built-ins only: nothing is installed yet when this runs.
import { join } from 'node:path'
import { buildNative, buildTypescript } from './setup/build.mjs'
import { ensureDependencies } from './setup/dependencies.mjs'
import { root, run } from './setup/run.mjs'
import { ensureTools } from './setup/tools.mjs'

ensureTools()
ensureDependencies()
buildNative()
buildTypescript()
const args = process.argv.slice(2)
run(process.execPath, [join(root, 'dist', 'cjs', 'cli', 'main.js'), ...(args.length > 0 ? args : ['demo'])], {
  cwd: process.cwd(),
})
