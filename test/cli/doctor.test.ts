import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuInfo } from '../../lib'
import { cudaReport } from '../../lib/cli/cudaReport'
import { runCli } from '../support/cli'

jest.setTimeout(120_000)

test('says what was found and chosen', async () => {
  const { code, stdout } = await runCli(['doctor'])
  expect(code).toBe(0)
  expect(stdout).toContain(`node           ${process.version}`)
  expect(stdout).toMatch(/native module {2}.*neurite\.node|native module {2}.*\.node \((prebuilt|built from source)\)/)
  expect(stdout).toContain(cpuInfo().isas.join(', '))
  expect(stdout).toMatch(/memory limit {3}\d+\.\d GiB/)
  expect(stdout).toMatch(/^cuda\n {2}(usable +no: |cuda:0 )/m)
})

test('says what the environment overrides', async () => {
  const { stdout } = await runCli(['doctor'], { env: { NEURITE_CPU: 'scalar', NEURITE_THREADS: '1' } })
  expect(stdout).toMatch(/kernels {8}scalar \(.*NEURITE_CPU=scalar\)/)
  expect(stdout).toMatch(/threads {8}1; NEURITE_THREADS=1/)
})

test('a module that does not load is explained, with exit code 1', async () => {
  const { code, stdout } = await runCli(['doctor'], { env: { NEURITE_CPU: 'abacus' } })
  expect(code).toBe(1)
  expect(stdout).toMatch(/cpu device\n {2}not usable +.*abacus/)
})

describe('cudaReport', () => {
  const root = mkdtempSync(join(tmpdir(), 'neurite-doctor-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  test('a machine without a driver', () => {
    const report = Object.fromEntries(cudaReport(root))
    expect(report['driver library']).toBe('libcuda.so.1 not found')
    expect(report['driver version']).toMatch(/unknown/)
    expect(report['device files']).toMatch(/^no /)
  })

  test('a machine with a driver and two GPUs', () => {
    for (const folder of ['dev', 'proc/driver/nvidia', 'usr/lib64']) mkdirSync(join(root, folder), { recursive: true })
    const files = ['dev/nvidia0', 'dev/nvidia1', 'dev/nvidiactl', 'usr/lib64/libcuda.so.1']
    for (const file of files) writeFileSync(join(root, file), '')
    const version = 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n'
    writeFileSync(join(root, 'proc/driver/nvidia/version'), version)
    expect(Object.fromEntries(cudaReport(root))).toMatchObject({
      'driver library': join(root, 'usr/lib64/libcuda.so.1'),
      'driver version': '550.54.15',
      'device files': '/dev/nvidia0, /dev/nvidia1',
    })
  })
})
