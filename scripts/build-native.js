// The step that binding.gyp runs: plain CMake, the addon put where node-gyp-build looks for it.
// node scripts/build-native.js <product folder> <Release|Debug>
'use strict'
const { spawnSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const { availableParallelism } = require('node:os')
const { join, resolve } = require('node:path')

const root = join(__dirname, '..')
const [productFolder = 'build/Release', configuration = 'Release'] = process.argv.slice(2)
const output = resolve(root, productFolder)
const build = join(root, 'build', `cmake-${configuration}`)

function cmake(args) {
  const { error, status } = spawnSync('cmake', args, { cwd: root, stdio: 'inherit' })
  if (!error && status === 0) return
  console.error(
    error
      ? `neurite: building from source needs cmake, make and a C++20 compiler; cmake failed: ${error.message}\n` +
          'On Debian or Ubuntu: apt-get install -y cmake g++ make'
      : `neurite: cmake ended with status ${status}; its messages are above`,
  )
  process.exit(1)
}

const jobs = String(availableParallelism())
cmake(['-S', root, '-B', build, `-DCMAKE_BUILD_TYPE=${configuration}`, `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${output}`])
cmake(['--build', build, '--config', configuration, '--target', 'neurite', '--parallel', jobs])
if (!existsSync(join(output, 'neurite.node'))) {
  console.error(`neurite: the build left no neurite.node in ${output}`)
  process.exit(1)
}
