// Linear, convolution and embedding layers against PyTorch.
import { nn, tensor } from '../../lib'
import { fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('layers')

test.each<[string, () => nn.Module]>([
  ['linear', () => new nn.Linear(5, 3)],
  ['linear without bias', () => new nn.Linear(5, 3, { bias: false })],
  ['conv1d', () => new nn.Conv1d(3, 4, 3, { stride: 2, padding: 1 })],
  ['conv2d', () => new nn.Conv2d(3, 4, 3)],
  [
    'conv2d grouped',
    () => new nn.Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2, bias: false }),
  ],
  ['conv2d same', () => new nn.Conv2d(2, 3, [4, 3], { padding: 'same', dilation: [1, 2] })],
  ['conv3d', () => new nn.Conv3d(2, 3, 2, { padding: 1 })],
  ['conv1d grouped', () => new nn.Conv1d(4, 6, 3, { dilation: 2, groups: 2 })],
  ['conv3d grouped', () => new nn.Conv3d(4, 2, [2, 1, 2], { dilation: [1, 2, 2], groups: 2 })],
  ['conv transpose 1d', () => new nn.ConvTranspose1d(3, 4, 3)],
  [
    'conv transpose 2d',
    () => new nn.ConvTranspose2d(4, 6, [3, 2], { stride: [2, 3], padding: [1, 0], outputPadding: [1, 2], groups: 2 }),
  ],
  ['conv transpose 2d dilated', () => new nn.ConvTranspose2d(2, 3, 2, { outputPadding: 2, dilation: 3, bias: false })],
  ['conv transpose 3d', () => new nn.ConvTranspose3d(2, 3, 2, { stride: [1, 2, 1], padding: 1 })],
  ['embedding', () => new nn.Embedding(7, 3)],
  ['embedding with padding', () => new nn.Embedding(7, 3, { paddingIdx: 2 })],
  [
    'sequential',
    () =>
      new nn.Sequential(
        new nn.Conv2d(1, 3, 3, { padding: 1 }),
        new nn.BatchNorm2d(3),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Flatten(),
        new nn.Linear(12, 4),
      ),
  ],
])('%s', (name, make) => {
  checkParity(given(name), make())
})

test('impossible sizes are refused by name', () => {
  expect(() => new nn.Linear(-1, 2)).toThrow('Linear: expected inFeatures to be an integer of at least 0, got -1')
  expect(() => new nn.Conv2d(3, 4, 3, { groups: 2 })).toThrow(
    'Conv2d: expected channels that are multiples of groups 2',
  )
  expect(() => new nn.Conv2d(3, 4, [3, 3, 3])).toThrow('Conv2d: expected kernelSize')
  expect(() => new nn.ConvTranspose2d(3, 4, 3, { groups: 2 })).toThrow(
    'ConvTranspose2d: expected channels that are multiples of groups 2',
  )
  expect(() => new nn.Embedding(3, 2, { paddingIdx: 3 })).toThrow('Embedding: expected paddingIdx')
  expect(() => new nn.Linear(2, 3).forward(tensor([[1, 2, 3]]))).toThrow('linear: expected w [out, 3]')
})

test('a padding row starts as zeros', () => {
  const { weight } = new nn.Embedding(3, 2, { paddingIdx: -1 })
  expect(weight.select(0, 2).abs().sum().itemSync()).toBe(0)
  expect(weight.select(0, 1).abs().sum().itemSync()).toBeGreaterThan(0)
})

test('layers take a dtype', () => {
  const layer = new nn.Linear(2, 3, { dtype: 'float64' })
  expect(layer.weight.dtype).toBe('float64')
  expect(layer.forward(tensor([[1, 2]], { dtype: 'float64' })).dtype).toBe('float64')
})
