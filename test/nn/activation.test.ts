// Activation layers against PyTorch.
import { nn } from '../../lib'
import { fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('activations')

test.each<[string, () => nn.Layer]>([
  ['relu', () => new nn.ReLU()],
  ['gelu', () => new nn.GELU()],
  ['gelu tanh', () => new nn.GELU({ approximate: 'tanh' })],
  ['silu', () => new nn.SiLU()],
  ['tanh', () => new nn.Tanh()],
  ['sigmoid', () => new nn.Sigmoid()],
  ['softplus', () => new nn.Softplus()],
  ['leaky relu', () => new nn.LeakyReLU()],
  ['leaky relu with slope', () => new nn.LeakyReLU({ negativeSlope: 0.2 })],
  ['elu', () => new nn.ELU()],
  ['elu with alpha', () => new nn.ELU({ alpha: 0.7 })],
  ['softmax', () => new nn.Softmax({ dim: 0 })],
  ['log softmax', () => new nn.LogSoftmax({ dim: 1 })],
  ['glu', () => new nn.GLU({ dim: 0 })],
])('%s', (name, make) => {
  checkParity(given(name), make())
})
