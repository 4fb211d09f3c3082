// LSTM and LSTMCell against PyTorch: layers, directions, layouts, initial states, lengths.
import { nn, ones, randn, zeros } from '../../lib'
import { expectClose, fixtures } from '../support/fixtures'
import { checkParity } from '../support/parity'

const given = fixtures('lstm')

function check(name: string, module: nn.LSTM): void {
  checkParity(given(name), module, ({ input, h, c, lengths }) => {
    const [y, state] = module.forward(input, h === undefined ? null : [h, c], { lengths })
    return [y, ...state]
  })
}

test('one layer', () => check('one layer', new nn.LSTM(3, 4)))
test('without bias', () => check('without bias', new nn.LSTM(3, 4, { bias: false, batchFirst: true })))
test('two layers, both ways', () =>
  check('two layers, both ways', new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true })))
test('unbatched', () => check('unbatched', new nn.LSTM(3, 4)))

test('lengths', () => check('lengths', new nn.LSTM(3, 4)))
test('lengths, two layers, both ways', () =>
  check(
    'lengths, two layers, both ways',
    new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true, batchFirst: true }),
  ))

test.each(['cell', 'cell with state'])('%s', (name) => {
  const cell = new nn.LSTMCell(3, 4)
  checkParity(given(name), cell, ({ input, h, c }) => cell.forward(input, h === undefined ? null : [h, c]))
})

test('a cell takes a single row', () => {
  const cell = new nn.LSTMCell(3, 4)
  const x = randn([3])
  const [h] = cell.forward(x)
  expectClose('h', h, cell.forward(x.unsqueeze(0))[0].squeeze(0))
})

test('dropout between layers acts in training alone', () => {
  const lstm = new nn.LSTM(3, 4, { numLayers: 2, dropout: 0.5 })
  const x = randn([5, 2, 3])
  const run = () => lstm.forward(x)[0].arraySync()
  expect(run()).not.toEqual(run())
  lstm.eval()
  expect(run()).toEqual(run())
})

test('wrong inputs are refused', () => {
  const lstm = new nn.LSTM(3, 4)
  expect(() => lstm.forward(ones([5, 2, 4]))).toThrow('LSTM: expected x [T, B, in] or [T, in] with T > 0 and in=3')
  expect(() => lstm.forward(ones([0, 2, 3]))).toThrow('T > 0')
  const state = zeros([2, 2, 4])
  expect(() => lstm.forward(ones([5, 2, 3]), [state, state])).toThrow(
    'LSTM: expected a state [h, c] of shape [1, 2, 4]',
  )
  expect(() => new nn.LSTM(3, 4, { dropout: 0.5 })).toThrow('acts between layers')
})

test('lengths may be a list; wrong ones are refused at once', () => {
  const lstm = new nn.LSTM(3, 4, { batchFirst: true })
  const x = randn([2, 5, 3])
  const [y] = lstm.forward(x, null, { lengths: [2, 5] })
  const [wanted] = lstm.forward(x.narrow(1, 0, 2))
  expectClose('the short sequence', y.select(0, 0).narrow(0, 0, 2), wanted.select(0, 0))
  expect(y.select(0, 0).narrow(0, 2, 3).abs().sum().itemSync()).toBe(0)
  expect(() => lstm.forward(x, null, { lengths: [2, 6] })).toThrow(
    'LSTM: expected lengths[1] to be an integer in [1, 5], got 6',
  )
  expect(() => lstm.forward(x, null, { lengths: [2] })).toThrow('LSTM: expected 2 lengths, one per sequence, got [2]')
  expect(() => lstm.forward(x.select(0, 0), null, { lengths: [5] })).toThrow('no lengths without a batch')
})
