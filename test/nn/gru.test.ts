// GRU and GRUCell against PyTorch: layers, directions, layouts, initial states, lengths.
import { nn, ones } from '../../lib'
import { fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('gru')
const both = { numLayers: 2, bidirectional: true, batchFirst: true }

test.each<[string, nn.GRU]>([
  ['one layer', new nn.GRU(3, 4)],
  ['without bias', new nn.GRU(3, 4, { bias: false, batchFirst: true })],
  ['two layers, both ways', new nn.GRU(3, 4, both)],
  ['unbatched', new nn.GRU(3, 4)],
  ['lengths', new nn.GRU(3, 4)],
  ['lengths, two layers, both ways', new nn.GRU(3, 4, both)],
])('%s', (name, module) =>
  checkParity(given(name), module, ({ input, h, lengths }) => module.forward(input, h ?? null, { lengths })),
)

test.each(['cell', 'cell with state'])('%s', (name) => {
  const cell = new nn.GRUCell(3, 4)
  checkParity(given(name), cell, ({ input, h }) => [cell.forward(input, h ?? null)])
})

test('wrong states are refused', () => {
  expect(() => new nn.GRU(3, 4).forward(ones([5, 2, 3]), ones([2, 4]))).toThrow(
    'GRU: expected a state h of shape [1, 2, 4], got [2, 4]',
  )
  expect(() => new nn.GRUCell(3, 4).forward(ones([2, 3]), ones([4]))).toThrow('GRUCell: expected a state h')
  expect(() => new nn.GRUCell(3, 4).forward(ones([2, 4]))).toThrow('GRUCell: expected x [B, in] or [in] with in=3')
})
