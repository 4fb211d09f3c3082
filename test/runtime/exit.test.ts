// The process ends cleanly in every case: normal end, process.exit and uncaught throw in mid-work, Workers terminated.
import { runProgram } from '../support/child'

jest.setTimeout(120_000)

/** Seconds of work in the queue that nobody waits for. */
const busy = `
  const x = n.ones([512, 512])
  let y = x
  for (let i = 0; i < 400; i++) y = y.matmul(x)
`

test('the normal end finishes the work and exits with 0', async () => {
  const result = await runProgram(`${busy} console.log('end')`)
  expect(result).toMatchObject({ code: 0, signal: null, stdout: 'end\n', stderr: '' })
})

test('process.exit in mid-work exits at once with its code', async () => {
  const result = await runProgram(`${busy}
    for (let i = 0; i < 5000; i++) y = y.matmul(x)
    const started = Date.now()
    process.on('exit', () => console.log('left'))
    process.exit(7)`)
  expect(result).toMatchObject({ code: 7, signal: null, stdout: 'left\n', stderr: '' })
})

test('an uncaught throw in mid-work exits with 1 and its message', async () => {
  const result = await runProgram(`${busy} setTimeout(() => { throw new Error('thrown on purpose') }, 5)`)
  expect(result).toMatchObject({ code: 1, signal: null })
  expect(result.stderr).toContain('thrown on purpose')
})

const workerProgram = (inside: string) => `
  const { Worker } = require('node:worker_threads')
  const start = () => new Worker(${JSON.stringify(`
    const n = require(require('node:worker_threads').workerData)
    const { parentPort } = require('node:worker_threads')
    ;(async () => { ${inside} })()
  `)}, { eval: true, workerData: entry })
`

test('a Worker terminated in mid-work leaves the process healthy, again and again', async () => {
  const result = await runProgram(`${workerProgram(`
      const x = n.ones([256, 256])
      parentPort.postMessage('busy')
      for (;;) { let y = x; for (let i = 0; i < 20; i++) y = y.matmul(x); await y.data() }
    `)}
    for (let round = 0; round < 5; round++) {
      const workers = [start(), start()]
      await Promise.all(workers.map((w) => new Promise((resolve) => w.once('message', resolve))))
      await new Promise((resolve) => setTimeout(resolve, 20))
      await Promise.all(workers.map((w) => w.terminate()))
    }
    console.log(await n.ones([2, 2]).matmul(n.ones([2, 2])).array())
    await n.synchronize()
    console.log(n.memoryStats().live < 1e6)`)
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(result.stdout).toBe('[ [ 2, 2 ], [ 2, 2 ] ]\ntrue\n')
})

test('several Workers compute at once and get their own results', async () => {
  const result = await runProgram(`${workerProgram(`
      const { threadId } = require('node:worker_threads')
      const x = n.full([64, 64], threadId)
      let bad = 0
      for (let i = 0; i < 50; i++) {
        const sum = await x.matmul(x).sum().item()
        if (sum !== threadId * threadId * 64 ** 3) bad++
      }
      parentPort.postMessage(bad)
    `)}
    const results = await Promise.all(Array.from({ length: 4 }, () => new Promise((resolve, reject) => {
      const worker = start()
      worker.once('message', resolve)
      worker.once('error', reject)
    })))
    console.log(results)`)
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: '[ 0, 0, 0, 0 ]\n' })
})

test('process.exit inside a Worker and a throw inside a Worker leave the process healthy', async () => {
  const result = await runProgram(`${workerProgram(`
      const x = n.ones([256, 256])
      let y = x
      for (let i = 0; i < 200; i++) y = y.matmul(x)
      if (require('node:worker_threads').threadId % 2) process.exit(3)
      throw new Error('thrown in a Worker')
    `)}
    for (let i = 0; i < 4; i++) {
      const worker = start()
      worker.on('error', () => {})
      await new Promise((resolve) => worker.once('exit', resolve))
    }
    console.log(await n.ones([3]).sum().item())`)
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '', stdout: '3\n' })
})
