// npm run check:package: what a user gets. Packs the package with its prebuild, looks at what the addon asks of the
// system, installs the tarball in an empty folder (offline, no scripts, no compiler on PATH, empty cache) and loads it
// from ESM, CommonJS and a Worker. Linux only for now.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programs } from './checks/package-programs.mjs'
import { packTarball } from './setup/pack.mjs'
import { root, run } from './setup/run.mjs'

const glibcFloor = '2.34' // Debian 12, Ubuntu 22.04, RHEL 9 and newer
const allowedLibraries = /^(libc|libm|libgcc_s|libpthread|libdl|ld-linux-x86-64|ld-linux-aarch64)\.so\.\d+$/

const failures = []
const check = (name, ok, detail) => {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}${detail ? `: ${detail}` : ''}`)
  if (!ok) failures.push(name)
}

run(process.execPath, ['scripts/prebuild.mjs'])
inspect(join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'neurite.node'))
const folder = mkdtempSync(join(tmpdir(), 'neurite-package-'))
try {
  install(folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`package: ${failures.length === 0 ? 'passed' : `${failures.length} failed`}`)
process.exit(failures.length === 0 ? 0 : 1)

// What the dynamic linker would have to find.
function inspect(addon) {
  const objdump = (option) => execFileSync('objdump', [option, addon], { encoding: 'utf8' })
  const versions = [...objdump('-T').matchAll(/GLIBC_([\d.]+)/g)].map(([, version]) => version)
  const newest = versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
  const isLow = newest.localeCompare(glibcFloor, 'en', { numeric: true }) <= 0
  check('glibc floor', isLow, `needs ${newest}, stated ${glibcFloor}`)
  const libraries = [...objdump('-p').matchAll(/NEEDED\s+(\S+)/g)].map(([, name]) => name)
  check('shared libraries', libraries.every((name) => allowedLibraries.test(name)), libraries.join(' '))
  check('addon size', true, `${(statSync(addon).size / 1e6).toFixed(1)} MB`)
}

function install(folder) {
  const tarball = packTarball(folder)
  check('tarball', true, `${(statSync(tarball).size / 1e6).toFixed(1)} MB`)
  const names = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n')
  const unwanted = names.filter((name) => /^package\/cuda\/emulator\/|\.so$/.test(name))
  check('no device libraries, no emulator', unwanted.length === 0, unwanted.join(' '))

  // A PATH that holds node and nothing else.
  const bin = join(folder, 'bin')
  const home = join(folder, 'home')
  const app = join(folder, 'app')
  for (const path of [bin, home, app]) mkdirSync(path)
  symlinkSync(process.execPath, join(bin, 'node'))
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true }\n')
  const env = { PATH: bin, HOME: home, npm_config_cache: join(home, 'cache') }
  const node = (args) => execFileSync(process.execPath, args, { cwd: app, env, encoding: 'utf8', stdio: 'pipe' })
  const attempt = (name, args, expected) => {
    try {
      const output = node(args).trim()
      check(name, expected.test(output), output)
    } catch (error) {
      check(name, false, error.stderr || error.message)
    }
  }

  const quiet = ['--no-audit', '--no-fund']
  attempt('install', [npmCli(), 'install', '--offline', '--ignore-scripts', ...quiet, tarball], /added/)
  for (const [file, { text, prints }] of Object.entries(programs)) {
    writeFileSync(join(app, file), text)
    attempt(file, [file], prints)
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const command = join(app, 'node_modules', '.bin', 'neurite')
  attempt('command line', [command, '--version'], new RegExp(version.replaceAll('.', '\\.')))
}

function npmCli() {
  if (process.env.npm_execpath) return process.env.npm_execpath
  const globalModules = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim()
  return join(globalModules, 'npm', 'bin', 'npm-cli.js')
}
