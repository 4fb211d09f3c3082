import { collate, DataLoader, type Dataset, manualSeed, rand, tensor, TensorDataset, type Tensor } from '../../lib'

const numbers = (n: number): Dataset<number> => ({ length: n, get: (i) => i })

async function epochOf(loader: AsyncIterable<Tensor>): Promise<number[][]> {
  const batches: number[][] = []
  for await (const batch of loader) batches.push((await batch.array()) as number[])
  return batches
}

test('batches in order, the last one smaller or dropped', async () => {
  const loader = new DataLoader(numbers(7), { batchSize: 3 })
  expect(loader.length).toBe(3)
  expect(await epochOf(loader)).toEqual([[0, 1, 2], [3, 4, 5], [6]])
  const dropping = new DataLoader(numbers(7), { batchSize: 3, dropLast: true })
  expect(dropping.length).toBe(2)
  expect(await epochOf(dropping)).toEqual([[0, 1, 2], [3, 4, 5]])
  expect(await epochOf(new DataLoader(numbers(0)))).toEqual([])
})

describe('shuffling', () => {
  const shuffled = (seed: number) => new DataLoader(numbers(50), { batchSize: 8, shuffle: true, seed })

  test('every example once, in an order of its own in every epoch', async () => {
    const loader = shuffled(1)
    const [first, second] = [(await epochOf(loader)).flat(), (await epochOf(loader)).flat()]
    for (const order of [first, second]) expect([...order].sort((a, b) => a - b)).toEqual([...Array(50).keys()])
    expect(first).not.toEqual(second)
    expect(first).not.toEqual([...Array(50).keys()])
  })

  test('seed and epoch alone decide: not the default generator, nor the epochs before', async () => {
    const loader = shuffled(1)
    manualSeed(5)
    const epochs = [await epochOf(loader), await epochOf(loader), await epochOf(loader)]
    manualSeed(6)
    const drawn = rand([3])
    const resumed = shuffled(1)
    resumed.epoch = 2
    expect(await epochOf(resumed)).toEqual(epochs[2])
    expect(resumed.epoch).toBe(3)
    expect(await epochOf(shuffled(2))).not.toEqual(epochs[0])
    manualSeed(6)
    await epochOf(shuffled(1))
    expect(await rand([3]).array()).toEqual(await drawn.array())
  })
})

test('tensors by name, with the types of their members', async () => {
  const x = tensor([[1, 2], [3, 4], [5, 6]])
  const y = tensor([7n, 8n, 9n])
  const seen: unknown[] = []
  for await (const batch of new DataLoader({ x, y }, { batchSize: 2 })) {
    seen.push([await batch.x.array(), await batch.y.array(), batch.y.dtype])
  }
  expect(seen).toEqual([
    [[[1, 2], [3, 4]], [7, 8], 'int64'],
    [[[5, 6]], [9], 'int64'],
  ])
  const one = new TensorDataset({ x, y }).get(1)
  expect([await one.x.array(), await one.y.item()]).toEqual([[3, 4], 8])
})

test('examples are collated member by member', async () => {
  const example = (i: number) => ({
    x: tensor([i, i]),
    raw: new Int32Array([i]),
    n: i,
    big: BigInt(i),
    flag: i > 0,
    name: `#${i}`,
    pair: [i, i + 5],
  })
  const batch = collate([example(0), example(1)])
  expect(await batch.x.array()).toEqual([[0, 0], [1, 1]])
  expect([batch.raw.dtype, batch.raw.shape]).toEqual(['int32', [2, 1]])
  expect([batch.n.dtype, batch.big.dtype, batch.flag.dtype]).toEqual(['float32', 'int64', 'bool'])
  expect(batch.name).toEqual(['#0', '#1'])
  expect(await Promise.all(batch.pair.map((t) => t.array()))).toEqual([[0, 1], [5, 6]])
  expect(() => collate([{ a: 1 }, { b: 2 } as never])).toThrow(/expected examples with the members a, got Object/)
  expect(() => collate([1, 'a'] as never)).toThrow(/of one kind/)
  expect(() => collate([])).toThrow(/at least one example/)
  expect(() => collate([undefined])).toThrow(/expected tensors, numbers/)
})

test('collate of its own gets the examples, of asynchronous datasets too', async () => {
  const dataset: Dataset<string> = { length: 4, get: async (i) => Promise.resolve(`example ${i}`) }
  const loader = new DataLoader(dataset, { batchSize: 2, collate: (examples) => examples.join(' + ') })
  const batches: string[] = []
  for await (const batch of loader) batches.push(batch)
  expect(batches).toEqual(['example 0 + example 1', 'example 2 + example 3'])
})

describe('prefetch', () => {
  test.each([0, 1, 3])('%i batches are prepared ahead, and no more', async (prefetch) => {
    const asked: number[] = []
    const dataset = { length: 10, get: (i: number) => (asked.push(i), i) }
    const ahead: number[] = []
    let used = 0
    for await (const batch of new DataLoader(dataset, { prefetch })) {
      ahead.push(asked.length - ++used)
      batch.dispose()
    }
    expect(ahead).toEqual(Array.from({ length: 10 }, (_, i) => Math.min(prefetch, 9 - i)))
  })

  test('batches come in order though later ones are ready first', async () => {
    const get = (i: number) => new Promise<number>((resolve) => setTimeout(() => resolve(i), 12 - 4 * i))
    expect(await epochOf(new DataLoader({ length: 3, get }))).toEqual([[0], [1], [2]])
  })

  test('a fault surfaces at its batch, and nowhere once the loop is left', async () => {
    const get = (i: number) => (i === 2 ? Promise.reject(new Error('broken example')) : Promise.resolve(i))
    const seen: number[] = []
    const loop = async (last: number) => {
      for await (const batch of new DataLoader({ length: 5, get })) {
        seen.push(await batch.item())
        if (seen.length === last) break
      }
    }
    await loop(2)
    await expect(loop(Infinity)).rejects.toThrow('broken example')
    expect(seen).toEqual([0, 1, 0, 1])
  })
})

test('a signal ends the iteration, even while an example is awaited', async () => {
  const controller = new AbortController()
  const never = new Promise<number>(() => undefined)
  const get = (i: number) => {
    if (i === 2) setTimeout(() => controller.abort(new Error('enough')), 5)
    return i < 2 ? i : never
  }
  const seen: number[] = []
  const loop = async () => {
    for await (const batch of new DataLoader({ length: 4, get }, { prefetch: 0, signal: controller.signal })) {
      seen.push(await batch.item())
    }
  }
  await expect(loop()).rejects.toThrow('enough')
  expect(seen).toEqual([0, 1])
  await expect(loop()).rejects.toThrow('enough')
})

test('bad arguments name the option', () => {
  const wrong = (value: unknown) => value as never
  expect(() => new DataLoader(wrong(null))).toThrow(/DataLoader: expected a dataset .* got null/)
  expect(() => new DataLoader(wrong({ x: 3 }))).toThrow(/DataLoader: expected a dataset/)
  expect(() => new DataLoader(tensor([1]) as never)).toThrow(/DataLoader: expected a dataset/)
  expect(() => new DataLoader(wrong({ get: () => 0 }))).toThrow(/dataset.length to be an integer/)
  expect(() => new DataLoader(numbers(3), { batchSize: 0 })).toThrow(/batchSize to be an integer of at least 1, got 0/)
  expect(() => new DataLoader(numbers(3), { prefetch: -1 })).toThrow(/prefetch to be an integer/)
  expect(() => new DataLoader(numbers(3), { seed: wrong('a') })).toThrow(/expected a seed/)
  expect(() => new DataLoader(numbers(3), { collate: wrong(1) })).toThrow(/collate to be a function/)
  expect(() => new TensorDataset({})).toThrow(/expected an object of tensors by name/)
  expect(() => new TensorDataset({ x: tensor([1, 2]), y: tensor([1]) })).toThrow(/one first size, got x \[2\], y \[1\]/)
  expect(() => new TensorDataset({ x: tensor(1) })).toThrow(/one first size, got x \[\]/)
  expect(() => new TensorDataset({ x: tensor([1]) }).get(1)).toThrow(/TensorDataset.get: expected i/)
})
