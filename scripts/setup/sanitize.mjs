// Tests under sanitizers. AddressSanitizer and UBSan: CTest, then part of jest with the sanitized addon. The libraries
// have to be in the process before node's own, hence LD_PRELOAD; node-gyp-build takes the addon from NEURITE_PREBUILD.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { buildTypescript } from './build.mjs'
import { ctest, root, run, runTool } from './run.mjs'

export const sanitizedFolder = 'build/sanitize'
// One with narrow vectors and one with wide ones: AVX2's kernels are the same sources.
const sanitizedIsas = 'scalar;avx512'
const scriptTests = 'test/(autograd|share|ops/(indexing|view|copy|cat|embedding|triangle|split|create|read))'

function build(folder, sanitizers, settings = []) {
  const asked = [`-DNEURITE_SANITIZE=${sanitizers}`, '-DNEURITE_TESTS=ON', ...settings]
  run('cmake', ['-S', '.', '-B', folder, ...asked])
  run('cmake', ['--build', folder, '--parallel', String(availableParallelism())])
}

// Native tests under ThreadSanitizer. Work is split among threads in code that all instruction sets share, so scalar
// kernels show every race.
export function threads(args) {
  build('build/threads', 'thread', ['-DNEURITE_ISAS=scalar', '-DNEURITE_CUDA_EMULATOR=OFF'])
  return ctest('build/threads', args)
}

export function buildSanitized() {
  const output = join(root, sanitizedFolder, 'build', 'Release')
  const settings = [`-DNEURITE_ISAS=${sanitizedIsas}`, `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${output}`]
  build(sanitizedFolder, 'address,undefined', settings)
}

export function sanitized(args) {
  buildSanitized()
  buildTypescript()

  const native = ctest(sanitizedFolder, ['-LE', 'cuda'])
  const libraries = ['libasan.so', 'libstdc++.so'].map((name) =>
    execFileSync(process.env.CXX ?? 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim(),
  )
  const env = {
    ...process.env,
    LD_PRELOAD: libraries.join(' '),
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    NEURITE_PREBUILD: join(root, sanitizedFolder),
  }
  const selected = args.length > 0 ? args : ['--testPathPatterns', scriptTests]
  const script = runTool('jest', ['--runInBand', ...selected], { env })
  return native || script
}
