// npm run prebuilds [-- cuda]: packs the source package, builds it in a folder of its own as an installation from
// source would, and puts the stripped addon into prebuilds/<platform>-<arch>/. What the package forgot to ship fails
// here, and the build/ of development stays as it is. With `cuda`: the package neurite-cuda instead.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildTypescript, nativeInputs } from './setup/build.mjs'
import { packageCuda } from './setup/cuda-package.mjs'
import { ensureDependencies } from './setup/dependencies.mjs'
import { pack } from './setup/pack.mjs'
import { root, runTool, whenStale } from './setup/run.mjs'
import { ensureTools } from './setup/tools.mjs'

ensureTools()
ensureDependencies()
if (process.argv[2] === 'cuda') {
  packageCuda()
  process.exit(0)
}
buildTypescript()
const stamp = 'build/.stamp-prebuild'
const platform = `prebuilds/${process.platform}-${process.arch}`
whenStale({
  inputs: [...nativeInputs, 'binding.gyp', 'package.json', 'scripts'],
  output: `${platform}/neurite.node`,
  stamp,
  build: prebuild,
})
// Made with fewer instruction sets, to try the package out: not what the next call may keep.
if (process.env.NEURITE_ISAS) rmSync(join(root, stamp), { force: true })

function prebuild() {
  const stage = join(root, 'build', 'prebuild')
  rmSync(join(root, platform), { recursive: true, force: true })
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(stage, { recursive: true })
  const folder = pack(stage)
  const env = { ...process.env, npm_package_config_node_gyp_nodedir: join(folder, 'scripts', 'nodedir') }
  const nodeGyp = bundledNodeGyp()
  const args = ['--napi', '--strip', '--cwd', folder, '--out', root, ...(nodeGyp ? ['--node-gyp', nodeGyp] : [])]
  const status = runTool('prebuildify', args, { env })
  if (status !== 0) process.exit(status)
}

// npm brings a node-gyp of its own, which is on PATH only inside npm's scripts.
function bundledNodeGyp() {
  const npmCli = process.env.npm_execpath
  const candidate = npmCli && join(dirname(npmCli), 'node-gyp-bin', 'node-gyp')
  return candidate && existsSync(candidate) ? candidate : undefined
}
