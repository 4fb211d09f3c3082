import {
  arraySync,
  bernoulli,
  type DType,
  full,
  Generator,
  getNumThreads,
  getRngState,
  manualSeed,
  ones,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  type RandomOptions,
  randperm,
  setNumThreads,
  setRngState,
  type Tensor,
  tensor,
  zeros,
} from '../../lib'
import { currentVariant, floats, isOnCpu, read, testDevice, testOnCpu, useVariant, variants } from '../support'

const count = 40_000
const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length
const deviation = (values: Float64Array) => {
  const centre = mean(values)
  return Math.sqrt(mean(values.map((v) => (v - centre) ** 2)))
}

const draws: Record<string, (shape: number[], options: RandomOptions) => Tensor> = {
  rand,
  randn,
  randint: (shape, options) => randint(-50, 50, shape, options),
  bernoulli: (shape, { generator, dtype }) => bernoulli(full(shape, 0.5, { dtype }), { generator }),
  uniform_: (shape, { generator, dtype }) => zeros(shape, { dtype }).uniform_(2, 3, { generator }),
  normal_: (shape, { generator, dtype }) => zeros(shape, { dtype }).normal_(2, 3, { generator }),
}
const every = Object.keys(draws).flatMap((name) => floats.map((dtype) => [name, dtype] as const))

describe.each(variants)('%s', (isa) => {
  const before = currentVariant()
  beforeAll(() => useVariant(isa))
  afterAll(() => useVariant(before))

  test.each(floats)('moments of %s', (dtype) => {
    const generator = new Generator(7)
    const uniform = read(rand([count], { dtype, generator })).data
    expect(mean(uniform)).toBeCloseTo(0.5, 2)
    expect(deviation(uniform)).toBeCloseTo(Math.sqrt(1 / 12), 2)
    expect(uniform.every((v) => v >= 0 && v < 1)).toBe(true)
    const normal = read(randn([count], { dtype, generator })).data
    expect(Math.abs(mean(normal))).toBeLessThan(0.02)
    expect(Math.abs(deviation(normal) - 1)).toBeLessThan(0.02)
    const scaled = read(zeros([count], { dtype }).normal_(5, 0.5, { generator })).data
    expect(Math.abs(mean(scaled) - 5)).toBeLessThan(0.02)
    expect(Math.abs(deviation(scaled) - 0.5)).toBeLessThan(0.02)
    const shifted = read(zeros([count], { dtype }).uniform_(-3, -2, { generator })).data
    expect(shifted.every((v) => v >= -3 && v < -2)).toBe(true)
    expect(mean(shifted)).toBeCloseTo(-2.5, 2)
  })

  test('integers and probabilities are met', () => {
    const generator = new Generator(8)
    const counts = new Array<number>(5).fill(0)
    for (const v of read(randint(-2, 3, [count], { generator })).data) counts[v + 2]++
    for (const n of counts) expect(n / count).toBeCloseTo(0.2, 1)
    expect(counts.reduce((a, b) => a + b)).toBe(count)
    const p = tensor([0, 0.3, 1]).expand([count, 3])
    const hits = [0, 1, 2].map((k) => mean(read(bernoulli(p, { generator }).select(1, k)).data))
    expect(hits[0]).toBe(0)
    expect(hits[1]).toBeCloseTo(0.3, 1)
    expect(hits[2]).toBe(1)
  })

  test('a permutation holds every number once, in an order of its own', () => {
    const y = read(randperm(1000, { generator: new Generator(9) })).data
    expect([...y].sort((a, b) => a - b)).toEqual([...Array(1000).keys()])
    expect([...y]).not.toEqual([...Array(1000).keys()])
  })

  // A draw that claimed too few words would begin again inside the one before; one that claimed too many leaves a gap.
  test.each(every)('%s of %s goes on where the last draw ended', (name, dtype) => {
    const one = new Generator(11)
    const parts = [64, 32, 160].map((n) => [...read(draws[name]([n], { dtype, generator: one })).data]).flat()
    const two = new Generator(11)
    expect(parts).toEqual([...read(draws[name]([256], { dtype, generator: two })).data])
    expect(one.getState()).toEqual(two.getState())
  })

  for (const [name, dtype] of every) {
    testOnCpu('is about threads', `${name} of ${dtype} does not depend on threads`, () => {
      const threads = getNumThreads()
      const run = (n: number) => {
        setNumThreads(n)
        return Buffer.from(read(draws[name]([30_001], { dtype, generator: new Generator(12) })).data.buffer)
      }
      try {
        expect(run(1).equals(run(3))).toBe(true)
      } finally {
        setNumThreads(threads)
      }
    })
  }
})

test.each(['rand', 'randint', 'bernoulli'])('%s gives the same numbers on every CPU variant and device', (name) => {
  const before = currentVariant()
  const results = (isOnCpu ? variants : [testDevice, 'cpu']).map((variant) => {
    useVariant(variant)
    return read(draws[name]([999], { dtype: 'float32', generator: new Generator(13) })).data
  })
  useVariant(before)
  for (const result of results) expect(result).toEqual(results[0])
})

test('a draw of any length leaves the next one its own words', () => {
  for (const [dtype, words] of [['float32', 1], ['float64', 2]] as const) {
    for (const n of [0, 1, 2, 3, 4, 5]) {
      const generator = new Generator(1)
      rand([n], { dtype, generator })
      expect(generator.getState().offset).toBe(Math.ceil((n * words) / 4))
    }
  }
  const generator = new Generator(1)
  randperm(3, { generator })
  expect(generator.getState().offset).toBe(2)
})

describe('the default generator', () => {
  test('a seed gives the same numbers again', () => {
    manualSeed(42)
    const first = arraySync(rand([10]))
    expect(arraySync(rand([10]))).not.toEqual(first)
    manualSeed(42)
    expect(arraySync(rand([10]))).toEqual(first)
    manualSeed(43)
    expect(arraySync(rand([10]))).not.toEqual(first)
  })

  test('a state that went through JSON resumes exactly', () => {
    manualSeed(-1)
    randn([7])
    const state = JSON.stringify(getRngState())
    const next = arraySync(randn([9]))
    manualSeed(5)
    setRngState(JSON.parse(state) as ReturnType<typeof getRngState>)
    expect(arraySync(randn([9]))).toEqual(next)
    expect(JSON.parse(state)).toEqual({ seed: String(2n ** 64n - 1n), offset: 2 })
  })
})

test('generators without a seed differ', () => {
  expect(new Generator().seed).not.toBe(new Generator().seed)
})

test('dtypes, devices and gradients are as asked', () => {
  expect([rand([1]).dtype, randn([1]).dtype, randint(0, 2, [1]).dtype, randperm(2).dtype]).toEqual([
    'float32',
    'float32',
    'int64',
    'int64',
  ])
  const like = ones([2, 3], { dtype: 'float64' })
  for (const y of [randLike(like), randnLike(like), randintLike(like, 0, 9)]) {
    expect([y.shape, y.dtype]).toEqual([[2, 3], 'float64'])
  }
  expect(randnLike(like, { dtype: 'float16' as DType }).dtype).toBe('float16')
  expect(randn([2], { requiresGrad: true }).requiresGrad).toBe(true)
  expect(bernoulli(rand([2], { requiresGrad: true })).requiresGrad).toBe(false)
})

test('filling a view leaves its neighbours alone', () => {
  const x = zeros([4, 4])
  x.slice([[1, 3], [null, null, 2]]).uniform_(1, 2)
  const values = arraySync(x) as number[][]
  values.flat().forEach((v, i) => {
    const isInside = [1, 2].includes(Math.floor(i / 4)) && i % 2 === 0
    expect(v !== 0).toBe(isInside)
  })
})

test('a probability out of range rejects at the await', async () => {
  await expect(bernoulli(tensor([0.5, 1.5])).data()).rejects.toMatchObject({ code: 'VALUE_OUT_OF_RANGE' })
})

test('wrong arguments are named', () => {
  expect(() => rand([2], { dtype: 'int32' })).toThrow('rand: expected a floating dtype, got int32')
  expect(() => rand([-1])).toThrow('rand: expected a shape')
  expect(() => randint(3, 3, [1])).toThrow('randint: expected high to be an integer of at least 4, got 3')
  expect(() => randint(0, 2, [1], { dtype: 'bool' })).toThrow('expected an integer or floating dtype, got bool')
  expect(() => randperm(-1)).toThrow('randperm: expected n to be an integer of at least 0, got -1')
  expect(() => bernoulli(tensor([1n]))).toThrow('bernoulli: expected p to have a floating dtype, got int64')
  expect(() => zeros([1]).uniform_(2, 1)).toThrow('uniform_: expected high')
  expect(() => zeros([1]).normal_(0, -1)).toThrow('normal_: expected std')
  expect(() => ones([1]).setRequiresGrad().normal_()).toThrow('normal_: expected a tensor without gradient')
  expect(() => manualSeed(0.5)).toThrow('manualSeed: expected a seed that is an integer or a bigint, got 0.5')
  expect(() => setRngState({ seed: 'x', offset: 0 })).toThrow('setState: expected')
  expect(() => setRngState({ seed: '1', offset: -1 })).toThrow('setState: expected')
  expect(() => setRngState(null as never)).toThrow('setState: expected')
  expect(() => rand([1], { generator: 5 as never })).toThrow('rand: expected generator to be a Generator, got 5')
})
