// Normalisation layers against PyTorch, running statistics included.
import { nn, ones, randn } from '../../lib'
import { fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('norms')

test.each<[string, () => nn.Module]>([
  ['batch 1d', () => new nn.BatchNorm1d(3)],
  ['batch 1d with length', () => new nn.BatchNorm1d(3, { eps: 1e-3, momentum: 0.3 })],
  ['batch 2d', () => new nn.BatchNorm2d(3)],
  ['batch 2d in evaluation', () => new nn.BatchNorm2d(3).eval()],
  ['batch 2d plain', () => new nn.BatchNorm2d(3, { affine: false })],
  ['batch 2d untracked in evaluation', () => new nn.BatchNorm2d(3, { trackRunningStats: false }).eval()],
  ['batch 2d averaging', () => new nn.BatchNorm2d(3, { momentum: null })],
  ['batch 3d', () => new nn.BatchNorm3d(3)],
  ['layer', () => new nn.LayerNorm(5)],
  ['layer of two dims', () => new nn.LayerNorm([3, 4], { eps: 1e-3 })],
  ['layer without bias', () => new nn.LayerNorm(5, { bias: false })],
  ['layer plain', () => new nn.LayerNorm(5, { elementwiseAffine: false })],
  ['rms', () => new nn.RMSNorm(5)],
  ['rms of two dims', () => new nn.RMSNorm([3, 4], { eps: 1e-3 })],
  ['rms plain', () => new nn.RMSNorm(5, { elementwiseAffine: false })],
])('%s', (name, make) => {
  checkParity(given(name), make())
})

test('evaluation leaves the running statistics alone', () => {
  const norm = new nn.BatchNorm1d(2).eval()
  norm.forward(randn([4, 2]))
  expect(norm.runningMean?.arraySync()).toEqual([0, 0])
  expect(norm.numBatchesTracked?.itemSync()).toBe(0)
  norm.train().forward(ones([4, 2]))
  expect(norm.numBatchesTracked?.itemSync()).toBe(1)
})

test('wrong inputs are refused', () => {
  expect(() => new nn.BatchNorm2d(3).forward(ones([4, 3]))).toThrow('BatchNorm2d: expected x of 4 dims, got [4, 3]')
  expect(() => new nn.BatchNorm1d(3).forward(ones([1, 3]))).toThrow('more than one value per channel')
  expect(() => new nn.BatchNorm1d(3, { momentum: 2 })).toThrow('BatchNorm1d: expected momentum')
  expect(() => new nn.LayerNorm(3).forward(ones([2, 4]))).toThrow('layerNorm: expected x [..., 3]')
  expect(() => new nn.RMSNorm(3).forward(ones([2, 4]))).toThrow('rmsNorm: expected x [..., 3]')
  expect(() => new nn.RMSNorm(3, { eps: -1 })).toThrow('RMSNorm: expected eps')
})
