// The benchmark's runner, on rows that take no time. What is measured is not looked at.
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
