// MultiheadAttention and the attention inside it against PyTorch: layouts, masks, returned weights.
import { type AttentionOptions, nn, ones, scaledDotProductAttention, tensor, type Tensor } from '../../lib'
import { expectClose, fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('attention')
type Options = Parameters<nn.MultiheadAttention['forward']>[3]

function check(name: string, module: nn.MultiheadAttention, options: Options = {}): void {
  checkParity(given(name), module, ({ input, query = input, memory = input }) =>
    module.forward(query, memory, memory, options).filter((t): t is Tensor => t !== null),
  )
}

const attend = (options = {}) => new nn.MultiheadAttention(6, 3, { batchFirst: true, ...options })

test('self-attention', () => check('self', attend()))
test('without bias', () => check('self without bias', attend({ bias: false }), { needWeights: false }))
test('weights of each head', () => check('weights per head', attend(), { averageAttnWeights: false }))
test('cross-attention', () => check('cross', attend()))
test('sequence first', () => check('cross, sequence first', new nn.MultiheadAttention(6, 2)))
test('unbatched', () => check('unbatched', new nn.MultiheadAttention(6, 2)))
test('causal', () => check('causal', attend(), { isCausal: true, needWeights: false }))

test.each([true, false])('added mask and padding, needWeights %s', (needWeights) => {
  const name = needWeights ? 'masked' : 'masked without weights'
  const { added, padding } = given(name).of('mask')
  check(name, attend(), { attnMask: added, keyPaddingMask: padding, needWeights })
})

test('barring mask and padding', () => {
  const { barred, padding } = given('barred').of('mask')
  check('barred', attend(), { attnMask: barred, keyPaddingMask: padding })
})

test('a mask for each head', () => {
  const module = attend()
  const x = given('self').of('in').input
  const { barred } = given('barred').of('mask')
  const mask = barred.slice([null, [0, 4]])
  const perHead = mask.unsqueeze(0).expand([6, 4, 4])
  const [one] = module.forward(x, x, x, { attnMask: mask })
  const [many] = module.forward(x, x, x, { attnMask: perHead })
  expectClose('the same mask for every head', many, one)
})

/** scaledDotProductAttention as a module without parameters. */
class Product extends nn.Module {
  override forward(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
    return scaledDotProductAttention(q, k, v, options)
  }
}

test.each([
  ['causal', { isCausal: true }],
  ['added', {}],
  ['barred', {}],
  ['grouped', { isCausal: true, scale: 0.7, enableGqa: true }],
])('scaledDotProductAttention, %s', (name, options) => {
  const found = given(`product ${name}`)
  const attnMask = found.of('mask').mask
  const product = new Product()
  checkParity(found, product, ({ q, k, v }) => [product.forward(q, k, v, { ...options, attnMask })])
})

test('dropout acts in training alone', () => {
  const module = attend({ dropout: 0.5 })
  const x = given('self').of('in').input
  const run = () => module.forward(x, x, x, { needWeights: false })[0].arraySync()
  expect(run()).not.toEqual(run())
  module.eval()
  expect(run()).toEqual(run())
})

test('wrong inputs are refused', () => {
  const module = attend()
  const x = ones([2, 4, 6])
  expect(() => new nn.MultiheadAttention(6, 4)).toThrow('expected embedDim to be a multiple of 4 heads, got 6')
  expect(() => module.forward(x, ones([3, 4, 6]), ones([3, 4, 6]))).toThrow('MultiheadAttention: expected query, key')
  expect(() => module.forward(x, x, x, { attnMask: ones([3, 4]) })).toThrow('expected attnMask [4, 4], got [3, 4]')
  expect(() => module.forward(x, x, x, { keyPaddingMask: tensor([[1n, 0n]]) })).toThrow('keyPaddingMask to be bool')
})
