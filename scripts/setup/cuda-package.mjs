// npm run prebuilds -- cuda: the package neurite-cuda in build/neurite-cuda, ready to be packed or published. It holds
// the library for all architectures and nothing that runs; neurite's addon looks for it beside its own package. It is a
// package of its own because most who install neurite have no use for its megabytes.
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspectCuda } from '../checks/cuda-library.mjs'
import { buildCuda } from './cuda.mjs'
import { root, run } from './run.mjs'

const folder = 'build/neurite-cuda'

export function packageCuda() {
  rmSync(join(root, folder), { recursive: true, force: true })
  const library = buildCuda(undefined, folder)
  run('strip', [library])
  const problems = inspectCuda(library)
  if (problems.length > 0) throw new Error(problems.join('\n'))

  const { version, license, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const manifest = {
    name: 'neurite-cuda',
    version,
    description: 'CUDA devices for neurite of the same version',
    license,
    engines,
    os: [process.platform],
    cpu: [process.arch],
    files: ['libneurite_cuda.so'],
  }
  writeFileSync(join(root, folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(
    join(root, folder, 'README.md'),
    `# neurite-cuda\n\nCUDA devices for [neurite](https://www.npmjs.com/package/neurite) ${version}: install both, and ` +
      `\`device: 'cuda'\` works on machines with an NVIDIA driver for CUDA 13.\n`,
  )
  copyFileSync(join(root, 'LICENSE'), join(root, folder, 'LICENSE'))
  console.log(`${folder}: ${(statSync(library).size / 1e6).toFixed(1)} MB`)
}
