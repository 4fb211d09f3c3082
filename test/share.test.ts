// Tensors that travel between Workers: same memory, one receiver for each ticket. The Worker runs the built package.
import { memoryStats, receiveTensor, shareTensor, tensor, type Tensor, zeros } from '../lib'
import { runProgram } from './support/child'

/** What arrives at the other end of a channel. */
const travel = (t: Tensor) => receiveTensor(structuredClone(shareTensor(t)))

test('the received tensor is the same memory', async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]])
  const y = travel(x)
  expect(y).not.toBe(x)
  expect([y.shape, y.dtype, y.requiresGrad]).toEqual([[2, 3], 'float32', false])
  x.fill_(7)
  expect(await y.array()).toEqual([[7, 7, 7], [7, 7, 7]])
  y.fill_(8)
  expect(await x.array()).toEqual([[8, 8, 8], [8, 8, 8]])
})

test('views travel as they are seen', async () => {
  const x = tensor([[1, 2, 3], [4, 5, 6]])
  expect(await travel(x.T).array()).toEqual([[1, 4], [2, 5], [3, 6]])
  expect(await travel(x.slice([null, 1])).array()).toEqual([2, 5])
  expect(await travel(zeros([2, 0])).array()).toEqual([[], []])
  expect(await travel(tensor(5n)).item()).toBe(5)
})

test('the memory outlives its sender', async () => {
  const x = tensor([1, 2, 3])
  const message = shareTensor(x)
  x.dispose()
  const y = receiveTensor(message)
  expect(await y.array()).toEqual([1, 2, 3])
  const { live } = memoryStats()
  y.dispose()
  expect(memoryStats().live).toBeLessThan(live)
})

test('a ticket is good for one receiver', () => {
  const message = shareTensor(tensor([1]))
  receiveTensor(message)
  expect(() => receiveTensor(message)).toThrow(/expected the ticket of a shared tensor that nobody has received yet/)
})

test('an altered message is refused, and the ticket stays good', async () => {
  const message = shareTensor(tensor([[1, 2], [3, 4]]))
  const wrong = (change: object) => () => receiveTensor({ ...message, ...change })
  expect(wrong({ shape: [3, 3] })).toThrow(/as it was sent, of \[2, 2\] float32 on cpu, got \[3, 3\] float32 on cpu/)
  expect(wrong({ shape: [4], strides: [1] })).toThrow(/the message as it was sent/)
  expect(wrong({ strides: [1, 2] })).toThrow(/the message as it was sent/)
  expect(wrong({ dtype: 'int32' })).toThrow(/the message as it was sent/)
  expect(wrong({ strides: [2] })).toThrow(/one stride for each of the 2 dims, got \[2\]/)
  expect(wrong({ dtype: 'float8' })).toThrow(/receiveTensor: expected a dtype/)
  expect(wrong({ device: 'tpu' })).toThrow(/receiveTensor: expected a device/)
  expect(wrong({ ticket: 0.5 })).toThrow(/ticket to be an integer/)
  expect(wrong({ ticket: message.ticket + 1000 })).toThrow(/nobody has received yet/)
  expect(() => receiveTensor(null as never)).toThrow(/expected a message of shareTensor, got null/)
  expect(() => shareTensor(3 as never)).toThrow(/shareTensor: expected t to be a tensor, got 3/)
  expect(await receiveTensor(message).array()).toEqual([[1, 2], [3, 4]])
})

test('a disposed tensor cannot be shared', () => {
  const x = tensor([1])
  x.dispose()
  expect(() => shareTensor(x)).toThrow()
})

test('a Worker writes where the main thread reads, and answers with a tensor of its own', async () => {
  const result = await runProgram(`
    const { Worker } = require('node:worker_threads')
    const inside = \`
      const { parentPort, workerData } = require('node:worker_threads')
      const n = require(workerData)
      parentPort.on('message', async (message) => {
        const t = n.receiveTensor(message)
        const sum = t.sum()
        t.fill_(42)
        await n.synchronize()
        parentPort.postMessage(n.shareTensor(sum))
      })
    \`
    const worker = new Worker(inside, { eval: true, workerData: entry })
    const x = n.ones([1000, 100])
    worker.postMessage(n.shareTensor(x))
    const answer = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
    console.log(await n.receiveTensor(answer).item(), await x.mean().item())
    await worker.terminate()
    console.log(await x.mean().item())
  `)
  expect(result).toMatchObject({ code: 0, signal: null, stdout: '100000 42\n42\n', stderr: '' })
})
