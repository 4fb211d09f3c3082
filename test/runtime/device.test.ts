// Computing on two devices beside the CPU: transfers in the order of the streams, faults that are known late, and the
// end of the process in mid-work.
import { avgPool2d, receiveTensor, shareTensor, synchronize, synchronizeSync, tensor, zeros } from '../../lib'
import type { Device } from '../../lib/device'
import * as kernels from '../../lib/kernels'
import { Tensor } from '../../lib/tensor'
import { runProgram } from '../support/child'
import { describeEmulated, emulatedLibrary } from '../support/emulated'
import { everyDType } from '../support'

jest.setTimeout(120_000)
const [first, second] = ['cuda-emulated:0', 'cuda-emulated:1'] as const satisfies Device[]

/** Gradients dy [1, 1, 1, 1] of a pooling with windows of 2 × 2, to where `index` says, in a new dx or an old one. */
function unpool(dy: Tensor, index: bigint, dx = new Tensor([1, 1, 2, 2], 'float32', dy.device)): Tensor {
  const at = tensor([[[[index]]]], { device: dy.device })
  kernels.maxPoolBackward(dy, at, dx, [2, 2], [2, 2], [0, 0], [1, 1])
  return dx
}

const one = (device: Device): Tensor => tensor([[[[1]]]], { device })
/** An index that is out of range: a fault that the device finds when it gets there. */
const broken = (device: Device = first): Tensor => unpool(one(device), 9n)

describeEmulated('transfers', () => {
  test.each(everyDType)('keep the bits of %s', async (dtype) => {
    const x = tensor([[1, 0, 3], [4, 5, 127]], { dtype, device: 'cpu' })
    const there = x.to(first)
    const [back, beyond] = [there.to('cpu'), there.to(second)]
    expect([there.device, back.device, beyond.device]).toEqual([first, 'cpu', second])
    expect(there.dtype).toBe(dtype)
    const want = await x.data({ raw: true })
    for (const t of [there, back, beyond, beyond.to(first)]) expect(await t.data({ raw: true })).toEqual(want)
  })

  test('take views, empty tensors and single numbers', async () => {
    const x = tensor([[1, 2, 3], [4, 5, 6]], { device: 'cpu' })
    expect(await x.permute([1, 0]).to(first).array()).toEqual([[1, 4], [2, 5], [3, 6]])
    expect(await x.select(1, 1).to(second).to('cpu').array()).toEqual([2, 5])
    expect(await x.expand([2, 2, 3]).to(first).array()).toEqual([await x.array(), await x.array()])
    expect(zeros([0, 3], { device: 'cpu' }).to(first).to('cpu').dataSync().length).toBe(0)
    expect(tensor(7, { device: first }).to(second).itemSync()).toBe(7)
  })

  test('are not there twice', () => {
    const x = zeros([2], { device: first })
    expect(x.to('cuda-emulated')).toBe(x)
    expect(x.to(first)).toBe(x)
  })

  test('carry what a tensor held at that moment, and own their memory', async () => {
    const x = zeros([3], { device: first })
    const moved = x.to(second)
    x.fill_(1)
    const later = x.to(second)
    moved.fill_(5)
    expect(await Promise.all([x, moved, later].map((t) => t.array()))).toEqual([[1, 1, 1], [5, 5, 5], [1, 1, 1]])
  })

  test('take gradients back', async () => {
    const x = tensor([[[[1, 2], [3, 4]]]], { device: 'cpu', requiresGrad: true })
    const y = avgPool2d(x.to(first).to(second), { kernelSize: 2 })
    y.backward()
    expect([y.device, x.grad?.device]).toEqual([second, 'cpu'])
    expect(await x.grad!.array()).toEqual([[[[0.25, 0.25], [0.25, 0.25]]]])
  })

  test('criss-cross without waiting for each other for ever', async () => {
    let [a, b, c] = [first, second, 'cpu' as const].map((device, i) => zeros([64], { device }).fill_(i + 1))
    for (let i = 0; i < 300; i++) [a, b, c] = [c.to(first), a.to(second), b.to('cpu')]
    expect(await Promise.all([a, b, c].map((t) => t.to('cpu').select(0, 63).item()))).toEqual([1, 2, 3])
  })

  test('share memory with Workers on the same device only', async () => {
    const message = shareTensor(tensor([1, 2], { device: first }))
    expect(() => receiveTensor({ ...message, device: second })).toThrow(
      /as it was sent, of \[2\] float32 on cuda-emulated:0, got \[2\] float32 on (no device|cuda-emulated:1)/,
    )
    expect(() => receiveTensor({ ...message, device: undefined as never })).toThrow(/expected a device/)
    const received = receiveTensor(message)
    expect(received.device).toBe(first)
    expect(await received.array()).toEqual([1, 2])
  })
})

describeEmulated('faults that are known late', () => {
  /** Every fault that was reported by nobody, drained, so that tests do not see each other's. */
  beforeEach(() => {
    for (;;) {
      try {
        return synchronizeSync()
      } catch {
        continue
      }
    }
  })

  test('reject whoever awaits the output, with code, op and what came', async () => {
    const wanted = { code: 'INDEX_OUT_OF_RANGE', message: 'max_pool_backward: expected index in [0, 4), got 9' }
    await expect(broken().data()).rejects.toMatchObject(wanted)
    expect(() => broken().dataSync()).toThrow(wanted.message)
  })

  test('travel with what is computed, and to other devices', async () => {
    const bad = broken()
    const computed = avgPool2d(bad, { kernelSize: 2 })
    const [moved, again] = [computed.to(second), computed.to('cpu').to(first)]
    const derived = avgPool2d(unpool(moved, 0n), { kernelSize: 2 })
    for (const t of [bad, computed, moved, again, derived]) {
      await expect(t.data()).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' })
    }
    await expect(synchronize()).resolves.toBeUndefined() // it was one fault, and has been told
  })

  test('of the CPU travel to devices', async () => {
    const y = new Tensor([2], 'float32', 'cpu')
    kernels.indexSelect(tensor([1, 2, 3], { device: 'cpu' }), tensor([0n, 9n], { device: 'cpu' }), y, 0)
    await expect(y.to(first).to(second).data()).rejects.toThrow(/^index_select: .*9/)
  })

  test('leave what is written in place at its last good value', async () => {
    const target = unpool(one(first), 3n)
    const bad = avgPool2d(broken(), { kernelSize: 2 })
    unpool(bad, 0n, target) // reads a marked tensor: skipped, on the device
    expect(await target.array()).toEqual([[[[0, 0], [0, 1]]]])
    await expect(bad.data()).rejects.toThrow()
    unpool(bad, 0n, target) // known by now: skipped before
    expect(await target.array()).toEqual([[[[0, 0], [0, 1]]]])
    unpool(one(first), 1n, target)
    expect(await target.array()).toEqual([[[[0, 1], [0, 0]]]])
  })

  test('mark what a failed command wrote in place', async () => {
    const target = unpool(one(first), 3n)
    unpool(one(first), -1n, target)
    await expect(target.data()).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' })
  })

  test('touch nothing else', async () => {
    const good = unpool(one(first), 2n)
    broken()
    const after = avgPool2d(good, { kernelSize: 2 })
    expect(await after.array()).toEqual([[[[0.25]]]])
    await expect(synchronize()).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' })
    await expect(synchronize()).resolves.toBeUndefined()
  })

  test('of all devices are told by synchronize, the first one first', () => {
    broken(second)
    expect(() => synchronizeSync()).toThrow(/max_pool_backward/)
    expect(() => synchronizeSync()).not.toThrow()
  })

  test('are found among more checks than a device keeps', async () => {
    const bad: Tensor[] = []
    for (let i = 0; i < 2500; i++) {
      const y = unpool(one(first), i % 1000 === 999 ? 4n : 0n)
      if (i % 1000 === 999) bad.push(y)
      else y.dispose()
    }
    for (const y of bad) await expect(y.data()).rejects.toThrow(/got 4/)
    expect(bad).toHaveLength(2)
  })
})

describeEmulated('the process', () => {
  const env = { NEURITE_CUDA_LIBRARY: emulatedLibrary }
  const program = `
    const [x, y] = [n.zeros([1 << 16], { device: 'cuda' }), n.zeros([1 << 16], { device: 'cuda:1' })]
    const work = (rounds) => { for (let i = 0; i < rounds; i++) { x.to('cuda:1').to('cpu').to('cuda'); y.to('cuda') } }
  `

  test('ends when the work is done', async () => {
    const result = await runProgram(`${program} work(20); console.log('end')`, { env })
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'end\n', stderr: '' })
  })

  test('ends at once with process.exit, and with a throw', async () => {
    const left = await runProgram(`${program} work(2000); process.exit(7)`, { env })
    expect(left).toMatchObject({ code: 7, signal: null, stderr: '' })
    const throwing = `${program} work(500); setTimeout(() => { throw new Error('on purpose') }, 5)`
    const thrown = await runProgram(throwing, { env })
    expect(thrown).toMatchObject({ code: 1, signal: null })
    expect(thrown.stderr).toContain('on purpose')
  })

  test('outlives Workers that end in mid-work', async () => {
    const inside = `const n = require(require('node:worker_threads').workerData); ${program}
      require('node:worker_threads').parentPort.postMessage('busy'); for (;;) work(3)`
    const result = await runProgram(
      `const { Worker } = require('node:worker_threads')
      for (let round = 0; round < 3; round++) {
        const workers = [0, 1].map(() => new Worker(${JSON.stringify(inside)}, { eval: true, workerData: entry }))
        await Promise.all(workers.map((w) => new Promise((resolve) => w.once('message', resolve))))
        await new Promise((resolve) => setTimeout(resolve, 30))
        await Promise.all(workers.map((w) => w.terminate()))
      }
      console.log(await n.ones([2], { device: 'cuda' }).to('cuda:1').array())
      await n.synchronize()
      console.log(n.cuda.memoryStats().live < 1e5)`,
      { env },
    )
    expect(result).toMatchObject({ code: 0, signal: null, stdout: '[ 1, 1 ]\ntrue\n', stderr: '' })
  })

  test('tells at its end of a fault that nobody awaited', async () => {
    const result = await runProgram(
      `const { maxPoolBackward } = require(entry.replace('index.js', 'kernels.js'))
      const [dy, at, dx] = [[1], [9n], [0, 0]].map((values) => n.tensor([[values]], { device: 'cuda' }))
      maxPoolBackward(dy, at, dx, [2], [2], [0], [1])`,
      { env },
    )
    expect(result.code).toBe(0)
    expect(result.stderr).toMatch(/neurite: a computation failed and nobody awaited it: max_pool_backward: .*got 9\n$/)
  })

  test('hears of a lost device, again and again, and the CPU goes on', async () => {
    const result = await runProgram(
      `const x = n.zeros([4], { device: 'cuda' })
      console.log(await x.array())
      x.fill_(1)
      for (let i = 0; i < 2; i++) await x.data().catch((e) => console.log(e.constructor.name, e.code, e.message))
      await n.synchronize().catch((e) => console.log('synchronize', e.code))
      console.log(await n.ones([2]).add(1).array())`,
      { env: { ...env, NEURITE_EMULATED_FAULT: 'lost-after:1' } },
    )
    const lines = result.stdout.trim().split('\n')
    expect(lines[0]).toBe('[ 0, 0, 0, 0 ]')
    expect(lines[1]).toMatch(/^DeviceError DEVICE_LOST (fill|data): .*restart it/)
    expect(lines[2]).toMatch(/^DeviceError DEVICE_LOST (fill|data): /)
    expect(lines[3]).toBe('synchronize DEVICE_LOST')
    expect(lines[4]).toBe('[ 2, 2 ]')
    expect(result.code).toBe(0)
  })
})
