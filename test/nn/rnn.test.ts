// RNN and RNNCell against PyTorch: layers, directions, layouts, initial states, lengths, both nonlinearities.
import { nn } from '../../lib'
import { fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const both = { numLayers: 2, bidirectional: true, batchFirst: true }

describe.each(['tanh', 'relu'] as const)('%s', (nonlinearity) => {
  const given = fixtures(nonlinearity === 'tanh' ? 'rnn' : 'rnn_relu')

  test.each<[string, nn.RNNOptions]>([
    ['one layer', {}],
    ['without bias', { bias: false, batchFirst: true }],
    ['two layers, both ways', both],
    ['unbatched', {}],
    ['lengths', {}],
    ['lengths, two layers, both ways', both],
  ])('%s', (name, options) => {
    const module = new nn.RNN(3, 4, { ...options, nonlinearity })
    checkParity(given(name), module, ({ input, h, lengths }) => module.forward(input, h ?? null, { lengths }))
  })

  test.each(['cell', 'cell with state'])('%s', (name) => {
    const cell = new nn.RNNCell(3, 4, { nonlinearity })
    checkParity(given(name), cell, ({ input, h }) => [cell.forward(input, h ?? null)])
  })
})

test('other nonlinearities are refused', () => {
  const nonlinearity = 'gelu' as 'relu'
  expect(() => new nn.RNN(3, 4, { nonlinearity })).toThrow('got "gelu"')
  expect(() => new nn.RNNCell(3, 4, { nonlinearity })).toThrow('RNNCell: expected nonlinearity')
})
