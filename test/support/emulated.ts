// Emulated CUDA devices, for tests that need a device beside the CPU. They are built with the native tests.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './child'

export const emulatedLibrary = join(root, 'build', 'Release', 'libneurite_cuda_emulated.so')
const isThere = existsSync(emulatedLibrary)

/** Tests on emulated devices; without them they are skipped, under a name that says how to build them. */
export function describeEmulated(name: string, tests: () => void): void {
  if (isThere) describe(name, tests)
  else describe.skip(`${name} (needs emulated CUDA devices: npm run test:cuda builds them)`, tests)
}
