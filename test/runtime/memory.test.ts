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
  // The second quarter and the second half: the highest sum of live bytes, and what a collection leaves at the end.
  const windows = (steps) => {
    const figures = {}
    const end = () => {
      n.synchronizeSync()
      n.collectGarbage()
      const { live, peak } = n.memoryStats()
      n.resetPeakMemory()
      return { peak, left: live }
    }
    const seen = (i) => {
      if (i === steps >> 2) n.resetPeakMemory()
      if (i === steps >> 1) figures.early = end()
      if (i === steps - 1) figures.late = end()
    }
    return { figures, seen }
  }
  const watch = async (steps, run) => {
    const { figures, seen } = windows(steps)
    for (let i = 0; i < steps; i++) { await run(i); seen(i) }
    return figures
  }
  const watchSync = (steps, run) => {
    const { figures, seen } = windows(steps)
    for (let i = 0; i < steps; i++) { run(i); seen(i) }
    return figures
  }
`

interface Window {
  peak: number
  left: number
}

interface Figures {
  early: Window
  late: Window
}

async function run<T>(program: string): Promise<T> {
  const result = await runProgram(program, { timeout: 280_000 })
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' })
  return JSON.parse(result.stdout) as T
}

/** No step leaves anything behind, and garbage never takes more than a loop needs that frees as it goes. */
function expectFlat({ early, late }: Figures, scoped: Figures): void {
  expect(early.left).toBeGreaterThan(0)
  expect(late.left).toBeLessThanOrEqual(early.left)
  expect(late.peak).toBeLessThanOrEqual(2 * scoped.late.peak)
}

type Runs<Name extends string> = Record<Name | 'scoped', Figures>

test('20,000 steps with awaits, synchronous and in a scope', async () => {
  const { awaited, synchronous, scoped } = await run<Runs<'awaited' | 'synchronous'>>(`${mlp([128, 256, 64, 10], 64)}
    const scoped = watchSync(2000, () => n.scope(() => void step()))
    const synchronous = watchSync(20000, () => void step())
    const awaited = await watch(20000, async (i) => { const loss = step(); if (i % 10 === 0) await loss.item() })
    console.log(JSON.stringify({ awaited, synchronous, scoped }))`)
  expectFlat(awaited, scoped)
  expectFlat(synchronous, scoped)
})

test('beside a million unrelated live objects', async () => {
  const { scoped, naive } = await run<Runs<'naive'>>(`${mlp([128, 256, 64, 10], 64)}
    const heap = Array.from({ length: 1_000_000 }, (_, i) => ({ i, text: String(i) }))
    const scoped = watchSync(500, () => n.scope(() => void step()))
    const naive = watchSync(5000, () => void step())
    if (heap.length !== 1_000_000) throw new Error('heap')
    console.log(JSON.stringify({ scoped, naive }))`)
  expectFlat(naive, scoped)
})

test('with tensors of a megabyte and more', async () => {
  const { scoped, naive } = await run<Runs<'naive'>>(`${mlp([512, 1024, 512, 10], 512)}
    const scoped = watchSync(60, () => n.scope(() => void step()))
    const naive = watchSync(300, () => void step())
    console.log(JSON.stringify({ scoped, naive }))`)
  expectFlat(naive, scoped)
})

test('in a Worker', async () => {
  const { scoped, naive } = await run<Runs<'naive'>>(`
    const { Worker } = require('node:worker_threads')
    const worker = new Worker(${JSON.stringify(`
      const { parentPort, workerData } = require('node:worker_threads')
      const n = require(workerData)
      ${mlp([128, 256, 64, 10], 64)}
      const scoped = watchSync(500, () => n.scope(() => void step()))
      parentPort.postMessage({ scoped, naive: watchSync(5000, () => void step()) })
    `)}, { eval: true, workerData: entry })
    console.log(JSON.stringify(await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })))`)
  expectFlat(naive, scoped)
})

test('a loop of tiny tensors, whose bytes never press, is bounded by their number', async () => {
  const { most } = await run<{ most: number }>(`
    const x = n.ones([1])
    let most = 0
    for (let i = 0; i < 300000; i++) {
      x.add(1)
      if (i % 1000 === 0) most = Math.max(most, n.memoryStats().tensors)
    }
    console.log(JSON.stringify({ most }))`)
  expect(most).toBeLessThan(100_000)
})
