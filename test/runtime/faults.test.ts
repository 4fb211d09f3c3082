// Faults that only the data can show: they belong to tensors, surface where those are awaited, and spoil nothing else.
import { runProgram } from '../support/child'
import { collectGarbage, memoryStats, setMemoryLimit, synchronize, synchronizeSync, tensor, zeros } from '../../lib'
import * as kernels from '../../lib/kernels'
import { Tensor } from '../../lib/tensor'

/** An index_select that is out of range: a fault of the data. */
function broken(): Tensor {
  const y = new Tensor([2], 'float32')
  kernels.indexSelect(tensor([1, 2, 3]), tensor([0n, 9n]), y, 0)
  return y
}

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

test('the await of the output rejects with code, op and shapes', async () => {
  await expect(broken().data()).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' })
  await expect(broken().data()).rejects.toThrow(/index_select: .*3.*9/)
  expect(() => broken().dataSync()).toThrow(/index_select/)
})

test('what was computed from a marked tensor is marked, everything else is not', async () => {
  const good = tensor([1, 2])
  const marked = broken().add(good).mul(2)
  const untouched = good.add(1)
  await expect(marked.data()).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' })
  expect(await untouched.array()).toEqual([2, 3])
})

test('a skipped in-place command leaves its target at its last good value', async () => {
  const target = tensor([5, 6])
  target.add_(broken())
  target.add_(1)
  expect(await target.array()).toEqual([6, 7])
})

test('synchronize rejects with the first fault that nobody awaited, once', async () => {
  broken()
  await expect(synchronize()).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' })
  await expect(synchronize()).resolves.toBeUndefined()
})

test('a fault that was awaited is not reported again', async () => {
  await expect(broken().data()).rejects.toThrow()
  await expect(synchronize()).resolves.toBeUndefined()
})

test('a fault that nobody awaited is told at the end of the program', async () => {
  const result = await runProgram('n.indexSelect(n.tensor([1, 2, 3]), 0, n.tensor([7n]))')
  expect(result.code).toBe(0)
  expect(result.stderr).toMatch(/neurite: a computation failed and nobody awaited it: index_select: .*7/)
})

test('memory that is out is an error at once, and leaves the rest usable', () => {
  collectGarbage() // what dies meanwhile would make room
  const { limit, live } = memoryStats()
  setMemoryLimit(live + 1_000_000)
  try {
    expect(() => zeros([1_000_000])).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }) as Error)
    expect(zeros([10]).dataSync().length).toBe(10)
  } finally {
    setMemoryLimit(limit)
  }
  expect(() => zeros([2 ** 40, 2 ** 10])).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }) as Error)
})
