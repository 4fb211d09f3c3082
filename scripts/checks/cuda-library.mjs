// What libneurite_cuda shows and what it needs: its one entry, and nothing that a machine with a driver might lack.
import { execFileSync } from 'node:child_process'

const allowed = /^(libc|libm|libgcc_s|libpthread|libdl|librt|ld-linux-x86-64|ld-linux-aarch64)\.so\.\d+$/

export function inspectCuda(library) {
  const output = (command, args) => execFileSync(command, [...args, library], { encoding: 'utf8' })
  const lines = output('nm', ['--dynamic', '--defined-only', '--format=posix']).split('\n').filter(Boolean)
  const exported = lines.map((line) => line.split(' ')[0])
  const needed = [...output('readelf', ['--dynamic', '--wide']).matchAll(/NEEDED.*\[(.*)\]/g)].map(([, name]) => name)
  return [
    ...exported.filter((name) => name !== 'neurite_device_library').map((name) => `${library} exports ${name}`),
    ...(exported.includes('neurite_device_library') ? [] : [`${library} does not export neurite_device_library`]),
    ...needed.filter((name) => !allowed.test(name)).map((name) => `${library} needs ${name}`),
  ]
}
