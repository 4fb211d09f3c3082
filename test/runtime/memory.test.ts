// A naive training loop without one dispose keeps memory flat: with awaits, without, beside a large heap, with large
// tensors, and in a Worker. Bytes are those the allocator counts; each program runs in a process of its own.
import { runProgram } from '../support/child'

jest.setTimeout(300_000)

/** The loop under test; `step` makes all its tensors anew. */
const mlp = (sizes: number[], batch: number) => `
  const { Linear, ReLU, Sequential } = n.nn
  n.manualSeed(0)
  const sizes = ${JSON.stringify(sizes)}
  const model = new Sequential(...sizes.slice(1).flatMap((out, i) => [new Linear(sizes[i], out), new ReLU()]))
  const opt = new n.optim.SGD(model.parameters(), { lr: 1e-3 })
  const x = n.randn([${batch}, sizes[0]])
  const step = () => {
    opt.zeroGrad()
    const loss = model.forward(x).square().mean()
    loss.backward()
    opt.step()
    return loss
  }
  // Peaks of the second half against those of the second quarter: flat means that they do not grow.
  const watch = async (steps, run) => {
    let early = 0
    for (let i = 0; i < steps; i++) {
      await run(i)
      if (i === steps >> 2) n.resetPeakMemory()
      if (i === steps >> 1) { early = n.memoryStats().peak; n.resetPeakMemory() }
    }
    await n.synchronize()
    return { early, late: n.memoryStats().peak, tensors: n.memoryStats().tensors }
  }
  const watchSync = (steps, run) => {
    let early = 0
    for (let i = 0; i < steps; i++) {
      run(i)
      if (i === steps >> 2) n.resetPeakMemory()
      if (i === steps >> 1) { early = n.memoryStats().peak; n.resetPeakMemory() }
    }
    n.synchronizeSync()
    return { early, late: n.memoryStats().peak, tensors: n.memoryStats().tensors }
  }
`

interface Figures {
  early: number
  late: number
  tensors: number
}

async function figures(program: string, nodeFlags: string[] = []): Promise<Record<string, Figures>> {
  const result = await runProgram(program, { timeout: 280_000, nodeFlags })
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' })
  return JSON.parse(result.stdout) as Record<string, Figures>
}

function expectFlat({ early, late }: Figures): void {
  expect(early).toBeGreaterThan(0)
  expect(late).toBeLessThanOrEqual(early * 1.25)
}

test('20,000 steps with awaits, synchronous and in a scope', async () => {
  const { awaited, synchronous, scoped } = await figures(`${mlp([128, 256, 64, 10], 64)}
    const scoped = watchSync(2000, () => n.scope(() => void step()))
    const synchronous = watchSync(20000, () => void step())
    const awaited = await watch(20000, async (i) => { const loss = step(); if (i % 10 === 0) await loss.item() })
    console.log(JSON.stringify({ awaited, synchronous, scoped }))`)
  expectFlat(awaited)
  expectFlat(synchronous)
  expect(awaited.late).toBeLessThanOrEqual(2 * scoped.late)
  expect(synchronous.late).toBeLessThanOrEqual(2 * scoped.late)
})

test('beside a million unrelated live objects', async () => {
  const { scoped, naive } = await figures(`${mlp([128, 256, 64, 10], 64)}
    const heap = Array.from({ length: 1_000_000 }, (_, i) => ({ i, text: String(i) }))
    const scoped = watchSync(500, () => n.scope(() => void step()))
    const naive = watchSync(5000, () => void step())
    if (heap.length !== 1_000_000) throw new Error('heap')
    console.log(JSON.stringify({ scoped, naive }))`)
  expectFlat(naive)
  expect(naive.late).toBeLessThanOrEqual(2 * scoped.late)
})

test('with tensors of a megabyte and more', async () => {
  const { scoped, naive } = await figures(`${mlp([512, 1024, 512, 10], 512)}
    const scoped = watchSync(60, () => n.scope(() => void step()))
    const naive = watchSync(300, () => void step())
    console.log(JSON.stringify({ scoped, naive }))`)
  expectFlat(naive)
  expect(naive.late).toBeLessThanOrEqual(2 * scoped.late)
})

test('in a Worker', async () => {
  const { naive } = await figures(`
    const { Worker } = require('node:worker_threads')
    const worker = new Worker(${JSON.stringify(`
      const { parentPort, workerData } = require('node:worker_threads')
      const n = require(workerData)
      ${mlp([128, 256, 64, 10], 64)}
      parentPort.postMessage({ naive: watchSync(5000, () => void step()) })
    `)}, { eval: true, workerData: entry })
    console.log(JSON.stringify(await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })))`)
  expectFlat(naive)
})

test('a loop of tiny tensors, whose bytes never press, is bounded by their number', async () => {
  const { naive } = await figures(`
    const x = n.ones([1])
    let most = 0
    for (let i = 0; i < 300000; i++) {
      x.add(1)
      if (i % 1000 === 0) most = Math.max(most, n.memoryStats().tensors)
    }
    console.log(JSON.stringify({ naive: { early: 1, late: 1, tensors: most } }))`)
  expect(naive.tensors).toBeLessThan(100_000)
})
