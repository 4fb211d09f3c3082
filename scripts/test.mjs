// npm test: node scripts/test.mjs native js. Builds what the named suites need, runs them all and fails if one failed.
// Further arguments go to the runner: npm run test:js -- test/ops/conv.test.ts, npm run test:native -- -R conv.
import { buildNative, buildNativeTests, buildTypescript } from './setup/build.mjs'
import { ensureDependencies } from './setup/dependencies.mjs'
import { emulated } from './setup/emulated.mjs'
import { ctest, runTool } from './setup/run.mjs'
import { sanitized, threads } from './setup/sanitize.mjs'
import { ensureTools } from './setup/tools.mjs'

const suites = {
  // Tests on a real GPU are for machines that have one: ctest --test-dir build -L gpu
  native(args) {
    buildNativeTests()
    return ctest('build', ['-LE', 'cuda|race|gpu', ...args])
  },
  js(args) {
    buildNative()
    buildTypescript()
    return runTool('jest', args)
  },
  // Native tests and a part of jest's with address and undefined behaviour sanitizers, in a build of their own.
  sanitize: sanitized,
  threads,
  cuda: emulated,
  // The whole product of ops, variants, dtypes and layouts instead of the pairwise cover.
  full(args) {
    buildNative()
    buildTypescript()
    return runTool('jest', args, { env: { ...process.env, NEURITE_TEST_FULL: '1' } })
  },
}

const args = process.argv.slice(2)
const count = args.findIndex((arg) => !Object.hasOwn(suites, arg))
const wanted = count === -1 ? args : args.slice(0, count)
const rest = args.slice(wanted.length)
if (wanted.length > 1 && rest.length > 0) {
  console.error(`npm test takes no arguments; use npm run test:native -- ${rest.join(' ')} or npm run test:js -- …`)
  process.exit(1)
}
ensureTools()
ensureDependencies()
process.exit(wanted.map((name) => suites[name](rest)).every((status) => status === 0) ? 0 : 1)
