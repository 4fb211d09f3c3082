// The two builds: the addon (with the native tests) through cmake-js into build/, TypeScript into dist/. Each is
// skipped when its output was made from exactly the present sources.
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { root, runTool, whenStale } from './run.mjs'
import { writeEsm } from './esm.mjs'

export const nativeInputs = ['CMakeLists.txt', 'package-lock.json', 'native', 'cuda']

function must(status) {
  if (status !== 0) process.exit(status)
}

function cmakeJs(target) {
  const targetArgs = target ? ['--target', target] : []
  const args = ['build', '--log-level', 'warn', '--parallel', String(availableParallelism()), '--CDNEURITE_TESTS=ON']
  must(runTool('cmake-js', [...args, ...targetArgs]))
}

// Builds build/Release/neurite.node.
export function buildNative() {
  whenStale({
    inputs: nativeInputs,
    output: 'build/Release/neurite.node',
    stamp: 'build/.stamp-addon',
    build: () => cmakeJs('neurite'),
  })
}

// Builds the native tests, and with them everything else that CMakeLists.txt names.
export function buildNativeTests() {
  whenStale({
    inputs: [...nativeInputs, 'test/native', 'test/cuda'],
    output: 'build/CTestTestfile.cmake',
    stamp: 'build/.stamp-tests',
    build: () => cmakeJs(),
  })
}

// Builds a target that nothing else asks for.
export const buildNativeTarget = cmakeJs

export function buildTypescript() {
  whenStale({
    inputs: ['lib', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/setup/esm.mjs'],
    output: 'dist/esm/index.mjs',
    stamp: 'dist/.stamp',
    build: () => {
      rmSync(join(root, 'dist'), { recursive: true, force: true })
      must(runTool('typescript', ['--project', 'tsconfig.build.json']))
      writeEsm()
    },
  })
}
