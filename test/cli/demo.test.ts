import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCli } from '../support/cli'

jest.setTimeout(300_000)

const folder = mkdtempSync(join(tmpdir(), 'neurite-demo-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const demo = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => runCli(['demo', ...args], { cwd: folder, env })

/** Losses and accuracies without speeds. */
const figures = (stdout: string) => stdout.match(/^epoch.*?accuracy [\d.]+|^test accuracy.*/gm)

test('a short demo learns, saves, loads, shows digits, and ends with its accuracy', async () => {
  const { code, stdout, stderr } = await demo(['--epochs', '3'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(figures(stdout)).toHaveLength(4)
  expect(stdout).toContain('its predictions agree')
  expect(stdout).toMatch(/[@%#]{2}/)
  expect(stdout).toContain('it says 3')
  const last = /\ntest accuracy (0\.\d{4})\n$/.exec(stdout)
  expect(Number(last?.[1])).toBeGreaterThan(0.94)
  expect(readdirSync(folder)).toEqual(['neurite-digits.safetensors'])
})

test('equal seeds repeat every figure and every byte, whatever the threads; other seeds do not', async () => {
  const weights = (name: string) => readFileSync(join(folder, name))
  const runs = await Promise.all([
    demo(['--epochs', '1', '--out', 'a'], { NEURITE_THREADS: '1' }),
    demo(['--epochs', '1', '--out', 'b'], { NEURITE_THREADS: '3' }),
    demo(['--epochs', '1', '--out', 'c', '--seed', '1']),
  ])
  const [a, b, c] = runs.map(({ stdout }) => figures(stdout))
  expect(a).toHaveLength(2)
  expect(a).toEqual(b)
  expect(a).not.toEqual(c)
  expect(weights('a').equals(weights('b'))).toBe(true)
  expect(weights('a').equals(weights('c'))).toBe(false)
})

test('a place that cannot be written to is an error with its name', async () => {
  const { code, stderr } = await demo(['--epochs', '1', '--out', 'no/such/folder/file'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/ENOENT.*no\/such\/folder/)
})
