// npm run test:cuda [-- plain | asan | race] [arguments]: tests on emulated CUDA devices. CTest and the tests of ops
// in jest; CTest with address and undefined behaviour sanitizers; CTest with the emulator's own check for races.
// Arguments go to jest, or to CTest if they begin with a minus: npm run test:cuda -- test/ops/conv.test.ts
import { buildNativeTarget, buildNativeTests, buildTypescript } from './build.mjs'
import { ctest, runTool } from './run.mjs'
import { buildSanitized, sanitizedFolder } from './sanitize.mjs'

const modes = {
  plain(args) {
    const isForCtest = args[0]?.startsWith('-')
    buildNativeTests()
    buildTypescript()
    const native = args.length === 0 || isForCtest ? ctest('build', ['-L', 'cuda', ...args]) : 0
    const env = { ...process.env, NEURITE_TEST_DEVICE: 'cuda-emulated' }
    const script = isForCtest ? 0 : runTool('jest', args.length > 0 ? args : ['test/ops'], { env })
    return native || script
  },
  asan(args) {
    buildSanitized()
    return ctest(sanitizedFolder, ['-L', 'cuda', ...args])
  },
  race(args) {
    buildNativeTests()
    buildNativeTarget('neurite_cuda_race')
    return ctest('build', ['-L', 'race', ...args])
  },
}

export function emulated(args) {
  const [mode, ...rest] = args
  return Object.hasOwn(modes, mode ?? '') ? modes[mode](rest) : modes.plain(args)
}
