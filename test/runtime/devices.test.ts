// Devices by name: what is there and what is not, in words; the default device; memory of a device's own.
import {
  cuda,
  DeviceError,
  getConvPrecision,
  getDefaultDevice,
  getMatmulPrecision,
  ones,
  setConvPrecision,
  setDefaultDevice,
  setMatmulPrecision,
  tensor,
  zeros,
} from '../../lib'
import { runProgram } from '../support/child'
import { describeEmulated, emulatedLibrary } from '../support/emulated'

jest.setTimeout(120_000)
const home = getDefaultDevice()

test('a name that is no device is refused', () => {
  for (const name of ['gpu', 'cuda:', 'cuda:x', 'cuda:1000', 'cpu:1', '', 'CUDA', null, 3, {}]) {
    expect(() => zeros([2], { device: name as never })).toThrow(DeviceError)
    expect(() => zeros([2], { device: name as never })).toThrow(/^zeros: expected a device such as 'cpu'/)
  }
  expect(() => setDefaultDevice(undefined as never)).toThrow(/^setDefaultDevice: expected a device/)
  expect(() => zeros([2]).to(undefined as never)).toThrow(/^to: expected a device/)
  expect(getDefaultDevice()).toBe(home)
})

/** Prints what a program of neurite throws: its class, code and message. */
const thrown = (body: string, env: Record<string, string>) =>
  runProgram(`try { ${body} } catch (e) { console.log(e.constructor.name, e.code, e.message) }`, { env })

describe('without its library', () => {
  const env = { NEURITE_CUDA_LIBRARY: '/no such folder/x.so' }

  test('a CUDA device is an error with the remedy', async () => {
    const { stdout } = await thrown("n.zeros([2], { device: 'cuda' })", env)
    expect(stdout).toMatch(/^DeviceError DEVICE_UNAVAILABLE zeros: expected the library of cuda devices, got /)
    expect(stdout).toMatch(/\/no such folder\/x\.so.*\. Build it again, or name its file in NEURITE_CUDA_LIBRARY\n$/)
  })

  test('there are no CUDA devices, and nothing throws', async () => {
    const { stdout } = await runProgram(
      'console.log(n.cuda.isAvailable(), n.cuda.deviceCount(), n.cuda.devices(), n.cuda.unavailableReason())',
      { env },
    )
    expect(stdout).toMatch(/^false 0 \[\] expected the library/)
  })

  test("'auto' is the CPU, with one warning for the process and its Workers", async () => {
    const { stdout, stderr } = await runProgram(
      `const { Worker } = require('node:worker_threads')
      console.log(n.zeros([2], { device: 'auto' }).device, n.setDefaultDevice('auto'), n.ones([2]).device)
      const inside = 'const n = require(require("node:worker_threads").workerData);' +
        'console.log(n.zeros([2], { device: "auto" }).device)'
      await new Promise((resolve) => new Worker(inside, { eval: true, workerData: entry }).on('exit', resolve))`,
      { env },
    )
    expect(stdout).toBe('cpu cpu cpu\ncpu\n')
    expect(stderr.match(/'auto' chooses the CPU/g)).toHaveLength(1)
    expect(stderr).toMatch(/NEURITE_NO_CUDA.*because no CUDA device can be used: expected the library of cuda devices/)
  })

  test('a file that is no such library is refused', async () => {
    const { stdout } = await thrown("n.zeros([2], { device: 'cuda' })", {
      NEURITE_CUDA_LIBRARY: require.resolve('../../build/Release/neurite.node'),
    })
    expect(stdout).toContain(
      'DEVICE_UNAVAILABLE zeros: expected the library of cuda devices, got one of another version: ',
    )
  })
})

test('precisions are settings of the process, PyTorch’s by default', async () => {
  expect([getMatmulPrecision(), getConvPrecision()]).toEqual(['highest', 'high'])
  try {
    setMatmulPrecision('medium')
    setConvPrecision('highest')
    expect([getMatmulPrecision(), getConvPrecision()]).toEqual(['high', 'highest'])
    expect(() => setMatmulPrecision('tf32' as never)).toThrow(/^setMatmulPrecision: expected 'highest', 'high' or/)
    expect(() => setConvPrecision(1 as never)).toThrow(/^setConvPrecision: .* got 1$/)
  } finally {
    setMatmulPrecision('highest')
    setConvPrecision('high')
  }
})

describeEmulated('emulated devices', () => {
  const env = { NEURITE_CUDA_LIBRARY: emulatedLibrary }
  afterEach(() => setDefaultDevice(home))

  test('are named as PyTorch names them, and beyond the last one there is none', () => {
    expect(zeros([2], { device: 'cuda-emulated' }).device).toBe('cuda-emulated:0')
    expect(zeros([2], { device: 'cuda-emulated:1' }).device).toBe('cuda-emulated:1')
    expect(() => zeros([2], { device: 'cuda-emulated:2' })).toThrow(
      expect.objectContaining({ code: 'DEVICE_UNAVAILABLE', name: 'DeviceError' }) as Error,
    )
    expect(() => zeros([2], { device: 'cuda-emulated:2' })).toThrow(
      'zeros: expected one of the 2 devices of this machine, got cuda-emulated:2',
    )
  })

  test('the default device is where tensors are made', () => {
    expect(setDefaultDevice('cuda-emulated')).toBe('cuda-emulated:0')
    expect(getDefaultDevice()).toBe('cuda-emulated:0')
    const made = [tensor([1, 2]), tensor([1, 2], { dtype: 'float64' }), zeros([3]), ones([2], { device: 'cpu' })]
    expect(made.map((t) => t.device)).toEqual(['cuda-emulated:0', 'cuda-emulated:0', 'cuda-emulated:0', 'cpu'])
    expect(zeros([2], { device: 'cuda-emulated:1' }).device).toBe('cuda-emulated:1')
  })

  test('tensors of two devices do not mix', () => {
    const [here, there] = [zeros([2], { device: 'cpu' }), zeros([2], { device: 'cuda-emulated:1' })]
    expect(() => here.add(there)).toThrow(DeviceError)
    expect(() => here.add(there)).toThrow(
      'add: expected all tensors on one device, got cpu and cuda-emulated:1; move them with to(device)',
    )
  })

  test('a device counts its own memory', async () => {
    const device = 'cuda-emulated:1'
    const before = cuda.memoryStats(device)
    const x = zeros([1000], { device })
    const { live, peak, allocations } = cuda.memoryStats(device)
    expect(live - before.live).toBe(4096)
    expect(peak).toBeGreaterThanOrEqual(live)
    expect(allocations).toBe(before.allocations + 1)
    x.dispose()
    expect(cuda.memoryStats(device).live).toBe(before.live)
    await cuda.synchronize(device)
    cuda.emptyCache(device)
    expect(cuda.memoryStats(device).cached).toBe(0)
    cuda.resetPeakMemory(device)
    expect(cuda.memoryStats(device).peak).toBe(before.live)
  })

  test('memory that is out is an error at once, and leaves the rest usable', () => {
    const device = 'cuda-emulated:1'
    const { live, limit } = cuda.memoryStats(device)
    cuda.setMemoryLimit(live + 1_000_000, device)
    try {
      expect(() => zeros([1_000_000], { device })).toThrow(
        expect.objectContaining({ code: 'OUT_OF_MEMORY', message: expect.stringContaining(device) as string }) as Error,
      )
      expect(zeros([10], { device }).dataSync()).toEqual(new Float32Array(10))
    } finally {
      cuda.setMemoryLimit(limit, device)
    }
  })

  test('memory beyond what the device has is an error, and garbage makes room', async () => {
    const program = `
      const { limit } = n.cuda.memoryStats()
      console.log(limit < 16.2e6 && limit > 16e6) // 90 % of what was free
      n.cuda.setMemoryLimit(1e12)
      try { n.zeros([2 ** 23], { device: 'cuda' }) } catch (e) { console.log(e.code) }
      for (let i = 0; i < 20; i++) n.zeros([2 ** 18], { device: 'cuda' })
      console.log((await n.ones([2 ** 18], { device: 'cuda' }).data())[7])`
    const { stdout, stderr } = await runProgram(program, { env: { ...env, NEURITE_EMULATED_MEMORY: '18000000' } })
    expect(`${stdout}${stderr}`).toBe('true\nOUT_OF_MEMORY\n1\n')
  })

  test('stand for CUDA devices when their library is named', async () => {
    const { stdout, stderr } = await runProgram(
      `console.log(n.cuda.isAvailable(), n.cuda.deviceCount(), n.cuda.unavailableReason())
      console.log(n.cuda.devices()[1].freeMemory)
      console.log(n.setDefaultDevice('auto'), n.zeros([2]).device, n.cuda.devices()[0].freeMemory > 0)
      console.log(JSON.stringify(n.cuda.devices()[1]))`,
      { env: { ...env, NEURITE_EMULATED_CAPABILITY: '80' } },
    )
    expect(stderr).toBe('')
    const lines = stdout.split('\n')
    expect(lines.slice(0, 3)).toEqual(['true 2 null', 'null', 'cuda:0 cuda:0 true'])
    expect(JSON.parse(lines[3])).toMatchObject({ device: 'cuda:1', name: 'Emulated GPU 1', capability: '8.0' })
  })

  test.each([
    ['no-driver', 'NO_DRIVER', /driver/],
    ['old-driver', 'DRIVER_TOO_OLD', /Install a newer NVIDIA driver/],
  ])('%s is told with its remedy', async (fault, code, remedy) => {
    const { stdout } = await thrown("n.zeros([2], { device: 'cuda' })", { ...env, NEURITE_EMULATED_FAULT: fault })
    expect(stdout.startsWith(`DeviceError ${code} zeros: `)).toBe(true)
    expect(stdout).toMatch(remedy)
  })
})
