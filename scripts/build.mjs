// npm run build: node scripts/build.mjs native ts
import { buildNative, buildTypescript } from './setup/build.mjs'
import { buildCuda } from './setup/cuda.mjs'
import { ensureDependencies } from './setup/dependencies.mjs'
import { ensureTools } from './setup/tools.mjs'

const parts = { native: buildNative, ts: buildTypescript, cuda: () => buildCuda() }
const wanted = process.argv.slice(2)
for (const name of wanted) {
  if (!parts[name]) throw new Error(`build: expected ${Object.keys(parts).join(' or ')}, got ${name}`)
}
ensureTools()
ensureDependencies()
for (const name of wanted) parts[name]()
