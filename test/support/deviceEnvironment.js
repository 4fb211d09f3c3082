// jest's environment for tests on another device: a test that needs a kernel which the device is known not to have
// (cuda/unsupported.cu) counts as skipped, and the file ends with a line that names those kernels.
const { TestEnvironment } = require('jest-environment-node')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const debts = new Set(
  [...readFileSync(join(__dirname, '../../cuda/unsupported.cu'), 'utf8').matchAll(/^NR_UNSUPPORTED\((\w+)/gm)].map(
    ([, name]) => name,
  ),
)

/** The known debt that an error of a test speaks of. */
function debtIn(error) {
  const told = [error, error?.cause].map((e) => e?.stack ?? e?.message).join()
  const [, name] = /(\w+) is not available on CUDA devices yet/.exec(told) ?? []
  return debts.has(name) ? name : undefined
}

module.exports = class DeviceEnvironment extends TestEnvironment {
  missing = new Map()

  handleTestEvent({ name, test }) {
    if (name !== 'test_done' || test.errors.length === 0) return
    const found = test.errors.map((error) => debtIn(Array.isArray(error) ? error[0] : error))
    if (found.includes(undefined)) return
    test.errors = []
    test.status = 'skip'
    for (const kernel of new Set(found)) this.missing.set(kernel, (this.missing.get(kernel) ?? 0) + 1)
  }

  async teardown() {
    const list = [...this.missing].map(([kernel, tests]) => `${kernel} (${tests})`).join(', ')
    if (list !== '') process.stderr.write(`skipped for want of kernels, with the number of tests: ${list}\n`)
    await super.teardown()
  }
}
