// What README.md and examples/ show runs, against the built package.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './support/child'

jest.setTimeout(120_000)

const folder = mkdtempSync(join(tmpdir(), 'neurite-examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function node(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  // From the package's folder: 'neurite' is the package itself there.
  return spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 100_000 })
}

test("the README's example trains, in about twenty lines", () => {
  const example = /```js\n([^]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? ''
  expect(example.trim().split('\n').length).toBeLessThanOrEqual(22)
  const { status, stdout, stderr } = node(['--input-type=module', '-e', example])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(Number(/^accuracy (0\.\d{3})\n$/.exec(stdout)?.[1])).toBeGreaterThan(0.9)
})

test("the README's example of devices runs without one", () => {
  const [, , example] = readFileSync(join(root, 'README.md'), 'utf8').split('```js\n')
  const body = ['--input-type=module', '-e', example.split('```')[0]]
  const env = { ...process.env, NEURITE_CUDA_LIBRARY: '/no such folder/x.so' }
  const { status, stdout, stderr } = spawnSync(process.execPath, body, { cwd: root, encoding: 'utf8', env })
  expect(status).toBe(0)
  expect(stdout).toMatch(/^\[\] cpu Float32Array\(8\)/)
  expect(stderr).toMatch(/NEURITE_NO_CUDA/)
})

test('every example runs', () => {
  const expected: Record<string, RegExp> = {
    'digits.mjs': /epoch 10: loss 0\.\d+\nthe first test image is a (\d); the model says \1\n/,
    'worker.mjs': /equal to ours: true\n/,
  }
  expect(readdirSync(join(root, 'examples')).sort()).toEqual(Object.keys(expected))
  for (const [name, output] of Object.entries(expected)) {
    const { status, stdout, stderr } = node([join('examples', name), join(folder, 'weights.safetensors')])
    expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' })
    expect(stdout).toMatch(output)
  }
})
