// 100,000 calls with random, hostile and stale arguments; the process must survive, half of them reach a kernel, and
// those that are refused are refused by our own errors.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../support/child'

test('no call crashes the process', async () => {
  const calls = Number(process.env.NEURITE_FUZZ_CALLS ?? 100_000)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(root, 'test', 'fuzz', 'fuzz.mjs'), String(calls)],
    {
      timeout: 600_000,
      maxBuffer: 2 ** 24,
    },
  )
  const [seedLine, resultLine] = stdout.trim().split('\n')
  console.log(`fuzz: ${seedLine}: ${resultLine}`)
  const result = JSON.parse(resultLine) as { calls: number; reached: number; unexpected: object; check: number[][] }
  expect(result.calls).toBe(calls)
  expect(result.reached).toBeGreaterThanOrEqual(calls / 2)
  expect(result.unexpected).toEqual({})
  expect(result.check).toEqual([
    [19, 22],
    [43, 50],
  ])
}, 660_000)
