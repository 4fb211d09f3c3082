// Pooling and Flatten against PyTorch.
import { nn } from '../../lib'
import { fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('pooling')

test.each<[string, () => nn.Layer]>([
  ['max 2d', () => new nn.MaxPool2d(2)],
  ['max 2d overlapping', () => new nn.MaxPool2d([3, 2], { stride: [2, 1], padding: 1, dilation: [1, 2] })],
  ['max 2d ceil', () => new nn.MaxPool2d(2, { ceilMode: true })],
  ['avg 2d', () => new nn.AvgPool2d(2)],
  ['avg 2d padded', () => new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false })],
  ['adaptive 2d', () => new nn.AdaptiveAvgPool2d([3, 2])],
  ['adaptive 2d to one', () => new nn.AdaptiveAvgPool2d(1)],
  ['max 1d', () => new nn.MaxPool1d(3, { stride: 2 })],
  ['avg 1d', () => new nn.AvgPool1d(2)],
  ['adaptive 1d', () => new nn.AdaptiveAvgPool1d(4)],
  ['max 3d', () => new nn.MaxPool3d(2)],
  ['avg 3d', () => new nn.AvgPool3d([2, 1, 2])],
  ['flatten', () => new nn.Flatten()],
  ['flatten inner', () => new nn.Flatten(1, 2)],
])('%s', (name, make) => {
  checkParity(given(name), make())
})
