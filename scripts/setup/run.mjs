// What every script shares: the repository root, running a command to its end, and a content hash for freshness.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

// Runs a command with inherited output. A failing command ends this process with its status.
export function run(command, args, options = {}) {
  const status = tryRun(command, args, options)
  if (status !== 0) process.exit(status)
}

export function tryRun(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) {
    console.error(`${command}: ${result.error.message}`)
    return 127
  }
  return result.status ?? 1
}

// The npm that runs us, or the one on PATH.
export function npm(args) {
  const cli = process.env.npm_execpath
  if (cli && /npm-cli\.js$/.test(cli)) run(process.execPath, [cli, ...args])
  else run('npm', args, { shell: process.platform === 'win32' })
}

// Runs a package's command line with this Node, whatever PATH holds.
export function runTool(name, args, options = {}) {
  return tryRun(process.execPath, [tool(name), ...args], options)
}

// Runs a build's native tests, as many at a time as there are processors: references have one thread.
export function ctest(folder, args) {
  const jobs = String(availableParallelism())
  return tryRun('ctest', ['--test-dir', folder, '--output-on-failure', '--parallel', jobs, ...args])
}

function tool(name) {
  const folder = join(root, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : (bin[name.replace(/^@.*\//, '')] ?? Object.values(bin)[0]))
}

// All files under the given paths (relative to the root), sorted.
export function listFiles(...paths) {
  const found = []
  const visit = (path) => {
    const full = join(root, path)
    if (!existsSync(full)) return
    if (!statSync(full).isDirectory()) found.push(path)
    else for (const name of readdirSync(full)) visit(`${path}/${name}`)
  }
  paths.forEach(visit)
  return found.sort()
}

function contentHash(paths) {
  const hash = createHash('sha256')
  for (const path of listFiles(...paths)) hash.update(path).update('\0').update(readFileSync(join(root, path)))
  return hash.digest('hex')
}

// Calls `build` unless `output` exists and was built from exactly these inputs. The stamp lies beside what it vouches
// for, so removing the output's folder removes the stamp too.
export function whenStale({ inputs, output, stamp, build }) {
  const hash = contentHash(inputs)
  const stampFile = join(root, stamp)
  if (existsSync(join(root, output)) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash) return
  build()
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, hash)
}
