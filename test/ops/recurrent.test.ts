// What the recurrent ops share: checks, lengths that only the data can tell, unused results, inputs made of each other.
import { arraySync, grad, ones, randn, type Tensor, tensor, zeros } from '../../lib'
import { gru } from '../../lib/ops/gru'
import { lstm } from '../../lib/ops/lstm'
import { rnn } from '../../lib/ops/rnn'
import { expectClose } from '../support/fixtures'

test('wrong shapes and dtypes are told', () => {
  const x = ones([3, 2, 8])
  const w = ones([8, 2])
  expect(() => lstm(x, ones([8, 3]), null, null)).toThrow('lstm: expected w [4·H, H], got [8, 3]')
  expect(() => lstm(ones([3, 2, 6]), w, null, null)).toThrow(
    'lstm: expected x [T, B, 4·H] with T > 0 and H=2 (from w [8, 2]), got [3, 2, 6]',
  )
  expect(() => lstm(ones([0, 2, 8]), w, null, null)).toThrow('with T > 0')
  expect(() => lstm(x, w, ones([3, 2]), null)).toThrow('lstm: expected h0 [B, H]=[2, 2], got [3, 2]')
  expect(() => lstm(x, w, null, ones([2, 2], { dtype: 'float64' }))).toThrow('lstm: expected c0 to be float32')
  expect(() => lstm(x, w, null, null, { lengths: ones([2]) })).toThrow('lstm: expected lengths to be int64')
  expect(() => rnn(ones([3, 2, 2]), w, null)).toThrow('rnn: expected w [H, H], got [8, 2]')
  expect(() => gru(ones([3, 2, 6]), w, null, null)).toThrow('gru: expected w [3·H, H], got [8, 2]')
})

test.each([0, 4, -1])('a length of %i among 3 steps surfaces at the next await', async (length) => {
  const [y] = rnn(ones([3, 2, 4]), ones([4, 4]), null, { lengths: tensor([3n, BigInt(length)]) })
  await expect(y.data()).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' })
})

test('what lies beyond the lengths has no influence, not even as NaN', () => {
  const lengths = tensor([1n, 3n])
  const x = tensor([[[1, 2], [3, 4]], [[NaN, NaN], [5, 6]], [[NaN, NaN], [7, 8]]]).setRequiresGrad()
  for (const reverse of [false, true]) {
    const [y] = rnn(x, tensor([[0.1, 0.2], [0.3, 0.4]]), null, { lengths, reverse })
    expect(arraySync(y.select(1, 0).narrow(0, 1, 2))).toEqual([[0, 0], [0, 0]])
    const [dx] = grad(y.sum(), [x]) as Tensor[]
    expect(arraySync(dx.select(1, 0).narrow(0, 1, 2))).toEqual([[0, 0], [0, 0]])
    expect(Number.isFinite((dx.select(1, 1).sum()).itemSync())).toBe(true)
  }
})

test.each([1, 2, 3])('each result alone gives the gradient of all with zeros for the others, T %i', (steps) => {
  const inputs = [randn([steps, 3, 20]), randn([20, 5]), randn([3, 5]), randn([3, 5])].map((t) => t.setRequiresGrad())
  const [x, w, h0, c0] = inputs
  const results = lstm(x, w, h0, c0, { reverse: true })
  results.forEach((result, k) => {
    const alone = grad(result, inputs, { gradOutputs: [result], retainGraph: true }) as Tensor[]
    const gradOutputs = results.map((t, i) => (i === k ? t : zeros(t.shape)))
    const among = grad(results, inputs, { gradOutputs, retainGraph: true }) as Tensor[]
    alone.forEach((dx, i) => expectClose(`result ${k}, input ${i}`, dx, among[i]))
  })
})

test('inputs made of each other are told apart in recorded gradients', () => {
  const w = randn([4, 4]).setRequiresGrad()
  const x = randn([3, 2, 4]).setRequiresGrad()
  const run = () => rnn(x, w, x.select(0, 0).matmul(w))[0].square().sum()
  const plain = grad(run(), [x, w]) as Tensor[]
  const recorded = grad(run(), [x, w], { createGraph: true }) as Tensor[]
  plain.forEach((dx, i) => expectClose(`input ${i}`, recorded[i], dx, 10))
})

test('nothing is kept for a backward that nobody wants', () => {
  const [x, w] = [randn([3, 2, 4]), randn([4, 4])]
  expect(rnn(x, w, null).map((t) => t.requiresGrad)).toEqual([false, false])
  expect(grad(rnn(x.setRequiresGrad(), w, null)[0].sum(), [x])[0]?.shape).toEqual([3, 2, 4])
})
