// The weights of attention in ops: rows that add up to 1, what hides keys, and the fused kernels as a sum over them.
import { arraySync, Generator, matmul, ones, randn, scaledDotProductAttention, tensor, zeros } from '../../lib'
import { attentionWeights, foldHeads } from '../../lib/ops/attentionWeights'
import { expectClose } from '../support/fixtures'

const plain = { scale: 0.5, diagonal: null, mask: null, lengths: null }
const generator = new Generator(4)

test('equal scores share evenly among the keys that are seen', () => {
  const q = zeros([2, 1, 2, 3])
  const k = ones([2, 1, 4, 3])
  const weights = (rules: object) => arraySync(attentionWeights(q, k, { ...plain, ...rules }))
  const all = [0.25, 0.25, 0.25, 0.25]
  expect(weights({})).toEqual([[[all, all]], [[all, all]]])
  const causal = [[0, 0, 0, 0], [1, 0, 0, 0]]
  expect(weights({ diagonal: -1 })).toEqual([[causal], [causal]])
  const lengths = tensor([0n, 2n])
  const half = [0.5, 0.5, 0, 0]
  expect(weights({ lengths })).toEqual([[[[0, 0, 0, 0], [0, 0, 0, 0]]], [[half, half]]])
  const mask = tensor([[true, false, true, false], [false, false, false, false]])
  expect(weights({ mask, lengths: tensor([4n, 1n]) })).toEqual([
    [[[0.5, 0, 0.5, 0], [0, 0, 0, 0]]],
    [[[1, 0, 0, 0], [0, 0, 0, 0]]],
  ])
  const added = tensor([[0, Math.log(3), -Infinity, -Infinity], [-Infinity, -Infinity, -Infinity, -Infinity]])
  expectClose('added', attentionWeights(q.slice([[0, 1]]), k.slice([[0, 1]]), { ...plain, mask: added }), tensor([
    [[[0.25, 0.75, 0, 0], [0, 0, 0, 0]]],
  ]))
})

test('heads that share keys lie below each other', () => {
  const x = tensor([[[[1], [2]], [[3], [4]], [[5], [6]], [[7], [8]]]])
  expect(arraySync(foldHeads(x, 2))).toEqual([[[[1], [2], [3], [4]], [[5], [6], [7], [8]]]])
  expect(foldHeads(x, 4)).toBe(x)
})

test('the kernel is the sum of the values by these weights', () => {
  const q = randn([2, 6, 37, 20], { generator })
  const k = randn([2, 3, 50, 20], { generator })
  const v = randn([2, 3, 50, 9], { generator })
  const mask = randn([37, 50], { generator })
  const lengths = tensor([50n, 21n])
  const weights = attentionWeights(q, k, { scale: 0.2, diagonal: 13, mask, lengths })
  const options = { attnMask: mask, isCausal: true, causalDiagonal: 13, keyLengths: lengths, scale: 0.2 }
  const y = scaledDotProductAttention(q, k, v, { ...options, enableGqa: true })
  expectClose('fused', y, matmul(foldHeads(weights, 3), v).reshape([2, 6, 37, 9]))
})
