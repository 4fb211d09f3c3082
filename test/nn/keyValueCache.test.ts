// Decoding step by step with a cache is attention over the whole sequence.
import { Generator, nn, ones, randn, scaledDotProductAttention, type Tensor, zeros } from '../../lib'
import { expectClose } from '../support/fixtures'

const generator = new Generator(1)

test('steps of any length give what the whole sequence gives', () => {
  const [q, k, v] = [6, 2, 2].map((heads) => randn([2, heads, 11, 8], { generator }))
  const whole = scaledDotProductAttention(q, k, v, { isCausal: true, enableGqa: true })
  const cache = new nn.KeyValueCache(2, 2, 12, 8)
  for (const [begin, end] of [[0, 5], [5, 6], [6, 7], [7, 11]]) {
    const step = (t: Tensor) => t.narrow(2, begin, end - begin)
    const [keys, values] = cache.append(step(k), step(v))
    expect(keys.shape).toEqual([2, 2, end, 8])
    const causalDiagonal = cache.length - (end - begin)
    const y = scaledDotProductAttention(step(q), keys, values, { isCausal: true, causalDiagonal, enableGqa: true })
    expectClose(`queries ${begin} to ${end}`, y, step(whole))
  }
  expect(cache.length).toBe(11)
})

test('positions are forgotten and written anew, in the same memory', () => {
  const cache = new nn.KeyValueCache(1, 1, 3, 2, { valueDepth: 1, dtype: 'float64' })
  const of = (value: number, n: number, depth: number) => ones([1, 1, n, depth], { dtype: 'float64' }).mul(value)
  cache.append(of(1, 3, 2), of(2, 3, 1))
  cache.truncate(1)
  const [keys, values] = cache.append(of(5, 1, 2), of(6, 1, 1))
  expect(keys.arraySync()).toEqual([[[[1, 1], [5, 5]]]])
  expect(values.arraySync()).toEqual([[[[2], [6]]]])
  cache.truncate()
  expect(cache.length).toBe(0)
})

test('what is held is outside the graph', () => {
  const cache = new nn.KeyValueCache(1, 1, 2, 2)
  const k = ones([1, 1, 1, 2]).setRequiresGrad()
  expect(cache.append(k, k)[0].requiresGrad).toBe(false)
})

test('wrong arguments are named', () => {
  const cache = new nn.KeyValueCache(1, 2, 4, 8)
  const part = (n: number) => zeros([1, 2, n, 8])
  cache.append(part(3), part(3))
  const twice = part(2)
  expect(() => cache.append(twice, twice)).toThrow('expected at most 1 more positions in a cache of 4, got 2')
  expect(() => cache.append(part(1), part(2))).toThrow('append: expected v [1, 2, T, 8], got [1, 2, 2, 8]')
  expect(() => cache.append(ones([8]), part(1))).toThrow('append: expected k [1, 2, T, 8], got [8]')
  expect(() => cache.append(part(1).to('float64'), part(1))).toThrow('append: expected k to be float32, got float64')
  expect(() => cache.truncate(4)).toThrow('truncate: expected length to be an integer in [0, 3], got 4')
  expect(() => new nn.KeyValueCache(1, 1, -1, 8)).toThrow('KeyValueCache: expected capacity')
  expect(cache.length).toBe(3)
})
