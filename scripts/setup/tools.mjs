// The system tools a build needs: cmake, a C++ compiler and make. What is missing is installed where we may (root on a
// machine with apt-get), and is otherwise named in one message with the command that installs it.
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root, tryRun } from './run.mjs'

const needed = [
  { name: 'cmake', commands: ['cmake'] },
  { name: 'g++', commands: [process.env.CXX, 'c++', 'g++', 'clang++'] },
  { name: 'make', commands: ['make', 'ninja'] },
]

const installers = [
  { command: 'apt-get', install: 'apt-get install -y', packages: { cmake: 'cmake', 'g++': 'g++', make: 'make' } },
  { command: 'dnf', install: 'dnf install -y', packages: { cmake: 'cmake', 'g++': 'gcc-c++', make: 'make' } },
  { command: 'pacman', install: 'pacman -S --needed', packages: { cmake: 'cmake', 'g++': 'gcc', make: 'make' } },
  { command: 'apk', install: 'apk add', packages: { cmake: 'cmake', 'g++': 'g++', make: 'make' } },
  { command: 'brew', install: 'brew install', packages: { cmake: 'cmake', 'g++': 'gcc', make: 'make' } },
]

export function has(command) {
  if (!command) return false
  if (command.includes('/')) return isExecutable(command)
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder && isExecutable(join(folder, command)))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const missingTools = () => needed.filter((tool) => !tool.commands.some(has)).map((tool) => tool.name)

export function ensureNode() {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(process.version).map(Number)
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [wantMajor, wantMinor] = /(\d+)\.(\d+)/.exec(engines.node).slice(1).map(Number)
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return
  console.error(`neurite needs Node ${wantMajor}.${wantMinor} or newer; this is ${process.version}`)
  process.exit(1)
}

export function ensureTools() {
  ensureNode()
  const missing = missingTools()
  if (missing.length === 0) return
  const installer = installers.find(({ command }) => has(command))
  if (!installer) fail(missing, 'Install them and run this again.')
  const packages = missing.map((name) => installer.packages[name])
  const isRoot = process.getuid?.() === 0
  if (installer.command !== 'apt-get' || !isRoot) {
    const sudo = isRoot || installer.command === 'brew' ? '' : 'sudo '
    fail(missing, `Install with:\n\n  ${sudo}${installer.install} ${packages.join(' ')}\n`)
  }
  console.log(`neurite builds native code and misses ${missing.join(', ')}: installing with apt-get`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  tryRun('apt-get', ['update', '-q'], { env })
  const status = tryRun('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env })
  if (status !== 0 || missingTools().length > 0) {
    const byHand = `apt-get update && apt-get install -y ${packages.join(' ')}`
    fail(missingTools(), `apt-get could not install them; by hand:\n\n  ${byHand}\n`)
  }
}

function fail(missing, remedy) {
  console.error(`neurite builds native code and misses: ${missing.join(', ')}. ${remedy}`)
  process.exit(1)
}
