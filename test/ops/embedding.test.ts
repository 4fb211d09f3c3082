import { arraySync, embedding, grad, mul, ones, sum, tensor } from '../../lib'
import { NdArray, testOp } from '../support'

const rule = {
  ref: (w: NdArray, i: NdArray) =>
    NdArray.make([...i.shape, w.shape[1]], (at) => w.at([i.at(at.slice(0, -1)), at[at.length - 1]])),
  shapes: [[[7, 5], [4]], [[7, 17], [2, 3]], [[7, 3], []], [[7, 0], [2]], [[7, 4], [0]], [[7, 1], [33]]],
  large: [[7, 65], [900]],
}

describe.each(['int64', 'int32'] as const)('index %s', (dtype) => {
  testOp('embedding', {
    ...rule,
    op: (w, i) => embedding(i, w),
    inputs: [{}, { dtype, range: [0, 6] }],
    tolerance: 2,
  })
})

test.each([2, -1])('row %d as padding gets no gradient, to any order', (paddingIdx) => {
  const padding = paddingIdx < 0 ? paddingIdx + 3 : paddingIdx
  const w = tensor([[1, 2], [3, 4], [5, 6]], { requiresGrad: true })
  const i = tensor([0n, 2n, 2n, 1n])
  const dy = ones([4, 2]).setRequiresGrad()
  const y = embedding(i, w, { paddingIdx })
  expect(arraySync(y)).toEqual([[1, 2], [5, 6], [5, 6], [3, 4]])
  const [plain] = grad(y, [w], { gradOutputs: [dy], retainGraph: true })
  expect(arraySync(plain!)).toEqual([0, 1, 2].map((row) => (row === padding ? [0, 0] : [1, 1])))
  const [dw] = grad(y, [w], { gradOutputs: [dy], createGraph: true })
  const [ddy] = grad(sum(mul(dw!, w)), [dy])
  expect(arraySync(ddy!)).toEqual([[1, 2], [0, 0], [0, 0], [3, 4]])
})

test('an index out of range rejects at the await and names the op', async () => {
  const y = embedding(tensor([0n, 7n]), ones([7, 2]))
  await expect(y.data()).rejects.toMatchObject({
    code: 'INDEX_OUT_OF_RANGE',
    message: expect.stringContaining('embedding') as string,
  })
})

test('wrong arguments are named', () => {
  const w = ones([7, 2])
  expect(() => embedding(tensor([0]), w)).toThrow('embedding: expected index to be int64 or int32, got float32')
  expect(() => embedding(tensor([0n]), ones([7]))).toThrow('embedding: expected weight [V, D], got [7]')
  expect(() => embedding(tensor([0n]), w, { paddingIdx: 7 })).toThrow('expected paddingIdx in [-7, 6], got 7')
})
