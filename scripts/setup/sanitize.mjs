// Tests under AddressSanitizer and UBSan: CTest, then part of jest with the sanitized addon. The libraries have to be
// in the process before node's own, hence LD_PRELOAD; node-gyp-build takes the addon from NEURITE_PREBUILD.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { buildTypescript } from './build.mjs'
import { root, run, runTool, tryRun } from './run.mjs'

const folder = 'build/sanitize'
const scriptTests = 'test/(autograd|share|ops/(indexing|view|copy|cat|embedding|triangle|split|create|read))'

export function sanitized(args) {
  const jobs = String(availableParallelism())
  const output = join(root, folder, 'build', 'Release')
  const settings = ['-DNEURITE_SANITIZE=address,undefined', '-DNEURITE_TESTS=ON']
  run('cmake', ['-S', '.', '-B', folder, ...settings, `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${output}`])
  run('cmake', ['--build', folder, '--parallel', jobs])

  buildTypescript()

  const native = tryRun('ctest', ['--test-dir', folder, '--output-on-failure'])
  const libraries = ['libasan.so', 'libstdc++.so'].map((name) =>
    execFileSync(process.env.CXX ?? 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim(),
  )
  const env = {
    ...process.env,
    LD_PRELOAD: libraries.join(' '),
    ASAN_OPTIONS: 'detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    NEURITE_PREBUILD: join(root, folder),
  }
  const selected = args.length > 0 ? args : ['--testPathPatterns', scriptTests]
  const script = runTool('jest', ['--runInBand', ...selected], { env })
  return native || script
}
