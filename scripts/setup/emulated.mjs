// npm run test:cuda [-- plain | asan | race] [arguments]: tests on emulated CUDA devices. CTest and the tests of ops
// in jest; CTest with address and undefined behaviour sanitizers; CTest with the emulator's own check for races.
// Arguments that begin with a minus go to CTest, others to jest: npm run test:cuda -- test/ops/conv.test.ts
import { buildNativeTarget, buildNativeTests, buildTypescript } from './build.mjs'
import { ctest, runTool } from './run.mjs'
import { buildSanitized, sanitizedFolder } from './sanitize.mjs'

const modes = {
  plain(args) {
    const forCtest = args.filter((arg) => arg.startsWith('-'))
    const forJest = args.filter((arg) => !arg.startsWith('-'))
    buildNativeTests()
    buildTypescript()
    const native = forJest.length > 0 ? 0 : ctest('build', ['-L', 'cuda', ...args])
    const env = { ...process.env, NEURITE_TEST_DEVICE: 'cuda-emulated' }
    const script = forCtest.length > 0 ? 0 : runTool('jest', forJest.length > 0 ? forJest : ['test/ops'], { env })
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
