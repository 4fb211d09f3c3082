import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ones, profile, tensor, type Trace, type TraceEvent } from '../lib'

const folder = mkdtempSync(join(tmpdir(), 'neurite-profile-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const spans = ({ traceEvents }: Trace, cat: string) => traceEvents.filter((event) => event.cat === cat)
const end = (event: TraceEvent) => (event.ts as number) + (event.dur as number)

test('ops and commands with their names, shapes and times', async () => {
  const { result, trace } = await profile(async () => {
    const x = ones([64, 32]).setRequiresGrad()
    const y = x.matmul(ones([32, 16])).sum()
    y.backward()
    return y.item()
  })
  expect(result).toBe(64 * 32 * 16)

  const [ops, commands] = [spans(trace, 'op'), spans(trace, 'command')]
  const matmul = ops.find(({ name }) => name === 'matmul') as TraceEvent
  expect(matmul.args.shapes).toContain('[64, 32] float32, [32, 16] float32')
  const command = commands.find(({ name }) => name === 'matmul') as TraceEvent
  expect(command.args.shapes).toContain('[64, 32] float32')
  expect(ops.map(({ name }) => name)).toContain('sum')
  // Enqueued by its op, run afterwards: both sides use one clock.
  expect(command.ts as number).toBeGreaterThan(matmul.ts as number)
  expect(command.args['queue wait (µs)']).toBeGreaterThanOrEqual(0)

  const all = [...ops, ...commands]
  expect(Math.min(...all.map(({ ts }) => ts as number))).toBe(0)
  for (const event of all) {
    expect(event).toMatchObject({ ph: 'X', pid: 1 })
    expect(event.dur).toBeGreaterThanOrEqual(0)
    expect(end(event)).toBeLessThan(60e6)
  }
  // The stream runs one command after the other.
  for (let i = 1; i < commands.length; i++) {
    expect(commands[i].ts as number).toBeGreaterThanOrEqual(end(commands[i - 1]) - 1e-3)
  }
})

test('threads are named, and every span is on a named one', async () => {
  const { trace } = await profile(() => ones([2]).add(1))
  const named = trace.traceEvents.filter(({ name }) => name === 'thread_name')
  expect(named.map(({ ph, args }) => [ph, args.name])).toEqual([
    ['M', 'JavaScript: ops'],
    ['M', 'cpu stream: commands'],
  ])
  const tids = new Set(named.map(({ tid }) => tid))
  for (const { tid } of trace.traceEvents) expect(tids).toContain(tid)
})

test('work that is not awaited is in the trace', async () => {
  const { trace } = await profile(() => void ones([300, 300]).matmul(ones([300, 300])))
  expect(spans(trace, 'command').map(({ name }) => name)).toEqual(['fill', 'fill', 'matmul'])
})

test('the file holds the trace', async () => {
  const path = join(folder, 'trace.json')
  const { trace } = await profile(() => ones([2, 2]).mul(3), { path })
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(trace)
})

test('nothing is recorded outside, and an error ends the profile', async () => {
  await expect(profile(() => Promise.reject(new Error('broken work')))).rejects.toThrow('broken work')
  ones([2]).add(1)
  const { trace } = await profile(() => tensor([1]).exp())
  expect(spans(trace, 'op').map(({ name }) => name)).toEqual(['exp'])
})

test('a fault of the work is thrown', async () => {
  const work = () => void tensor([1, 2]).indexSelect(0, tensor([5n]))
  await expect(profile(work)).rejects.toThrow(/indexSelect|index_select/)
})

test('one profile at a time; bad arguments', async () => {
  const outer = profile(() => profile(() => 1))
  await expect(outer).rejects.toMatchObject({ code: 'BUSY' })
  await expect(profile(3 as never)).rejects.toThrow(/profile: expected work to be a function, got 3/)
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(profile(() => 1, { signal })).rejects.toThrow('enough')
})
