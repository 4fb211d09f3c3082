// The benchmark's runner, on rows that take no time (what is measured is not looked at), and its rules of judging.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './support/child'

jest.setTimeout(120_000)

const folder = mkdtempSync(join(tmpdir(), 'neurite-bench-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const quick = ['--seconds', '0.01', '--rounds', '1', '--threads', '1']
  return spawnSync(process.execPath, [join('bench', 'run.mjs'), ...quick, ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 100_000,
  })
}

test('rows become JSON lines and a table', () => {
  const file = join(folder, 'out.jsonl')
  const { status, stdout } = bench('--filter', '^sgemm M64|^softmax 4096x1024$', '--json', file)
  expect(status).toBe(0)
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const ours = lines.filter(({ peer }) => peer === 'neurite')
  expect(ours.map(({ bench, params }) => `${bench} ${params}`)).toEqual(['sgemm M64 N64 K64 NN', 'softmax 4096x1024'])
  for (const line of ours) expect(line).toMatchObject({ threads: 1, min_ms: expect.any(Number) as unknown })
  expect(ours[0].gflops).toBeGreaterThan(0)
  expect(ours[1].gbs).toBeGreaterThan(0)
  expect(stdout).toMatch(/^sgemm small \| threads \| ms \| rate \| % of peak \| % of roofline$/m)
  expect(stdout).toMatch(/^softmax 4096x1024 \| 1 \| /m)
})

test('wrong options are named', () => {
  expect(bench('--filter', 'no such row')).toMatchObject({
    status: 2,
    stderr: 'bench: expected a filter that matches some row, got no such row\n',
  })
  expect(bench('--rounds', '0')).toMatchObject({ status: 2 })
})

test('the limits of a device are its fastest product in each format and its bandwidth', () => {
  const script = `
    import { DeviceMachine } from './bench/device/limits.mjs'
    const machine = new DeviceMachine()
    machine.learn({ bench: 'limit copy' }, 1, { gbs: 100 })
    for (const gflops of [900, 1000, 800]) {
      machine.learn({ bench: 'limit matmul', args: { format: 'bfloat16' } }, 1, { gflops })
    }
    const row = { args: { format: 'bfloat16' }, flops: 5e8, bytes: [3e8, 1e8] }
    console.log(machine.shareOfPeak(row, 1), machine.leastMs(row), machine.leastMs({ ...row, bytes: [1e6, 0] }))
    console.log(machine.shareOfPeak({ ...row, args: { format: 'float32' } }, 1), machine.leastMs({ args: {} }))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' })
  expect(stdout).toBe('0.5 4 0.5\nundefined undefined\n')
})

test('the summary judges by ratio, roofline and tie, and counts packed weights where weights are constant', () => {
  const script = `
    import { Machine } from './bench/roofline.mjs'
    import { summarize } from './bench/summary.mjs'
    const machine = new Machine()
    machine.learn({ bench: 'peak' }, 1, { gflops: 100 })
    for (const test of ['read', 'copy']) {
      machine.learn({ bench: 'bandwidth', args: { test, bytes: 1e6 } }, 1, { gbs: 40 })
      machine.learn({ bench: 'bandwidth', args: { test, bytes: 1e8 } }, 1, { gbs: 20 })
    }
    console.log(machine.leastMs({ flops: 1e9 }), machine.leastMs({ flops: 1, bytes: [8e6, 2e6] }).toFixed(4))
    const family = { name: 'all', goals: [{ ratio: 1.3, least: 1 }] }
    const entry = (params, roof, times, constant) => ({
      family,
      row: { bench: 'row', params, constant },
      threads: 1,
      ours: { min_ms: 1 },
      others: Object.entries(times).map(([peer, ms]) => ({ peer, min_ms: ms, packed: peer === 'packed' })),
      roof,
    })
    summarize(
      [
        entry('met', 0.5, { a: 1.3, b: 2 }),
        entry('tied', 0.5, { a: 0.98 }),
        entry('at the limit', 0.9, { a: 0.5 }),
        entry('behind', 0.5, { a: 0.8 }),
        entry('plain', 0.5, { a: 1.5, packed: 0.1 }),
        entry('constant', 0.5, { a: 1.5, packed: 0.5 }, true),
      ],
      [family],
    )`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' })
  const lines = stdout.split('\n')
  // 10 MB lie half way between 1 and 100 MB: 30 GB/s.
  expect(lines[0]).toBe('10 0.3333')
  const mean = (1.3 * 0.98 * 0.5 * 0.8 * 1.5 * 0.5) ** (1 / 6)
  const counted = (1.3 * 0.98 * 1.3 * 0.8 * 1.5 * 0.5) ** (1 / 6)
  expect(lines).toContain(`all | 1 | 6 | ${mean.toFixed(2)} | ${counted.toFixed(2)} | 1.3 | 1 | 3 | 2`)
  expect(lines.filter((line) => /^row .* \d\.\d\d \| 50$/.test(line)).map((line) => line.split(' | ')[0])).toEqual([
    'row constant',
    'row behind',
  ])
})
