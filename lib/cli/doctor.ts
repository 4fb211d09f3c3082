// neurite doctor: what neurite finds on this machine, and why something is not used. It runs, and says why, when the
// native module does not load.
import { availableParallelism, cpus, totalmem } from 'node:os'
import { packageRoot, packageVersion } from '../package'
import type { Command } from './command'
import { cudaDevices, cudaReport } from './cudaReport'

export const doctor: Command = {
  help: `neurite doctor: show what neurite finds on this machine

Usage: neurite doctor

Exit code 0 if neurite can run here, else 1.
`,
  options: {},

  async run() {
    section('neurite', [
      ['version', packageVersion()],
      ['folder', packageRoot],
      ['native module', nativeModule()],
    ])
    section('platform', [
      ['system', `${process.platform} ${process.arch}${libc()}`],
      ['node', `${process.version} (Node-API ${process.versions.napi})`],
      ['processor', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} CPUs, ${availableParallelism()} usable`],
      ['memory', memory()],
    ])
    const isLoaded = await cpuSection()
    section('cuda', [...(isLoaded ? await cudaDevices() : []), ...cudaReport()])
    if (!isLoaded) process.exitCode = 1
  },
}

type Row = readonly [string, string]

function section(title: string, rows: readonly Row[]): void {
  const lines = rows.map(([name, value]) => `  ${name.padEnd(14)} ${value}\n`)
  process.stdout.write(`${title}\n${lines.join('')}`)
}

/** Loads the native module, which may fail. */
async function cpuSection(): Promise<boolean> {
  try {
    const { cpuInfo, memoryStats } = await import('../runtime.js')
    const { isa, isas, features, threads } = cpuInfo()
    section('cpu device', [
      ['kernels', `${isa} (this machine can run ${isas.join(', ')}${override('NEURITE_CPU')})`],
      ['features', features.join(' ')],
      ['threads', `${threads}${override('NEURITE_THREADS')}`],
      ['memory limit', gibibytes(memoryStats().limit)],
    ])
    return true
  } catch (error) {
    section('cpu device', [['not usable', (error as Error).message.replaceAll('\n', `\n${' '.repeat(17)}`)]])
    return false
  }
}

function override(variable: string): string {
  const value = process.env[variable]
  return value === undefined ? '' : `; ${variable}=${value}`
}

/** Which file node-gyp-build takes, without loading it. */
function nativeModule(): string {
  const finder = require('node-gyp-build') as { resolve(folder: string): string }
  try {
    const path = finder.resolve(packageRoot)
    return `${path} (${path.includes('prebuilds') ? 'prebuilt' : 'built from source'})`
  } catch {
    return 'not found: neither a prebuilt one for this platform nor one built from source'
  }
}

function libc(): string {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return header?.glibcVersionRuntime === undefined ? '' : `, glibc ${header.glibcVersionRuntime}`
}

function memory(): string {
  const machine = gibibytes(totalmem())
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? `${machine}, of which this process may use ${gibibytes(limit)}` : machine
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
