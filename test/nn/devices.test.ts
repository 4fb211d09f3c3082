// What goes along when tensors live on a device: modules, optimizer state, batches, files, random numbers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DataLoader,
  DeviceError,
  Generator,
  nn,
  ones,
  optim,
  randperm,
  safetensors,
  setDefaultDevice,
  tensor,
  type Tensor,
  zeros,
} from '../../lib'
import { describeEmulated } from '../support/emulated'

const [first, second] = ['cuda-emulated:0', 'cuda-emulated:1'] as const
const cpu = { device: 'cpu' } as const
const places = (tensors: readonly Tensor[]) => [...new Set(tensors.map((t) => t.device))]

describeEmulated('modules', () => {
  test('move with parameters, buffers and gradients, and tied weights stay one', async () => {
    const norm = new nn.BatchNorm1d(3, cpu)
    const [one, two] = [new nn.Linear(3, 3, cpu), new nn.Linear(3, 3, cpu)]
    two.weight = one.weight
    one.weight.grad = ones([3, 3], cpu)
    const model = new nn.Sequential(one, norm, two)
    const before = await one.weight.array()
    expect(model.to(first)).toBe(model)
    expect(places([...model.parameters(), ...model.buffers()])).toEqual([first])
    const moved = one.weight
    expect(two.weight).toBe(moved)
    expect([moved.requiresGrad, moved.isLeaf, moved.grad?.device]).toEqual([true, true, first])
    expect(await moved.array()).toEqual(before)
    expect(await norm.runningVar!.array()).toEqual([1, 1, 1])
    expect(() => model.to('gpu' as never)).toThrow(DeviceError)
    expect(() => model.to(undefined as never)).toThrow(/^Module\.to: expected a device/)
    expect(places(model.to('cpu').parameters())).toEqual(['cpu'])
  })

  test('are made where their options say', () => {
    const layer = new nn.BatchNorm1d(3, { device: second })
    expect(places([...layer.parameters(), ...layer.buffers()])).toEqual([second])
  })
})

describeEmulated('optimizers', () => {
  test('take state over to where the parameters are', async () => {
    const trained = new nn.Linear(2, 2, cpu)
    for (const p of trained.parameters()) p.grad = ones(p.shape, cpu)
    const from = new optim.Adam(trained.parameters())
    from.step()
    const parameters = trained.parameters().map((p, i) => p.detach().to([first, second][i]).setRequiresGrad())
    const to = new optim.Adam(parameters)
    to.loadStateDict(from.stateDict())
    const moments = (opt: typeof to, i: number) => opt.stateDict().state[i].exp_avg as Tensor
    expect([moments(to, 0).device, moments(to, 1).device]).toEqual([first, second])
    for (const i of [0, 1]) expect(await moments(to, i).array()).toEqual(await moments(from, i).array())
    const back = new optim.Adam(trained.parameters())
    back.loadStateDict(to.stateDict())
    expect(places([moments(back, 0), moments(back, 1)])).toEqual(['cpu'])
  })
})

describeEmulated('data', () => {
  test('batches are moved to the device of their loader', async () => {
    const x = tensor([[1, 2], [3, 4], [5, 6]], cpu)
    const y = tensor([7n, 8n, 9n], cpu)
    const batches: unknown[] = []
    for await (const batch of new DataLoader({ x, y }, { batchSize: 2, device: second })) {
      expect(places([batch.x, batch.y])).toEqual([second])
      batches.push([await batch.x.array(), await batch.y.array()])
    }
    expect(batches).toEqual([[[[1, 2], [3, 4]], [7, 8]], [[[5, 6]], [9]]])
    expect(() => new DataLoader({ x }, { device: 'gpu' as never })).toThrow(/^DataLoader: expected a device/)
  })

  test('batches of a collate function too, whatever else they hold', async () => {
    const dataset = { length: 1, get: () => 0 }
    const made = { list: [zeros([1], cpu), 'a'], deep: { x: zeros([2], cpu) }, map: new Map([[1, 2]]), none: null }
    for await (const batch of new DataLoader(dataset, { collate: () => made, device: first })) {
      expect(places([batch.list[0] as Tensor, batch.deep.x])).toEqual([first])
      expect([batch.list[1], batch.map, batch.none]).toEqual(['a', made.map, null])
    }
  })

  test('files hold values, not devices', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'neurite-devices-'))
    try {
      const path = join(folder, 'x.safetensors')
      const there = { a: tensor([1, 2], { device: first }), b: tensor([3n], { device: second }) }
      await safetensors.save(path, there)
      const bytes = await safetensors.serialize({ a: tensor([1, 2], cpu), b: tensor([3n], cpu) })
      expect(await safetensors.serialize(there)).toEqual(bytes)
      const { tensors } = await safetensors.load(path, { device: second })
      expect(places(Object.values(tensors))).toEqual([second])
      expect(await tensors.a.array()).toEqual([1, 2])
      expect((await safetensors.parse(bytes, { device: first })).tensors.b.device).toBe(first)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('state dicts load from any device', async () => {
    const source = new nn.Linear(2, 2, cpu).to(first)
    const target = new nn.Linear(2, 2, cpu)
    target.loadStateDict(source.stateDict())
    expect(await target.weight.array()).toEqual(await source.weight.array())
    expect(target.weight.device).toBe('cpu')
  })

  test('the order of a loader does not depend on the default device', async () => {
    const order = async () => {
      const seen: unknown[] = []
      const data = { length: 20, get: (i: number) => i }
      const loader = new DataLoader(data, { shuffle: true, seed: 3, collate: (items) => items[0] })
      for await (const i of loader) seen.push(i)
      return seen
    }
    const before = setDefaultDevice('cpu')
    const here = await order()
    setDefaultDevice(first)
    try {
      expect(await order()).toEqual(here)
      expect(randperm(3, { device: 'cpu', generator: new Generator(1) }).device).toBe('cpu')
    } finally {
      setDefaultDevice(before)
    }
  })
})
