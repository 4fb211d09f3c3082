// Whether CUDA devices can be used, and what of NVIDIA's driver is on this machine, looked for as files.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const driverLibrary = 'libcuda.so.1'
const libraryFolders = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/cuda/compat',
  '/usr/lib/wsl/lib',
]

/** Lines about CUDA devices, or why there are none; for a native module that loads. */
export async function cudaDevices(): Promise<[string, string][]> {
  const { devices, unavailableReason } = await import('../cuda.js')
  const reason = unavailableReason()
  if (reason !== null) return [['usable', `no: ${reason}`]]
  return devices().map(({ device, name, totalMemory, capability }) => [
    device,
    `${name}, ${(totalMemory / 2 ** 30).toFixed(1)} GiB, compute capability ${capability}`,
  ])
}

/** What of a driver is there; nothing is loaded. */
export function cudaReport(root = '/'): [string, string][] {
  return [
    ['driver library', driverPath(root) ?? `${driverLibrary} not found`],
    ['driver version', driverVersion(root) ?? 'unknown: the kernel module is not loaded'],
    ['device files', deviceFiles(root)],
  ]
}

function driverPath(root: string): string | undefined {
  const configured = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return [...configured, ...libraryFolders].map((folder) => join(root, folder, driverLibrary)).find(existsSync)
}

function driverVersion(root: string): string | undefined {
  try {
    const text = readFileSync(join(root, 'proc/driver/nvidia/version'), 'utf8')
    return /Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(text)?.[1]
  } catch {
    return undefined
  }
}

function deviceFiles(root: string): string {
  const folder = join(root, 'dev')
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /^nvidia\d+$/.test(name)) : []
  return files.length > 0 ? files.map((name) => `/dev/${name}`).join(', ') : 'no /dev/nvidia0 or other'
}
